"""Work and steps in the model's own terms: tokens, FLOP and steps as seconds at full speed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from sim.scenario import units
from sim.scenario.efficiency import Efficiency
from sim.scenario.fields import LONGEST_S, SHORTEST_S, YEAR_S, Json, Reader, WithUnit
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity, in_seconds

MOST_S = 100 * YEAR_S
"""Most work of a run, in s at full speed."""

_TIME = WithUnit(units.duration, "", SHORTEST_S, MOST_S, "[time]", ("54 days",))
_AGREE = 0.01
"""How far, as a share, a step that is given may lie from the one that follows from MFU."""


class _WorkReader(Reader):
    """Time at full speed, or a count of tokens, FLOP or steps."""

    allowed = (
        'work above 0: "54 days" at full speed (at most "100 years"), "15.6e12 tokens", "3.8e25 FLOP", "5e5 steps"'
    )

    def read(self, value: object) -> Quantity:
        """Give the time in s, or the count, or raise `RefusedError`."""
        try:
            if units.is_tokens(value) or units.is_flop(value):
                found = units.tokens(value) if units.is_tokens(value) else units.flops(value)
                if found == 0.0:
                    raise RefusedError("is too small")
                return found
            return units.steps(value) if units.is_steps(value) else _TIME.read(value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        counts = (("[tokens]", "15.6e12 tokens"), ("[flop]", "3.8e25 FLOP"), ("[steps]", "500_000 steps"))
        texts = [{"type": "string", "pattern": units.text_pattern(of), "examples": [such]} for of, such in counts]
        return {"anyOf": [_TIME.json_schema(), *texts]}


Work = Annotated[Quantity, _WorkReader()]
"""Work of a run: seconds at full speed, or a count that says in `written` of what."""


def step_of(gpus: int, efficiency: Efficiency | None) -> Quantity | None:
    """Give the step that follows from MFU, s: tokens of a batch x FLOP of a token / FLOP/s of the job's GPUs."""
    model = efficiency.model if efficiency is not None else None
    if efficiency is None or model is None or model.batch_tokens is None:
        return None
    return in_seconds(model.batch_tokens * model.flops_per_token / (gpus * efficiency.speed))


def checkpoint_of(efficiency: Efficiency | None) -> Quantity | None:
    """Give the size of a checkpoint that follows from the model, in bytes."""
    model = efficiency.model if efficiency is not None else None
    if model is None:
        return None
    return units.size(f"{model.parameters * model.bytes_per_parameter / 1e12!r} TB")


def check_step(step: Quantity | None, derived: Quantity | None) -> Iterator[tuple[tuple[str, ...], RefusedError]]:
    """Check the step that follows from MFU, alone and against one that is given; yields path and refusal."""
    if derived is None:
        return
    if not SHORTEST_S <= derived <= LONGEST_S:
        message = f"makes a step of {derived:.4g} s: batch_tokens x flops_per_token / (GPUs x peak x MFU)"
        yield ("efficiency", "model", "batch_tokens"), RefusedError(message, 'a step from "1 us" to "136 years"')
    elif step is not None and abs(step / derived - 1.0) > _AGREE:
        message = (
            f"is not the {derived:.4g} s that efficiency says: batch_tokens x flops_per_token / (GPUs x peak x MFU)"
        )
        remedy = "leave out job.step, or efficiency.model.batch_tokens"
        yield ("job", "step"), RefusedError(message, "the same to 1 %", remedy)


def check_work(
    work: Quantity | None, gpus: int, step: Quantity | None, efficiency: Efficiency | None
) -> Iterator[tuple[str, RefusedError]]:
    """Check that work in tokens, FLOP or steps can be put into seconds; yields the key and what is wrong."""
    if work is None:
        return
    if units.is_steps(work.written):
        if step is None:
            message = "counts steps, but nothing says how long one takes"
            yield "work", RefusedError(message, None, "give job.step, or efficiency.model.batch_tokens")
            return
    elif units.is_tokens(work.written) or units.is_flop(work.written):
        needed = "[efficiency] with a model" if units.is_tokens(work.written) else "[efficiency]"
        if efficiency is None or (units.is_tokens(work.written) and efficiency.model is None):
            yield "work", RefusedError(f"needs {needed}, which says how fast the job is", None, f"add {needed}")
            return
    seconds = work_in_seconds(work, gpus, step, efficiency)
    if not SHORTEST_S <= seconds <= MOST_S:
        yield "work", RefusedError(f"is {seconds:.4g} s at full speed", 'from "1 us" to "100 years" at full speed')


def work_in_seconds(work: Quantity, gpus: int, step: Quantity | None, efficiency: Efficiency | None) -> Quantity:
    """Give the work in seconds at full speed, as it was written; FLOP and tokens by the speed of the job's GPUs."""
    if units.is_steps(work.written):
        assert step is not None
        return Quantity(work * step, work.written)
    if not units.is_tokens(work.written) and not units.is_flop(work.written):
        return work
    assert efficiency is not None
    each = 1.0
    if units.is_tokens(work.written):
        assert efficiency.model is not None
        each = efficiency.model.flops_per_token
    return Quantity(work * each / (gpus * efficiency.speed), work.written)
