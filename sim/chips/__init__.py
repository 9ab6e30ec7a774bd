"""The catalogue of chips: peak and achievable speed by precision, power and price, each with its source."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

PRECISIONS = ("bf16", "fp8")
MAMF_SOURCE = "Bekman, Machine Learning Engineering, 2026-08-22"
"""Where peaks and achievable speeds come from: ``NOTICE.md`` has the address and the licence."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A published number and its source, date included."""

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip of the catalogue.

    Parameters
    ----------
    name : str
        As a scenario names it: "h100-sxm".
    peak, mamf : dict
        FLOP/s by precision: of the data sheet, dense, and the most that a matrix product was seen to reach.
    power, server_power : Figure or None
        W: of the chip, and of what its server needs beside it, for each chip.
    price : Figure or None
        USD for one chip with its share of the server.
    """

    name: str
    peak: dict[str, float]
    mamf: dict[str, float]
    power: Figure | None
    server_power: Figure | None
    price: Figure | None

    def as_dict(self) -> dict[str, Any]:
        """Give the chip as it stands in JSON; null for what is not known."""
        figures = {"power_w": self.power, "server_power_w": self.server_power, "price_usd": self.price}
        known = {name: None if each is None else asdict(each) for name, each in figures.items()}
        return {"name": self.name, "peak_flops": self.peak, "mamf_flops": self.mamf, "speeds": MAMF_SOURCE, **known}


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Chip]:
    """Give all chips by name."""
    measured = {(row["dtype"], row["accelerator"]): row for row in _rows("mamf.csv")}
    found = {}
    for row in _rows("chips.csv"):
        own = {name: measured[name, row[name]] for name in PRECISIONS if row[name]}
        found[row["name"]] = Chip(
            row["name"],
            {name: 1e12 * float(each["theory_tflops"]) for name, each in own.items()},
            {name: 1e12 * float(each["mamf_tflops"]) for name, each in own.items()},
            _figure(row, "power", "w"),
            _figure(row, "server_power", "w"),
            _figure(row, "price", "usd"),
        )
    return found


def _rows(name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(files(__name__).joinpath(name).read_text(encoding="utf-8").splitlines())


def _figure(row: dict[str, str], name: str, unit: str) -> Figure | None:
    value = row[f"{name}_{unit}"]
    return Figure(float(value), row[f"{name}_source"]) if value else None
