"""Designs side by side on the same faults: what one gets and costs against another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sim.study.compare import Comparison
from sim.study.efficiency import Account
from sim.study.paired import Measured, interval
from sim.study.statistics import Estimate


@dataclass(frozen=True)
class Change:
    """A figure of a design against the first's, on the same faults: the difference, and as a share of the first's."""

    difference: Estimate
    relative: Estimate


@dataclass(frozen=True)
class Designs:
    """Designs side by side on the same faults; the first is what others are held to."""

    comparison: Comparison

    def __repr__(self) -> str:
        return f"<Designs {', '.join(map(repr, self.comparison.names))}: n = {self.comparison.n}>"

    @cached_property
    def accounts(self) -> list[Account]:
        """One for each design."""
        return [Account(case) for case in self.comparison.cases]

    @cached_property
    def changes(self) -> list[dict[str, Change]]:
        """Of each further design, every figure that the first has, too; for each figure the designs' intervals hold
        together (Bonferroni).
        """
        base, *others = self.accounts
        return [
            {
                name: self._change(base.figures[name].measured, figure.measured)
                for name, figure in other.figures.items()
                if name in base.figures
            }
            for other in others
        ]

    def _change(self, base: Measured, other: Measured) -> Change:
        confidence, family = self.comparison.confidence, len(self.accounts) - 1
        if base.value == 0:
            nothing = Estimate(math.inf, None, None, base.n, confidence)
            return Change(interval(other - base, confidence, family), nothing)
        share = other.value / base.value
        relative = Measured(share - 1.0, (other.influence - share * base.influence) / base.value)
        return Change(interval(other - base, confidence, family), interval(relative, confidence, family))

    def as_dict(self) -> dict[str, Any]:
        """The designs as they stand in JSON: see ``docs/efficiency.md``."""
        found = self.comparison
        return {
            "names": list(found.names),
            "designs": [account.as_dict() for account in self.accounts],
            "differences": [
                {
                    "name": name,
                    "figures": {
                        figure: {"difference": each.difference.as_dict(), "relative": each.relative.as_dict()}
                        for figure, each in changes.items()
                    },
                }
                for name, changes in zip(found.names[1:], self.changes, strict=True)
            ],
            "intervals": {
                "method": "bonferroni", "confidence": found.confidence, "together": len(found.differences),
            },
            "precision": {
                "half_width": found.half_width, "reached": None if found.half_width is None else found.reached,
            },
        }  # fmt: skip
