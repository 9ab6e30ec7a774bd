"""What `[efficiency]` of a file may hold: chip, MFU or SFU, power, prices, network and model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from sim.chips import Figure
from sim.scenario import units
from sim.scenario.fields import (
    Json,
    Number,
    PositiveDuration,
    Probability,
    Reader,
    ShortForm,
    Slowdown,
    Success,
    Table,
    Title,
    WithUnit,
    either,
    setting,
)
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity

SERVER_POWER = Figure(575.0, "assumption: as the rest of an 8-GPU H100 server (SemiAnalysis, 2024-06, D01)")

_SHARE = WithUnit(units.fraction, "", 0.0, 1.0, "dimensionless", ("41 %",), open_low=True, bare=True)
_SPEED = WithUnit(
    units.speed, 'a speed from 1 FLOP/s to 1e24, such as "989 TFLOP/s"', 1.0, 1e24, "[flop]", ("989 TFLOP/s",), "[time]"
)
_POWER = WithUnit(
    units.power, 'a power from 0.001 W to 1000 GW, such as "700 W"', 1e-3, 1e12, "[energy] / [time]", ("700 W",)
)
_MONEY = WithUnit(
    units.money, 'an amount from 0.01 to 1e15 USD, such as "310_000 USD"', 0.01, 1e15, "[money]", ("310_000 USD",)
)
_PRICE = WithUnit(
    units.energy_price,
    'a price from 0 to 1 USD/J, such as "0.08 USD/kWh"',
    0.0,
    1.0,
    "[money]",
    ("0.08 USD/kWh",),
    "[energy]",
)
_PUE = WithUnit(
    units.fraction,
    "facility power / IT power: a number from 1 to 10",
    1.0,
    10.0,
    "dimensionless",
    ("125 %",),
    bare=True,
)


class _Reached(Reader):
    """A share of the peak, or a speed of one GPU."""

    def __init__(self, example: str) -> None:
        self.allowed = (
            f'a share of the peak above 0, at most 1, such as {example}, or FLOP/s of one GPU ("400 TFLOP/s")'
        )

    def read(self, value: object) -> Quantity:
        """Give the share or the speed, or raise `RefusedError`."""
        try:
            return (_SPEED if units.is_flop(value) else _SHARE).read(value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None

    def json_schema(self) -> Json:
        """Give the JSON schema of the value."""
        return {"anyOf": [*_SHARE.json_schema()["anyOf"], _SPEED.json_schema()]}


class _Word(Title):
    """A short text, with examples."""

    def __init__(self, *examples: str) -> None:
        self._examples = list(examples)

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        return {**super().json_schema(), "examples": self._examples}


_CHIP = _Word("h100-sxm", "b200-sxm", "gb200", "mi300x")


def _named(value: object) -> Json:
    """Read a chip's name in place of its table."""
    if not isinstance(value, str):
        raise RefusedError("must be a chip's name or a table", 'a name such as "h100-sxm", or a table')
    return {"name": value}


class ChipTable(Table):
    """`efficiency.chip` as written."""

    name: Annotated[str, _CHIP] | None = setting(
        "Name of a chip of the catalogue (`sim efficiency --chips`), or of one of your own with peak and mamf.",
        None,
        "none: peak and mamf are required",
    )
    peak: Annotated[Quantity, _SPEED] | None = setting(
        "Peak of the data sheet in the precision, dense, in FLOP/s of one GPU.", None, "the catalogue's"
    )
    mamf: Annotated[Quantity, _Reached('"80 %"')] | None = setting(
        "Maximum achievable matmul FLOP/s (MAMF), as a share of the peak or in FLOP/s of one GPU; at most the peak.",
        None,
        "the catalogue's",
    )
    power: Annotated[Quantity, _POWER] | None = setting(
        "Power of the chip alone at full load, in W.",
        None,
        "the catalogue's, else none: energy and money are not known",
    )
    price: Annotated[Quantity, _MONEY] | None = setting(
        "Price of one GPU with its share of the server, in USD.", None, "the catalogue's, else none: money is not known"
    )


