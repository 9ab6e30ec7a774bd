"""Extras are named by a command that works where the product was installed from."""

import json
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from sim import extras

from .conftest import Sim

ROOT = Path(__file__).parents[2]


class Installed:
    """A package as its metadata say how it was installed."""

    def __init__(self, origin: object) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, ["lockstep-sim[plot]"]),
        ({"url": "file:///a%20b/clone", "dir_info": {"editable": True}}, ["--editable", "/a b/clone[plot]"]),
        ({"url": "file:///clone", "dir_info": {}}, ["/clone[plot]"]),
        (
            {"url": "https://example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            ["lockstep-sim[plot] @ git+https://example.org/x.git@abc"],
        ),
        ({"url": "file:///x.whl", "archive_info": {}}, ["lockstep-sim[plot] @ file:///x.whl"]),
    ],
)
def test_the_command_names_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch, origin: object, expected: list[str]
) -> None:
    monkeypatch.setattr(extras, "distribution", lambda name: Installed(origin))
    monkeypatch.setattr(extras, "find_spec", lambda name: object())
    assert shlex.split(extras.install_command("plot")) == [sys.executable, "-m", "pip", "install", *expected]
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert shlex.split(extras.install_command("plot"))[:3] == ["uv", "pip", "install"]


PICTURES = {
    "explain": ("explain", "small.toml", "-o", "a.png"),
    "efficiency": ("efficiency", "small.toml", "-o", "a.png"),
    "sweep": ("sweep", "small.toml", "-o", "out", "--plot", "a.png"),
}


@pytest.mark.parametrize("verb", PICTURES)
def test_a_picture_without_matplotlib_is_refused_before_anything_runs(
    sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.chdir(small.parent)
    axis = '[axes.nodes]\nkey = "job.nodes"\nvalues = [9, 10]\n'
    small.with_name("sweep.toml").write_text(f'scenario = "small.toml"\n{axis}')
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "matplotlib" else object())
    monkeypatch.setattr(extras, "distribution", lambda name: Installed(None))
    arguments = [word.replace("small", "sweep") if verb == "sweep" else word for word in PICTURES[verb]]
    said = sim(*arguments)
    assert (said.code, said.out) == (2, ""), said.err
    command = re.sub(r".*an extra: ", "", " ".join(said.err.split()))
    assert shlex.split(command)[1:] == ["-m", "pip", "install", "lockstep-sim[plot]"]
    assert not small.with_name("out").exists()


def test_the_extras_that_messages_name_are_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["optional-dependencies"]) == {"plot", "hpc"}
    assert project["name"] == extras.PACKAGE
