import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

import sim as package
from sim.cli import main

from .texts import SMALL


class Said(NamedTuple):
    """What one call of the command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON on standard output; fails where it holds NaN or Infinity, which no standard knows."""
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} in JSON")


Sim = Callable[..., Said]


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """Compile first: no test of what is said, or of when, then meets a machine on which nothing is compiled yet."""
    package.run(package.loads(SMALL), replications=1)


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sim:
    """Call ``sim`` in this process, as from a shell without a terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["sim", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return Said(int(stop.value.code or 0), out, err)

    return call


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A scenario that runs in a moment."""
    file = tmp_path / "small.toml"
    file.write_text(SMALL, encoding="utf-8")
    return file
