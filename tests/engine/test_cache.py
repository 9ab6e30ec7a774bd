"""Compiled code is kept on disk only as long as the sources it was made of: an edited callee gives new answers.

In processes of their own, with a copy of the package and a cache directory of its own. Compiled is one small function
that calls a kernel, not the engine.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.kernels import _cache, _sources

PROBE = """
from sim.kernels._jit import entry
from sim.kernels.laws import EXPONENTIAL, duration

@entry
def probe(u):
    return duration(EXPONENTIAL, 100.0, 0.0, u)
"""
ASK = """
import json, sys
from sim.kernels import _cache, _sources
import sim
if len(sys.argv) > 1:
    _cache.SOURCES = sys.argv[1]
from sim.kernels.probe import probe
value = probe(0.5)
print(json.dumps({
    "file": sim.__file__, "value": value, "directory": str(next(_cache.directories())),
    "hits": sum(probe.compiled.stats.cache_hits.values()), "hash": _cache.source_hash(_sources.IMPORTED),
}))
"""
RIGHT, WRONG = "-a * math.log1p(-u)", "-2.0 * a * math.log1p(-u)"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of what the compiled code is made of, with a function to compile."""
    source = Path(sim.__file__).parent
    copy = tmp_path / "sim"
    copy.mkdir()
    for name in ("__init__.py", "plan.py"):
        shutil.copy(source / name, copy)
    for name in ("kernels", "engine"):
        shutil.copytree(source / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "kernels" / "probe.py").write_text(PROBE)
    return copy


def ask(package: Path, *arguments: str, **variables: str) -> dict:
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(package.parent / "cache")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", **variables}
    done = subprocess.run(
        [sys.executable, "-c", ASK, *arguments], env=environment, cwd=package.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert Path(answer["file"]).parent == package
    return answer


def edit(package: Path) -> None:
    laws = package / "kernels" / "laws.py"
    text = laws.read_text()
    assert RIGHT in text
    laws.write_text(text.replace(RIGHT, WRONG))


def test_an_edited_callee_gives_the_new_answer(package: Path) -> None:
    first, again = ask(package), ask(package)
    assert (first["hits"], again["hits"]) == (0, 1)
    assert first["value"] == again["value"] == pytest.approx(69.3147, abs=1e-4)
    assert first["directory"] == again["directory"] == str(package.parent / "cache" / first["hash"])
    edit(package)
    edited = ask(package)
    assert edited["value"] == pytest.approx(2 * 69.3147, abs=1e-4)
    assert edited["hits"] == 0
    assert edited["directory"] != first["directory"]


def test_without_it_the_edit_would_go_unnoticed(package: Path) -> None:
    """Negative control: with one name for all sources, the old answer."""
    before = ask(package, "fixed")
    edit(package)
    after = ask(package, "fixed")
    assert after["hits"] == 1
    assert after["value"] == before["value"]


def test_the_directory_carries_all_that_decides_the_code(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every source that is compiled, new files, and the bounds check; not the place of the package, nor other files."""
    hashes = [source_hash(package)]
    (package / "report.py").write_text("")
    assert source_hash(package) == hashes[0]
    for name in ("plan.py", "engine/state.py", "engine/compiled/loop.py", "kernels/time.py", "kernels/new.py"):
        with open(package / name, "a") as file:
            file.write("# another line\n")
        hashes.append(source_hash(package))
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "0" if os.environ.get("NUMBA_BOUNDSCHECK") == "1" else "1")
    hashes.append(source_hash(package))
    assert len(set(hashes)) == len(hashes)
    elsewhere = shutil.copytree(package, package.parent / "elsewhere" / "sim")
    assert source_hash(elsewhere) == hashes[-1]


def source_hash(package: Path) -> str:
    return _cache.source_hash(_sources.digest(package))


def test_an_edit_between_import_and_compilation_is_not_taken_for_what_was_imported(package: Path) -> None:
    """A kernel is compiled when it is first called: by then its file may be another one."""
    script = """if True:
        import pathlib, sim.kernels.probe as probe
        laws = pathlib.Path(probe.__file__).with_name("laws.py")
        laws.write_text(laws.read_text().replace(*{words!r}))
        print(probe.probe(0.5))
    """.replace("{words!r}", repr((RIGHT, WRONG)))
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(package.parent / "cache")}
    first = subprocess.run([sys.executable, "-c", script], env=environment, cwd=package.parent, capture_output=True)
    assert float(first.stdout) == pytest.approx(69.3147, abs=1e-4), first.stderr
    assert ask(package)["value"] == pytest.approx(2 * 69.3147, abs=1e-4)
