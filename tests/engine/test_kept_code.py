"""Compiled code that is damaged, or that somebody else may have written, is never run. Compiled is one small kernel."""

import errno
import logging
import os
import pickle
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.kernels import _cache, _jit, time

SECONDS = 1.3000001907348633
"""1.3 s on the grid."""

NOTHING = "/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "-"
"""May not write a byte: as on a full disk, or a file system that is read-only."""

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@dataclass
class Asked:
    hits: int
    lines: list[str]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Path:
    """A cache directory in which the kernel is kept, and an empty one for temporary files beside it."""
    caplog.set_level(logging.INFO, "sim.engine")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    assert ask(caplog) == Asked(0, [])
    return tmp_path / "cache"


def ask(caplog: pytest.LogCaptureFixture) -> Asked:
    """Call the kernel as a new process does: with nothing compiled, and nothing said."""
    caplog.clear()
    _cache._say.cache_clear()
    quantize = _jit.kernel(time.quantize.py_func).compiled
    assert quantize(1.3) == SECONDS
    return Asked(sum(quantize.stats.cache_hits.values()), caplog.messages)


def ask_process(*before: str, **variables: str | None) -> Asked:
    """Call the kernel in a new process."""
    script = """if True:
        import logging
        logging.basicConfig(format="%(message)s", level=logging.INFO)
        from sim.kernels.time import quantize
        quantize = quantize.compiled
        print(quantize(1.3), sum(quantize.stats.cache_hits.values()))
    """
    environment = {name: value for name, value in {**os.environ, **variables}.items() if value is not None}
    done = subprocess.run([*before, sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    value, hits = done.stdout.split()
    assert float(value) == SECONDS
    return Asked(int(hits), done.stderr.splitlines())


def ours(cache: Path) -> Path:
    (directory,) = cache.iterdir()
    return directory


def kept(cache: Path) -> Path:
    (file,) = ours(cache).glob("sim.kernels.time.quantize-*")
    return file


def test_whole_code_is_used_without_a_word(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert stat.S_IMODE(ours(cache).stat().st_mode) == 0o700
    assert stat.S_IMODE(kept(cache).stat().st_mode) == 0o600
    assert ask(caplog) == Asked(1, [])


def flipped(position: int) -> Callable[[Path], object]:
    def flip(file: Path) -> None:
        data = bytearray(file.read_bytes())
        data[position] ^= 4
        file.write_bytes(data)

    return flip


def of_another_version(file: Path) -> None:
    """The same kernel as other options compile it."""
    other = file.parents[1] / "other"
    other_way = "0" if os.environ.get("NUMBA_BOUNDSCHECK") == "1" else "1"
    ask_process(NUMBA_CACHE_DIR=str(other), NUMBA_BOUNDSCHECK=other_way)
    assert kept(other).name == file.name
    assert ours(other).name != file.parent.name
    kept(other).replace(file)
    shutil.rmtree(other)


def of_another_kernel(file: Path) -> None:
    content = b"the code of something else"
    file.write_bytes(_cache._checksum("sim.kernels.time.other", content) + content)


def a_link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to(file.with_name("elsewhere"))


def a_program(file: Path) -> None:
    """What pickle would run, with the checksum of the code that was there."""
    file.write_bytes(file.read_bytes()[: _cache._SIZE] + pickle.dumps(Runs(str(file.with_name("run")))))


class Runs:
    """Writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (self.path, "w")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut in the checksum": lambda file: os.truncate(file, 10),
    "cut in the code": lambda file: os.truncate(file, file.stat().st_size - 1),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "random": lambda file: file.write_bytes(bytes(range(256)) * 40),
    "a bit of the checksum": flipped(3),
    "a bit of the code": flipped(-200),
    "another version": of_another_version,
    "another kernel": of_another_kernel,
    "a link": a_link,
    "a program": a_program,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_code_is_removed_and_compiled_again(cache: Path, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    file = kept(cache)
    DAMAGE[kind](file)
    assert ask(caplog) == Asked(0, [f"{file} was damaged and is removed: its code is compiled again"])
    assert not file.with_name("run").exists()
    assert not file.is_symlink()
    assert ask(caplog) == Asked(1, [])


def linked(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))
    directory.symlink_to(directory.with_name("elsewhere"))


STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "open to all": (lambda directory: directory.chmod(0o777), "is open to other users"),
    "open to read": (lambda directory: directory.chmod(0o755), "is open to other users"),
    "a link": (linked, "is a link or a file"),
    "somebody else's": (lambda directory: os.chown(directory, 65534, 65534), "belongs to another user"),
}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=AS_ROOT if "else" in k else ()) for k in STRANGE])
def test_code_in_a_directory_that_is_not_ours_alone_is_not_read(
    cache: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    directory = ours(cache)
    make, why = STRANGE[kind]
    make(directory)
    told = f"{directory} {why}: compiled code is not read from there; remove it"
    assert ask(caplog) == Asked(0, [told])
    assert ask(caplog) == Asked(1, [told])  # from the directory for temporary files


@pytest.mark.parametrize("kind", [pytest.param(k, marks=AS_ROOT if "else" in k else ()) for k in STRANGE])
def test_nor_is_it_read_from_such_a_directory_for_temporary_files(
    cache: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    directory = ours(cache).rename(cache.parent / "tmp" / f"lockstep-sim-{os.getuid()}-{ours(cache).name}")
    cache.rmdir()
    cache.write_text("in the way")
    assert ask(caplog) == Asked(1, [])
    make, why = STRANGE[kind]
    make(directory)
    for _ in range(2):
        asked = ask(caplog)
        assert asked.hits == 0
        assert asked.lines[0] == f"{directory} {why}: compiled code is not read from there; remove it"
        assert asked.lines[1].startswith("compiled code cannot be kept")
        assert len(asked.lines) == 2


@AS_ROOT
def test_a_file_of_somebody_else_is_not_read(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.chown(kept(cache), 65534, 65534)
    asked = ask(caplog)
    assert (asked.hits, len(asked.lines)) == (0, 1)


def test_where_no_directory_can_be_made_another_is_used(
    cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kept(cache) / "deeper"))
    first = ask(caplog)
    assert first.hits == 0
    (line,) = first.lines
    assert line.startswith(f"compiled code is kept in {cache.parent}/tmp/lockstep-sim-")
    assert line.endswith("Not a directory)")
    assert ask(caplog) == Asked(1, [])


@pytest.mark.parametrize("variables", [{}, {"HOME": None}, {"HOME": "/dev/null", "NUMBA_CACHE_DIR": None}])
def test_where_nothing_can_be_written_it_is_compiled_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None]
) -> None:
    for name in ("NUMBA_CACHE_DIR", "TMPDIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    asked = ask_process(*NOTHING, **variables)
    assert asked.hits == 0
    (line,) = asked.lines
    assert line.startswith("compiled code cannot be kept, every process compiles it again (")
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_a_directory_that_is_read_only_is_read(cache: Path) -> None:
    assert ask_process(*NOTHING) == Asked(1, [])


def test_damage_that_cannot_be_removed_is_said(
    cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS), path)

    os.truncate(kept(cache), 5)
    monkeypatch.setattr("os.unlink", refuse)
    assert ask(caplog) == Asked(0, [f"{kept(cache)} is damaged and cannot be removed: Read-only file system"])


def test_without_a_home_nothing_is_made_where_one_happens_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a user without an entry in the list of users, ``~`` stays as it is: it is no directory of that name."""
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert [directory.parent for directory in _cache.directories()] == [tmp_path]


def test_other_packages_keep_their_settings() -> None:
    script = (
        "import numba\nbefore = dict(vars(numba.config))\nimport sim.engine.compiled.run, sim.engine.simpy_engine\n"
        "assert dict(vars(numba.config)) == before\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_processes_that_compile_at_the_same_time_disturb_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four cold processes: whatever each of them finds is whole, and one file is left."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        assert all(asked.lines == [] for asked in pool.map(lambda _: ask_process(), range(4)))
    assert list(ours(tmp_path).iterdir()) == [kept(tmp_path)]
    assert ask_process() == Asked(1, [])


TWO_PLANS = """if True:
    import sys, types
    import numpy as np
    from sim.kernels._numba import compiled

    module = sys.modules["sim.kernels.of_a_test"] = types.ModuleType("sim.kernels.of_a_test")
    exec('''if True:
        def steps(plan, n):
            total = 0.0
            for i in range(n):
                total += plan.rate * (1.0 + i % 7) ** 0.5
            return total

        def run(plan, n):
            total = 0.0
            for i in range(n):
                total += steps(plan, i) - steps(plan, i // 2)
            return total
    ''', vars(module))
    module.steps, module.run = (compiled(each, nogil=True) for each in (module.steps, module.run))
    plans = {"short": [("rate", "f8")], "long": [*((f"has_{i}", "i8") for i in range(64)), ("rate", "f8")]}
    for kind in sys.argv[1:]:
        plan = np.zeros(1, plans[kind])
        plan["rate"] = 1.0
        assert module.run(plan[0], 20) == module.run.py_func(plan[0], 20), kind
    print(sum(module.run.stats.cache_hits.values()))
"""


def test_code_for_two_plans_that_two_processes_kept_is_not_mixed_up(tmp_path: Path) -> None:
    """Each process counts types anew, so that both call their plan's type by the same number: a third one that reads
    the code of both calls the right one for each. It did not, and read beyond the end of the shorter plan.
    """

    def hits(*kinds: str) -> int:
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", TWO_PLANS, *kinds], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    assert [hits("short"), hits("long")] == [0, 0]
    assert [hits("short", "long"), hits("long", "short")] == [2, 2]
