"""Filters of a sweep: conditions on its axes, in a small language of their own.

A condition is parsed into a tree, of which only a few kinds of nodes are understood; nothing of it is ever executed as
Python. What is compared must be of one kind: a duration with a duration, a word with a word.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sim.batch.axes import Axis
from sim.batch.schema import MOST_TEXT
from sim.scenario.refusal import RefusedError, nearest, shown
from sim.study.measures import measured

MOST_LEVELS = 32
_ALLOWED = (
    "comparisons (< <= > >= == !=) of axes, numbers and quantities in quotes, with + - * /, and, or, not, parentheses"
)
_DIMENSIONS: dict[str, dict[str, int]] = {
    "": {},
    "1": {},
    "s": {"s": 1},
    "bytes": {"bytes": 1},
    "bytes/s": {"bytes": 1, "s": -1},
    "1/year": {"year": -1},
    "steps": {"steps": 1},
    "saves": {"saves": 1},
}
_SAID = {
    "1": "a plain number",
    "s": "a duration",
    "bytes": "a size",
    "bytes/s": "a bandwidth",
    "1/year": "a share per year",
    "steps": "a count of steps",
    "saves": "a count of saves",
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_NODES = (
    ast.BoolOp, ast.boolop, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp, *_ARITHMETIC, ast.Compare,
    *_COMPARISONS, ast.Name, ast.Load, ast.Constant,
)  # fmt: skip
"""All that a condition may be made of."""
_FLAGS = {"true": True, "false": False}

Mask = NDArray[np.bool_]
Column = NDArray[Any]


@dataclass(frozen=True)
class _Term:
    """What a part of a condition is, for many cases at once.

    `kind` says of what: numbers in SI units with their dimensions, words, flags, or conditions. `text` is what stands
    in the quotes of a constant.
    """

    kind: Literal["number", "word", "flag", "condition"]
    value: Any
    dimensions: Mapping[str, int]
    text: str | None = None


class Filter:
    """A condition.

    Parameters
    ----------
    text : str
        Such as ``interval < mttf / 100 and not (spares == 0 or interval > "30 min")``; at most 1000 characters.
    axes : sequence of Axis
        The axes that it may name.

    Raises
    ------
    RefusedError
        If it is not understood, names what is no axis, or compares what cannot be compared.
    """

    def __init__(self, text: str, axes: Sequence[Axis]) -> None:
        self.text = text
        self._axes = {axis.name: axis for axis in axes}
        self._tree = _parsed(text)
        self._columns = {name: _column(self._axes[name]) for name in _names(self._tree, list(self._axes))}
        # On no case at all: it shows whether kinds and units fit.
        self.keep({name: np.zeros(0, dtype=np.intp) for name in self._columns}, 0)

    @property
    def names(self) -> list[str]:
        """The axes that it names."""
        return list(self._columns)

    def keep(self, positions: Mapping[str, NDArray[np.intp]], count: int) -> Mask:
        """Say which cases meet the condition.

        Parameters
        ----------
        positions : mapping of str to array of int, shape (count,)
            For each axis in `names` the position of each case's point, from 0.
        count : int
            Number of cases.

        Raises
        ------
        RefusedError
            If a case divides by 0.
        """
        term = _Evaluation(self._axes, {name: self._columns[name][positions[name]] for name in self._columns}).of(
            self._tree
        )
        if term.kind != "condition":
            raise RefusedError("is no condition", _ALLOWED, "compare it with something")
        return np.broadcast_to(np.asarray(term.value, dtype=np.bool_), (count,))


def _parsed(text: str) -> ast.expr:
    """The tree of a text, not too long and not too deep."""
    if len(text) > MOST_TEXT:
        raise RefusedError("is too long", f"at most {MOST_TEXT} characters")
    try:
        with warnings.catch_warnings():
            # Python warns of texts that are refused below.
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise RefusedError("is not understood", _ALLOWED) from None
    todo: list[tuple[ast.AST, int]] = [(tree, 1)]
    while todo:
        node, level = todo.pop()
        if level > MOST_LEVELS:
            raise RefusedError("is nested too deep", f"at most {MOST_LEVELS} levels")
        if not isinstance(node, _NODES):
            raise RefusedError("is not understood", _ALLOWED)
        todo.extend((child, level + 1) for child in ast.iter_child_nodes(node))
    return tree


def _names(tree: ast.expr, axes: list[str]) -> list[str]:
    """The axes that a tree names, in their order."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - _FLAGS.keys()
    for name in sorted(found):
        if name not in axes:
            close = nearest(name, axes)
            remedy = f"did you mean {close}?" if close else "words and quantities stand in quotes"
            raise RefusedError(f'names "{name[:60]}", which is no axis', ", ".join(axes), remedy)
    return [name for name in axes if name in found]


def _column(axis: Axis) -> Column:
    """The points of an axis as one array: of flags, numbers in SI units, or words."""
    if all(isinstance(point.value, bool) for point in axis.points):
        return np.array([point.value for point in axis.points], dtype=np.bool_)
    if axis.si_unit:
        return np.array([point.number for point in axis.points], dtype=np.float64)
    return np.array([point.value if isinstance(point.value, str) else shown(point.value) for point in axis.points])


