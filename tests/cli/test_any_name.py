"""``*`` for a name, in --set, --over, --variant and axes; and the rates of all sources together."""

from pathlib import Path

import pytest

from .conftest import Sim

ALL = "faults.*.rate_factor"
ONE_BY_ONE = ("--set", "faults.node.rate_factor=2", "--set", "faults.software.rate_factor=2")


def test_a_star_sets_every_name(sim: Sim, small: Path) -> None:
    once = sim("run", small, "--set", f"{ALL}=2", "--replications", 32, "--json")
    one_by_one = sim("run", small, *ONE_BY_ONE, "--replications", 32, "--json")
    assert once.code == 0
    assert once.json == one_by_one.json
    as_it_is = sim("run", small, "--replications", 32, "--json").json
    # Twice the faults on twice the components' clocks: 10 days of about 24 faults; 5 standard errors of the mean.
    assert once.json["faults"]["mean"] == pytest.approx(2 * as_it_is["faults"]["mean"], rel=0.2)
    mtbf = [sim("show", small, *sets, "--json").json["outlook"]["job_mtbf_s"] for sets in ((), ("--set", f"{ALL}=2"))]
    assert mtbf[1] == pytest.approx(mtbf[0] / 2)


def test_a_star_in_a_variant(sim: Sim, small: Path) -> None:
    said = sim("compare", small, "--variant", f"{ALL}=2", "--variant", f"{ALL} = 0.5", "--replications", 32, "--json")
    assert said.code == 0
    assert said.json["names"] == ["small", f"{ALL}=2", f"{ALL} = 0.5"]
    as_it_is, more, fewer = (each["ettr"]["mean"] for each in said.json["cases"])
    assert more < as_it_is < fewer


def test_a_star_in_what_is_tuned(sim: Sim, small: Path) -> None:
    """Where values differ, they go together by the same factor, and each has a change of its own."""
    target = ("--target", "ettr=95 %", "--replications", 64, "--json")
    alike = sim("tune", small, "--over", ALL, *target).json
    assert alike["knobs"][0]["key"] == ALL
    (change,) = next(each for each in alike["settings"] if each["name"] == "best")["changes"]
    factor = float(change.removeprefix(f"{ALL}="))
    ettr = sim("run", small, "--set", change, "--replications", 512, "--json").json["ettr"]["mean"]
    assert ettr == pytest.approx(0.95, abs=0.006)
    apart = sim("tune", small, "--over", ALL, "--set", "faults.node.rate_factor=2", *target).json
    changes = next(each for each in apart["settings"] if each["name"] == "best")["changes"]
    node, software = (float(each.partition("=")[2]) for each in changes)
    assert [each.partition("=")[0] for each in changes] == ["faults.node.rate_factor", "faults.software.rate_factor"]
    assert node == pytest.approx(2 * software, rel=1e-9)
    assert software < factor


def test_a_star_in_a_sweep(sim: Sim, small: Path) -> None:
    sweep = small.parent / "sweep.toml"
    sweep.write_text(
        'scenario = "small.toml"\nreplications = 8\n[set]\n"stores.*.every" = "20 min"\n'
        f'[axes.rates]\nkey = "{ALL}"\nvalues = [1, 2]\n'
    )
    said = sim("sweep", sweep, "-o", small.parent / "out", "--json")
    assert said.code == 0, said.err
    plain = sim("run", small, "--set", f"{ALL}=2", "--set", "stores.remote.every=20 min", "--replications", 8, "--json")
    assert said.json["cases"][1]["ettr"]["mean"] == plain.json["ettr"]["mean"]
    sweep.write_text(sweep.read_text() + '[axes.node]\nkey = "faults.node.rate_factor"\nvalues = [1, 2]\n')
    twice = sim("sweep", sweep, "-o", small.parent / "out2")
    assert twice.code == 2
    assert "as does axes.rates" in " ".join(twice.err.split())


def test_all_rates_are_a_lever(sim: Sim, small: Path) -> None:
    found = sim("explain", small, "--replications", 32, "--json").json
    (lever,) = [each for each in found["levers"] if each["name"] == ALL]
    assert (lever["keys"], lever["now"]) == ([ALL], ["1.0"])
    half, twice = lever["effects"]
    assert half["changes"] == [f"{ALL}=0.5"]
    assert twice["gain"]["mean"] < 0 < half["gain"]["mean"]
    # Together they do more than the best of them alone.
    assert half["gain"]["mean"] > max(
        effect["gain"]["mean"]
        for each in found["levers"]
        if each["name"].startswith("MTBF")
        for effect in each["effects"]
    )
    alone = sim(
        "explain", small, "--replications", 8, "--set", "faults={ a = { per = 'job', mtbf = '9 h' } }", "--json"
    )
    assert ALL not in found["leaders"]
    assert ALL not in [each["name"] for each in alone.json["levers"]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("stors.*.every=3 min", "stors.*.every: is set nowhere: * stands for the names that are there"),
        ("faults.*.rate_fctor=3", 'faults.*.rate_fctor: is an unknown key; did you mean "rate_factor"?'),
        ("faults.*.rate_factor=0", "faults.*.rate_factor: is too small"),
        ("faults.*.count.x=1", "faults.*.count"),
    ],
)
def test_a_mistake_with_a_star_is_said_once(sim: Sim, small: Path, change: str, said: str) -> None:
    found = sim("run", small, "--set", change)
    assert (found.code, found.out) == (2, "")
    assert said in " ".join(found.err.split())
    assert len(found.err.strip().splitlines()) <= 2


def test_a_name_that_is_a_star_is_written_in_quotes(sim: Sim, small: Path) -> None:
    small.write_text(small.read_text().replace("faults.software", 'faults."*"'))
    rates = lambda *sets: sim("show", small, *sets, "--json").json["scenario"]["faults"]  # noqa: E731
    one = rates("--set", 'faults."*".rate_factor=2')
    assert (one["*"]["rate_factor"], one["node"]["rate_factor"]) == (2.0, 1.0)
    every = rates("--set", "faults.*.rate_factor=2")
    assert (every["*"]["rate_factor"], every["node"]["rate_factor"]) == (2.0, 2.0)
