"""What the documents say is what the code does: examples run, links lead somewhere, generated pages are up to date."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from sim.engine.compiled.run import Runner
from sim.planning import build
from sim.report.reference import reference
from sim.scenario import loads

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder in which the README's commands find what they name, and may write."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "scenarios", folder / "scenarios")
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def sim(line: str, folder: Path) -> subprocess.CompletedProcess:
    words = []
    for word in shlex.split(line):
        words += sorted(str(p.relative_to(folder)) for p in folder.glob(word)) if "*" in word else [word]
    assert words[0] == "sim"
    return run([sys.executable, "-m", "sim", *words[1:]], folder)


def test_first_screen_shows_lines_of_the_answer_that_the_command_gives(checkout):
    """Some ten of them, in their order; `...` stands for those left out."""
    shown = next(block for block in blocks("console") if block.startswith("$ sim run"))
    command, expected = shown.split("\n", 1)
    done = sim(command.removeprefix("$ "), checkout)
    assert done.returncode == 0, done.stderr
    given = iter([line.rstrip() for line in done.stdout.splitlines()])
    lines = [line for line in expected.rstrip().splitlines() if line != "..."]
    assert 8 <= len(lines) <= 12
    for line in lines:
        assert line in given, line  # goes on behind the line before


def test_the_picture_of_the_readme_is_what_its_command_draws(checkout):
    (line,) = [line for block in blocks("sh") for line in block.splitlines() if "recovery-at-scale" in line]
    done = sim(line, checkout)
    assert done.returncode == 0, done.stderr
    ((described, kept),) = re.findall(r"^!\[(.*?)\]\((.*?)\)", README, re.DOTALL | re.MULTILINE)
    ours, theirs = imread(ROOT / kept), imread(checkout / "scale.png")
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).mean() < 1e-3  # a curve that moves by a point changes more
    ettr = pd.read_parquet(checkout / "scale" / "cases.parquet")["ettr"].to_numpy().reshape(3, 7)
    assert re.findall(r"([0-9.]+)\s%", described) == [f"{100 * each:.1f}" for each in (*ettr[:, 0], *ettr[:, -1])]


def test_the_readme_is_easy_to_read():
    """Lines of at most 119 characters but for tables, and no paragraph of more than five of them."""
    text = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
    for paragraph in re.split(r"\n\s*\n|\n(?=- )", text):
        lines = [line for line in paragraph.splitlines() if not line.startswith("|")]
        assert len(lines) <= 5, paragraph
        assert all(len(line) < 120 for line in lines), paragraph


@pytest.mark.parametrize("page", ["compare.md", "tune.md", "explain.md", "efficiency.md", "frontier.md"])
def test_pages_show_what_their_commands_say(checkout, page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    shown = [block for block in blocks("console", text) if block.startswith("$ sim ")]
    assert shown
    for block in shown:
        command, expected = re.split(r"(?<!\\)\n", block, maxsplit=1)
        command = command.replace("\\\n", " ")
        done = sim(command.removeprefix("$ "), checkout)
        assert done.returncode == 0, done.stderr
        assert [line.rstrip() for line in done.stdout.splitlines()] == expected.rstrip().splitlines()
    pairs = r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?"
    for example, said in re.findall(pairs, text, re.DOTALL | re.MULTILINE):
        done = run([sys.executable, "-c", example], checkout)
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert not said or [line.rstrip() for line in done.stdout.splitlines()] == said.splitlines()


def test_every_command_of_the_readme_works(checkout):
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) >= 7
    for line in commands:
        done = sim(line, checkout)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_the_commands_of_the_readme_can_be_pasted_in_their_order():
    """Set-up comes first, then what it is enough for, then what needs ``make all``; no prompt is pasted."""
    (setup,) = blocks("bash")
    first, *others = blocks("sh")
    lines = [line.partition("#")[0].split() for line in setup.splitlines()]
    assert lines == [["make", "run"], ["source", ".venv/bin/activate"]]
    assert not re.search(r"--plot|\.png|dask|slurm", first)
    places = [README.index(text) for text in (setup, first, "`make all`", *others)]
    assert places == sorted(places)
    assert all("--plot" in text for text in others)


def test_python_examples_of_the_readme_work(checkout):
    examples = blocks("python")
    assert examples
    for example in examples:
        done = run([sys.executable, "-c", example], checkout)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_make_targets_that_the_documents_name_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"make ([a-z]+)\b", page.read_text(encoding="utf-8"))}
    assert {"run", "test", "bench", "lint"} <= named
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_reference_of_the_scenario_file_is_up_to_date():
    assert (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8") == reference() + "\n", (
        "write it again: python -m sim.report.reference > docs/scenario.md"
    )


def test_architecture_names_every_module():
    """The picture is one page, and true: each module or package of the top three levels stands in it, and no other."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert len(text) < 8_000
    for path in (ROOT / "sim").iterdir():
        if path.name in ("__init__.py", "__main__.py", "py.typed", "__pycache__"):
            continue
        assert re.search(rf"\b{re.escape(path.name)}", text), path.name


def test_no_file_names_this_machine_or_a_registry():
    files = run(["git", "ls-files"], ROOT).stdout.split()
    assert files
    forbidden = re.compile(r"/work/|\.\./shared|(?<!\w)\.library|pypi\.org|files\.pythonhosted|farm-")
    for name in files:
        path = ROOT / name
        if path.suffix in (".md", ".py", ".toml", ".txt", ".csv", ".json", ".yml", ".yaml", "") and path.is_file():
            if path == Path(__file__):
                continue
            found = forbidden.search(path.read_text(encoding="utf-8"))
            assert not found, f"{name}: {found and found.group()}"


def test_the_repair_shop_of_the_documents_runs():
    page = (ROOT / "docs" / "repair.md").read_text(encoding="utf-8")
    (shop,) = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    nodes = 'cluster.nodes = 100\njob.nodes = 80\nfaults.node = { per = "node", mtbf = "1000 h" }\n'
    rows = Runner(build(loads(nodes + shop))).run(0, 20)
    assert min(rows["relapses"].sum(), rows["retired"].sum(), rows["renewals"].sum()) > 0


ODD = (
    "what it has not", "would flatter itself", "is gone on with", "is of no sweep", "until ettr is so precise",
    "met the same faults", "meet the same faults", "what is lost and to what", "waits for his own", "one thin verb",
)  # fmt: skip
"""Phrases that no native engineer would write; what they mean is said otherwise."""


def test_no_text_has_phrases_that_sound_translated():
    for name in run(["git", "ls-files"], ROOT).stdout.split():
        path = ROOT / name
        if path.suffix in (".md", ".py", ".toml") and path != Path(__file__):
            text = " ".join(path.read_text(encoding="utf-8").lower().split())
            assert not [phrase for phrase in ODD if phrase in text], name