class _Evaluation:
    """Gives what the parts of a tree are; the columns hold a value for each case."""

    def __init__(self, axes: Mapping[str, Axis], columns: Mapping[str, Column]) -> None:
        self._axes, self._columns = axes, columns

    def of(self, node: ast.expr) -> _Term:
        """Give what a node is."""
        if isinstance(node, ast.Constant):
            return _constant(node.value)
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.BoolOp):
            combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            parts = [self._condition(part) for part in node.values]
            value = parts[0]
            for part in parts[1:]:
                value = combine(value, part)
            return _Term("condition", value, {})
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return _Term("condition", np.logical_not(self._condition(node.operand)), {})
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            term = self._number(node.operand)
            return _Term("number", -term.value if isinstance(node.op, ast.USub) else term.value, term.dimensions)
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            return self._arithmetic(node)
        if isinstance(node, ast.Compare):
            return self._compare(node)
        raise AssertionError(f"{type(node).__name__} was let through")

    def _name(self, name: str) -> _Term:
        if name in _FLAGS:
            return _Term("flag", _FLAGS[name], {})
        column = self._columns[name]
        if column.dtype == np.bool_:
            return _Term("flag", column, {})
        unit = self._axes[name].si_unit
        return _Term("number" if unit else "word", column, _DIMENSIONS[unit])

    def _condition(self, node: ast.expr) -> Any:
        term = self.of(node)
        if term.kind != "condition":
            raise RefusedError("joins what is no condition", _ALLOWED, "compare each part with something")
        return term.value

    def _number(self, node: ast.expr) -> _Term:
        term = self.of(node)
        if term.kind != "number":
            raise RefusedError(f"calculates with {_said(term)}", _ALLOWED)
        return term

    def _arithmetic(self, node: ast.BinOp) -> _Term:
        left, right = self._number(node.left), self._number(node.right)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            if left.dimensions != right.dimensions:
                raise RefusedError(
                    f"adds {_said(left)} and {_said(right)}", "numbers of one kind", _remedy(left, right)
                )
            dimensions = dict(left.dimensions)
        else:
            sign = 1 if isinstance(node.op, ast.Mult) else -1
            powers = {
                unit: left.dimensions.get(unit, 0) + sign * right.dimensions.get(unit, 0)
                for unit in {*left.dimensions, *right.dimensions}
            }
            dimensions = {unit: power for unit, power in powers.items() if power}
        with np.errstate(all="ignore"):
            value = _ARITHMETIC[type(node.op)](left.value, right.value)
        if not np.all(np.isfinite(value)):
            raise RefusedError("divides by 0, or gives no finite number, in some cases", "finite numbers in all cases")
        return _Term("number", value, dimensions)

    def _compare(self, node: ast.Compare) -> _Term:
        terms = [self.of(part) for part in (node.left, *node.comparators)]
        value: Any = True
        for left, kind, right in zip(terms, node.ops, terms[1:], strict=False):
            value = np.logical_and(value, _compared(left, type(kind), right))
        return _Term("condition", value, {})


def _constant(value: object) -> _Term:
    if isinstance(value, str):
        found = measured(value)
        if found is None:
            return _Term("word", value, {}, value)
        return _Term("number", np.float64(found.si), _DIMENSIONS[found.si_unit], value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = measured(value)
        assert found is not None
        return _Term("number", np.float64(found.si), {})
    raise RefusedError(f"holds {str(value)[:20]}", _ALLOWED, "write true or false" if isinstance(value, bool) else None)


def _compared(left: _Term, kind: type[ast.cmpop], right: _Term) -> Any:
    """Compare what can be compared."""
    # An axis with words may hold quantities, too: it is compared with what stands in the quotes.
    a, b = (_as_word(one) if other.kind == "word" else one for one, other in ((left, right), (right, left)))
    if a.kind != b.kind or a.dimensions != b.dimensions or "condition" in (a.kind, b.kind):
        raise RefusedError(f"compares {_said(a)} with {_said(b)}", "what is of one kind", _remedy(a, b))
    if a.kind != "number" and kind not in (ast.Eq, ast.NotEq):
        raise RefusedError(f"orders {_said(a)}", "== and != for what is no number")
    return _COMPARISONS[kind](a.value, b.value)


def _as_word(term: _Term) -> _Term:
    return term if term.text is None else _Term("word", term.text, {}, term.text)


def _said(term: _Term) -> str:
    if term.kind != "number":
        return {"word": "a word", "flag": "true or false", "condition": "a condition"}[term.kind]
    for unit, dimensions in _DIMENSIONS.items():
        if unit and dimensions == term.dimensions:
            return _SAID[unit]
    return "a number in " + " ".join(f"{unit}^{power}" for unit, power in sorted(term.dimensions.items()))


def _remedy(left: _Term, right: _Term) -> str | None:
    plain = [term for term in (left, right) if term.kind == "number" and not term.dimensions]
    return 'give it a unit, in quotes: "30 min"' if len(plain) == 1 else None
