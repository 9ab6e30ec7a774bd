"""What the hardware can do, draws and costs: from lost time to FLOP, watts and dollars. It stops no job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.chips import MAMF_SOURCE, Chip, Figure, catalogue
from sim.scenario import units
from sim.scenario.efficiency_tables import SERVER_POWER, EfficiencyTable, ModelTable
from sim.scenario.entries import Entries
from sim.scenario.refusal import RefusedError, listed, nearest, shown
from sim.scenario.units import Quantity


@dataclass(frozen=True, slots=True)
class Model:
    """The model, resolved; `tokens` and `batch_tokens` are None where they are not given."""

    parameters: float
    flops_per_token: float
    tokens: float | None
    batch_tokens: float | None
    bytes_per_parameter: float


@dataclass(frozen=True, slots=True)
class Efficiency:
    """`[efficiency]`, resolved; all figures are of one GPU.

    Parameters
    ----------
    chip, precision : str
        "own chip" if it has no name.
    peak, mamf : float
        FLOP/s, mamf <= peak.
    mfu, sfu : float
        Shares of the peak and of MAMF, above 0, at most 1: mfu = mamf / peak x sfu.
    power, server_power : float or None
        W of the chip and of the rest of its server; None if not known.
    network_cost, network_power : float
        Shares of the price of all hardware and of all IT power, from 0 to below 1.
    idle_power : float
        Share of the full power that idle spares and nodes in repair draw, 0 to 1.
    pue : float
        At least 1.
    electricity : float
        USD/J.
    price : float or None
        USD of one GPU with its share of the server; None if not known.
    depreciation : float
        s, above 0.
    model : Model or None
    """

    chip: str
    precision: str
    peak: float
    mamf: float
    mfu: float
    sfu: float
    power: float | None
    server_power: float | None
    network_cost: float
    network_power: float
    idle_power: float
    pue: float
    electricity: float
    price: float | None
    depreciation: float
    model: Model | None

    @property
    def speed(self) -> float:
        """Model FLOP/s of one GPU while stepping: peak x MFU."""
        return self.peak * self.mfu

    @property
    def it_power(self) -> float | None:
        """IT power of one GPU with its shares of server and network at full load, W; None if not known."""
        if self.power is None or self.server_power is None:
            return None
        return (self.power + self.server_power) / (1.0 - self.network_power)

    @property
    def capital(self) -> float | None:
        """Price of one GPU with its shares of server and network, USD; None if not known."""
        return None if self.price is None else self.price / (1.0 - self.network_cost)


def check_efficiency_keys(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check which keys `[efficiency]` has; yields the key and what is wrong."""
    if "mfu" in keys and "sfu" in keys:
        yield "sfu", RefusedError("is given beside mfu", "exactly one of mfu and sfu: the other follows from MAMF")
    if "mfu" not in keys and "sfu" not in keys:
        allowed = "exactly one of mfu and sfu"
        yield None, RefusedError("does not say how fast the job steps", allowed, 'add mfu = "41 %", for example')


def check_efficiency(table: EfficiencyTable) -> Iterator[tuple[str | None, RefusedError]]:
    """Check what the valid values of `[efficiency]` say together; yields the key and what is wrong."""
    peak, mamf = _speeds(table)
    if peak is None or mamf is None:
        yield _unknown(table)
        return
    if mamf > peak:
        yield "chip.mamf", RefusedError(f"is {mamf / peak:.4g} of the peak", "at most the peak")
        return
    if table.mfu is not None and _share(table.mfu, peak) > mamf / peak:
        message = f"is {_share(table.mfu, peak):.2%} of the peak, but matrix products reach {mamf / peak:.2%} (MAMF)"
        yield "mfu", RefusedError(message, "at most MAMF", "an MFU of all FLOP that are done counts recomputation")
        return
    speed = _share(table.mfu, peak) * peak if table.mfu is not None else (table.sfu or 0.0) * mamf
    if speed < 1.0:
        yield "sfu" if table.mfu is None else "mfu", RefusedError("leaves less than 1 FLOP/s", "at least 1 FLOP/s")


def make_efficiency(table: EfficiencyTable, gpus_per_node: int) -> Efficiency:
    """Resolve a table in which nothing is wrong."""
    peak, mamf = _speeds(table)
    assert peak is not None
    assert mamf is not None
    if table.mfu is not None:
        mfu = _share(table.mfu, peak)
        sfu = mfu * peak / mamf
    else:
        assert table.sfu is not None
        sfu = float(table.sfu)
        mfu = sfu * mamf / peak
    power, server_power, price = _figures(table)
    each = price.value if price is not None else None
    if table.node_price is not None:
        each = table.node_price / gpus_per_node
    return Efficiency(
        table.chip.name or "own chip", table.precision, peak, mamf, mfu, min(sfu, 1.0),
        None if power is None else power.value, None if server_power is None else server_power.value,
        float(table.network.cost), float(table.network.power), float(table.idle_power), float(table.pue),
        float(table.electricity), each, float(table.depreciation), _model(table.model),
    )  # fmt: skip


