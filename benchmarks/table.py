"""Run all benchmarks and print one table of ratios, each of two things measured in this same run.

Every figure is the minimum of several rounds: of CPU time for what runs on one thread, of the wall clock for two
threads and for commands. Goals are printed beside what was measured; only a wrong count of faults fails.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
AIRESIM = "test_airesim.test_airesim"
AIRESIM_HOME = "github.com/karthikp-ubc/airesim"
NOTES = """\
! a goal that was missed       * faults handled, and their number asserted
Minima of several rounds: CPU time for one thread, the wall clock for the rest.
A bare cycle: one SimPy process waits for a timeout, another interrupts it.
Sweep: ideal is half the CPU time of the same runs alone; beyond: wall clock per
case beyond the ideal, start-up included; 1M rows: tables, from the journal.
No rework: the case of benchmarks/no-rework.toml, which AIReSim can run too."""
MB = 1e6
STARTS = {"validate": 2.5, "run": 5.0}
"""Goals of a start, in starts of ``sim --help``: medians of ten that alternate."""


@dataclass(frozen=True)
class Result:
    """One benchmark: its fastest round in seconds, and what it says of itself."""

    seconds: float
    notes: dict[str, int]

    @property
    def faults(self) -> int:
        return self.notes["faults"]

    @property
    def per_fault(self) -> float:
        return self.seconds / self.faults

    @property
    def per_replication(self) -> float:
        return self.seconds / self.notes["replications"]


@dataclass(frozen=True)
class Row:
    """A line of the table. ``goal`` is None where there is none, ``faults`` where none are simulated."""

    what: str
    measured: str
    ratio: str
    goal: str | None = None
    met: bool = True
    faults: int | None = None


def main() -> int:
    console = Console(width=80, highlight=False)
    print("running the benchmarks: some four minutes ...", file=sys.stderr, flush=True)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "benchmarks.json"
        command = [sys.executable, "-m", "pytest", str(HERE), "-q", "--benchmark-quiet", f"--benchmark-json={file}"]
        done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout + done.stderr, file=sys.stderr)
            return 1
        results = read(file)
    rows = [*engine_rows(results), *command_rows(results), *sweep_rows(results), *airesim_rows(results)]
    console.print(table(rows))
    console.print(NOTES)
    if AIRESIM not in results:
        console.print(f"AIReSim not found: set AIRESIM to a checkout of {AIRESIM_HOME}")
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {before:.1f} before and "
        f"{os.getloadavg()[0]:.1f} after"
    )
    return 0


def read(file: Path) -> dict[str, Result]:
    """Results by ``module.test[parameter]``."""
    return {
        f"{Path(each['fullname'].partition('::')[0]).stem}.{each['name']}": Result(
            each["stats"]["min"], each["extra_info"]
        )
        for each in json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
    }


def engine_rows(results: dict[str, Result]) -> list[Row]:
    hopper, empty = results["test_compiled.test_hopper"], results["test_compiled.test_no_faults"]
    simpy, bare = results["test_simpy.test_hopper"], results["test_simpy.test_bare_cycle"]
    cycle = bare.seconds / bare.notes["interrupts"]
    small, medium, large = (results[f"test_compiled.test_size[{gpus}]"] for gpus in (10_000, 100_000, 1_000_000))
    growth = large.per_fault / small.per_fault
    return [
        Row(
            "compiled: fault", shown(hopper.per_fault), of(hopper.per_fault / cycle, "bare cycle"),
            "≤ 400 ns", hopper.per_fault <= 400e-9, hopper.faults,
        ),
        Row(
            "compiled: run of 90 days", shown(hopper.per_replication),
            of(hopper.per_replication / simpy.seconds, "SimPy's"),
            "< 2 ms", hopper.per_replication < 2e-3, hopper.faults,
        ),
        Row(
            "compiled: run, no faults", shown(empty.per_replication),
            of(empty.per_replication / hopper.per_replication, "hopper's"),
            "< 50 us", empty.per_replication < 50e-6, empty.faults,
        ),
        Row("compiled: 10k GPUs, fault", shown(small.per_fault), of(1.0, ""), faults=small.faults),
        Row(
            "compiled: 100k GPUs, fault", shown(medium.per_fault),
            of(medium.per_fault / small.per_fault, "10k GPUs"), faults=medium.faults,
        ),
        Row(
            "compiled: 1M GPUs, fault", shown(large.per_fault), of(growth, "10k GPUs"),
            "≤ 1.3 x", growth <= 1.3, large.faults,
        ),
        threads_row(results),
        Row(
            "SimPy: run of 90 days", shown(simpy.seconds), of(simpy.seconds / hopper.per_replication, "compiled"),
            "< 1 s", simpy.seconds < 1.0, simpy.faults,
        ),
        Row(
            "SimPy: fault", shown(simpy.per_fault), of(simpy.per_fault / cycle, "bare cycle"), faults=simpy.faults
        ),
        Row(
            "SimPy: fault", shown(simpy.per_fault), of(simpy.per_fault / hopper.per_fault, "compiled"),
            faults=simpy.faults,
        ),
    ]  # fmt: skip


def threads_row(results: dict[str, Result]) -> Row:
    what, goal = "compiled: 2 threads, runs", "≥ 1.8 x"
    if "test_compiled.test_threads[2]" not in results:
        return Row(what, "one core", "", goal, met=False)
    one, two = (results[f"test_compiled.test_threads[{threads}]"] for threads in (1, 2))
    speed = one.seconds / two.seconds
    return Row(what, f"{1 / two.per_replication:,.0f} /s", of(speed, "one thread"), goal, speed >= 1.8, two.faults)


def command_rows(results: dict[str, Result]) -> list[Row]:
    start, usage, run = (
        results[f"test_command.{name}"] for name in ("test_python", "test_help", "test_run_to_precision")
    )
    first, all_of_it = (results[f"test_command.test_first_compilation[{engine}]"] for engine in ("plain", "full"))
    compare, tune = results["test_command.test_compare"], results["test_command.test_tune"]
    large, small = (results[f"test_command.test_memory[{size}]"] for size in ("100,000 GPUs", "16 GPUs"))
    peak, least = large.notes["peak_bytes"], small.notes["peak_bytes"]
    return [
        Row(
            "sim --help", shown(usage.seconds), of(usage.seconds / start.seconds, "bare Python"), "< 0.3 s",
            usage.seconds < 0.3,
        ),
        *(
            Row(
                f"sim {verb} minimal.toml", shown(started.notes["microseconds"] / 1e6),
                of(started.notes["thousandths"] / 1000, "sim --help"), f"≤ {most:g}",
                started.notes["thousandths"] <= 1000 * most,
            )
            for verb, most in STARTS.items()
            for started in [results[f"test_command.test_start[{verb}]"]]
        ),
        Row(
            "sim run, to ±0.1 points", shown(run.seconds), of(run.seconds / usage.seconds, "sim --help"), "< 3 s",
            run.seconds < 3.0, run.faults,
        ),
        Row(
            "sim compare: pairs of runs", f"{compare.notes['pairs']}",
            of(1000 / compare.notes["thousandths"], "without pairing"),
        ),
        Row("sim compare", shown(compare.seconds), of(compare.seconds / run.seconds, "sim run")),
        Row("sim tune", shown(tune.seconds), of(tune.seconds / run.seconds, "sim run"), "< 10 s", tune.seconds < 10.0),
        Row(
            "sim run, first compiled", shown(first.seconds), of(first.seconds / run.seconds, "from cache"),
            "< 60 s", first.seconds < 60.0, first.faults,
        ),
        Row(
            "the same, all features", shown(all_of_it.seconds), of(all_of_it.seconds / first.seconds, "without"),
            "< 60 s", all_of_it.seconds < 60.0, all_of_it.faults,
        ),
        Row(
            "sim run, peak memory", f"{(peak - least) / MB:+.1f} MB", of(peak / least, "16 GPUs"), "≤ 100 MB",
            peak - least <= 100 * MB, large.faults,
        ),
    ]  # fmt: skip


def sweep_rows(results: dict[str, Result]) -> list[Row]:
    merged = results["test_sweep.test_merge"]
    seconds, peak = merged.notes["merge_us"] / 1e6, merged.notes["peak_bytes"]
    rows = [
        Row(
            "sim sweep: 1M rows", shown(seconds), f"{peak / MB:,.0f} MB (< 1 GB)", "< 10 s",
            seconds < 10.0 and peak < 1000 * MB,
        )
    ]  # fmt: skip
    if "test_sweep.test_two_processes" not in results:
        return [Row("sim sweep: 1,000 cases", "one core", "", "≥ 90 %", met=False), *rows]
    swept = results["test_sweep.test_two_processes"]
    alone, cases = swept.notes["alone_us"] / 1e6, swept.notes["cases"]
    share = alone / 2 / swept.seconds
    beyond = (swept.seconds - alone / 2) / cases
    return [
        Row(
            "sim sweep: 1,000 cases", shown(swept.seconds), f"{100 * share:.0f} % of ideal", "≥ 90 %",
            share >= 0.9,
        ),
        Row(
            "sim sweep: case, beyond", shown(beyond), of(2 * beyond * cases / alone, "computation"), "< 5 ms",
            beyond < 5e-3,
        ),
        *rows,
    ]  # fmt: skip


def airesim_rows(results: dict[str, Result]) -> list[Row]:
    """The case of no-rework.toml in our engines, and in AIReSim if it was found."""
    other = results.get(AIRESIM)
    rows = []
    for what, name in (("compiled", "test_airesim.test_compiled"), ("SimPy", "test_airesim.test_simpy")):
        ours = results[name]
        ratio = "AIReSim not found" if other is None else of(ours.per_fault / other.per_fault, "AIReSim")
        rows.append(Row(f"no rework: {what}, fault", shown(ours.per_fault), ratio, faults=ours.faults))
    if other is not None:
        rows.append(Row("no rework: AIReSim, fault", shown(other.per_fault), of(1.0, ""), faults=other.faults))
    return rows


def table(rows: list[Row]) -> Table:
    out = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, justify in (
        ("hopper-100k unless said", "left"), ("measured", "right"), ("as a ratio to", "left"), ("goal", "left"),
    ):  # fmt: skip
        out.add_column(name, justify=justify, no_wrap=True)
    out.add_column("faults*", justify="right", no_wrap=True)
    for row in rows:
        goal = row.goal or ""
        if not row.met:
            goal = f"[bold red]{goal} ![/]"
        out.add_row(row.what, row.measured, row.ratio, goal, "" if row.faults is None else f"{row.faults:,}")
    return out


def of(ratio: float, reference: str) -> str:
    """A ratio with two or three digits, as a fraction where it is small."""
    if ratio < 0.1:
        return f"1/{1 / ratio:,.0f} {reference}"
    return f"{ratio:,.0f} x {reference}" if ratio >= 100 else f"{ratio:.3g} x {reference}".removesuffix(" x ")


def shown(seconds: float) -> str:
    """A time with three digits, in a unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{1e9 * seconds:.0f} ns"


if __name__ == "__main__":
    sys.exit(main())