class NetworkTable(Table):
    """`efficiency.network` as written."""

    cost: Slowdown = setting(
        "Network's share of the price of all hardware, from 0 to below 1.",
        "14.6 %",
        "switches and cables are 693 of 4,756 million USD for 104,858 H100: Latent.Space and Featherless, 2024-08, G21",
    )
    power: Slowdown = setting(
        "Share of the IT power that is drawn beside the servers, by network, storage and management.",
        "9.1 %",
        "10 % beside the servers of 100,000 H100: SemiAnalysis, 2024-06, D01",
    )


class ModelTable(Table):
    """`efficiency.model` as written."""

    parameters: Annotated[float, Number(1.0)] = setting("Parameters of the model, such as 405e9.")
    active: Annotated[float, Number(1.0)] | None = setting(
        "Parameters that one token uses; fewer than all in a mixture of experts.", None, "all parameters"
    )
    flops_per_token: Annotated[float, Number(1.0)] | None = setting(
        "Model FLOP of one token, forward and backward.",
        None,
        "6 x active: Kaplan et al., Scaling Laws for Neural Language Models, 2020, section 2.1; without attention",
    )
    tokens: Annotated[float, Number(1.0)] | None = setting(
        "Tokens of the whole training run, such as 15.6e12: how long it takes is then said.", None, "not set"
    )
    batch_tokens: Annotated[float, Number(1.0)] | None = setting(
        "Tokens of one step: job.step then follows from MFU.", None, "not set"
    )
    bytes_per_parameter: Annotated[float, Number(1.0, high=1e6)] = setting(
        "Bytes of a checkpoint for each parameter: job.checkpoint follows.",
        14.0,
        "2 of bf16 weights, 12 of Adam's fp32 weights, momentum and variance: Rajbhandari et al., ZeRO, SC 2020",
    )


class EfficiencyTable(Table):
    """`[efficiency]` as written."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = either(("mfu",), ("sfu",))

    chip: Annotated[ChipTable, ShortForm(_named, (_CHIP,))] = setting("The GPU: a name of the catalogue, or a table.")
    precision: Annotated[str, _Word("bf16", "fp8")] = setting(
        "Precision of the matrix products: of the catalogue's chips bf16 or fp8.", "bf16", "the usual one of training"
    )
    mfu: Annotated[Quantity, _Reached('"41 %"')] | None = setting(
        "Model FLOP/s while stepping / peak (MFU), or in FLOP/s of one GPU; at most MAMF.",
        None,
        "MAMF x sfu: exactly one of mfu and sfu",
    )
    sfu: Success | None = setting(
        "System FLOP/s efficiency: MFU / MAMF, what network, storage, memory and stragglers leave.",
        None,
        "mfu / MAMF: exactly one of mfu and sfu",
    )
    server_power: Annotated[Quantity, _POWER] | None = setting(
        "Power of the rest of the server for each GPU, in W.",
        None,
        f"the catalogue's for the chip, else 575 W, {SERVER_POWER.source}",
    )
    idle_power: Probability = setting(
        "Power of spares that idle and nodes in repair, as a share of full load.",
        1.0,
        "assumption: they draw what the others do, which is the most",
    )
    pue: Annotated[Quantity, _PUE] = setting(
        "Power usage effectiveness: facility power / IT power; at least 1.",
        1.25,
        "assumption: between 1.09 of Google's fleet and 1.54, the average of Uptime's survey of 2025 (G30)",
    )
    electricity: Annotated[Quantity, _PRICE] = setting(
        "Price of energy at the meter, in USD/J.", "0.078 USD/kWh", "US average: SemiAnalysis, 2024-06, G31"
    )
    node_price: Annotated[Quantity, _MONEY] | None = setting(
        "Price of a node with its GPUs, in USD; in place of chip.price.", None, "GPUs of a node x chip.price"
    )
    depreciation: PositiveDuration = setting(
        "Life over which the hardware is paid off, evenly and without a rest of its value, in s.",
        "4 years",
        "assumption: nobody's figure was read",
    )
    network: NetworkTable = setting("Network's share of price and power.", {}, "see its keys")
    model: ModelTable | None = setting("The model that is trained.", None, "none: nothing is said of tokens")