def add_efficiency(table: EfficiencyTable, entries: Entries) -> None:
    """Add `[efficiency]` to the entries; what comes from the catalogue with its source."""
    path, chip = ("efficiency",), table.chip
    for key, unit in (("precision", ""), ("mfu", "1"), ("sfu", "1")):
        entries.field(path, table, key, unit)
    power, server_power, price = _figures(table)
    _add_figure(entries, (*path, "server_power"), table.server_power, server_power, "W")
    for key, unit in (("idle_power", "1"), ("pue", "1"), ("electricity", "USD/J"), ("node_price", "USD")):
        entries.field(path, table, key, unit)
    entries.field(path, table, "depreciation", "s")
    known = _known(table)
    entries.field((*path, "chip"), chip, "name", "")
    for key, found in (("peak", known and known.peak), ("mamf", known and known.mamf)):
        figure = Figure(found[table.precision], MAMF_SOURCE) if found and table.precision in found else None
        _add_figure(entries, (*path, "chip", key), getattr(chip, key), figure, "FLOP/s")
    _add_figure(entries, (*path, "chip", "power"), chip.power, power, "W")
    if table.node_price is None:
        _add_figure(entries, (*path, "chip", "price"), chip.price, price, "USD")
    for key in ("cost", "power"):
        entries.field((*path, "network"), table.network, key, "1")
    if table.model is not None:
        model = _model(table.model)
        assert model is not None
        for key in ("parameters", "active", "tokens", "batch_tokens", "bytes_per_parameter"):
            entries.field((*path, "model"), table.model, key, "1")
        entries.field((*path, "model"), table.model, "flops_per_token", "FLOP", model.flops_per_token)


def _known(table: EfficiencyTable) -> Chip | None:
    return catalogue().get(table.chip.name or "")


def _speeds(table: EfficiencyTable) -> tuple[float | None, float | None]:
    """Give peak and MAMF, FLOP/s; None for what neither the file nor the catalogue says."""
    known, chip = _known(table), table.chip
    peak = None if known is None else known.peak.get(table.precision)
    mamf = None if known is None else known.mamf.get(table.precision)
    if chip.peak is not None:
        peak = float(chip.peak)
    if chip.mamf is not None and peak is not None:
        mamf = _share(chip.mamf, peak) * peak
    return peak, mamf


def _share(value: Quantity, peak: float) -> float:
    return value / peak if units.is_flop(value.written) else float(value)


def _unknown(table: EfficiencyTable) -> tuple[str | None, RefusedError]:
    """Say why peak or MAMF is not known."""
    known, chip = _known(table), table.chip
    key = "chip" if chip.model_fields_set == {"name"} else "chip.name" if chip.name else "chip"
    if known is not None:
        has = listed(shown(each) for each in known.peak)
        message = f"is {shown(table.precision)}, in which no figure of {known.name} is known"
        return "precision", RefusedError(message, has, "give chip.peak and chip.mamf")
    missing = "peak" if chip.peak is None else "mamf"
    if chip.name is None:
        return key, RefusedError(f"says no {missing}", "name, or peak and mamf", 'name = "h100-sxm", for example')
    close = nearest(chip.name, catalogue())
    remedy = f"did you mean {shown(close)}?" if close else "give peak and mamf of a chip that is not in the catalogue"
    return key, RefusedError("is no chip of the catalogue", listed(catalogue()), remedy)


def _figures(table: EfficiencyTable) -> tuple[Figure | None, Figure | None, Figure | None]:
    """Give power of the chip and of its server, W, and its price, USD, each from the file or else the catalogue."""
    known, chip = _known(table), table.chip
    power = _stated(chip.power) or (known.power if known else None)
    server = _stated(table.server_power) or (known.server_power if known else None)
    price = _stated(chip.price) or (known.price if known else None)
    return power, server or (SERVER_POWER if power else None), price


def _stated(value: Quantity | None) -> Figure | None:
    return None if value is None else Figure(float(value), "")


def _add_figure(
    entries: Entries, path: tuple[str, ...], stated: Quantity | None, figure: Figure | None, unit: str
) -> None:
    """Add a figure that a file states, or one from a source."""
    if stated is not None:
        entries.add(path, stated, unit if unit != "FLOP/s" or units.is_flop(stated.written) else "1")
    elif figure is not None:
        number, word = (figure.value / 1e12, "TFLOP/s") if unit == "FLOP/s" else (figure.value, unit)
        entries.add(path, Quantity(figure.value, f"{number:.12g} {word}"), unit, figure.source)


def _model(table: ModelTable | None) -> Model | None:
    if table is None:
        return None
    active = table.parameters if table.active is None else table.active
    flops = 6.0 * active if table.flops_per_token is None else table.flops_per_token
    return Model(table.parameters, flops, table.tokens, table.batch_tokens, table.bytes_per_parameter)
