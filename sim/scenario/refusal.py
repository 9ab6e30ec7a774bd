"""Why a single value of a scenario is refused, and how values are shown in messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN_LENGTH = 60
_SHOWN_DIGITS_BITS = 100
_BARE_KEY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "none": ("nothing", "never"),
    "no": ("nothing", "never"),
    **dict.fromkeys(("server", "host", "machine"), ("node",)),
    **dict.fromkeys(("servers", "hosts", "machines", "num_nodes", "n_nodes"), ("nodes",)),
    **dict.fromkeys(("accelerator", "device", "chip"), ("gpu",)),
    **dict.fromkeys(("reboot", "power cycle"), ("reset",)),
    **dict.fromkeys(("replace", "replacement", "rma"), ("repair", "replace")),
    **dict.fromkeys(("crash", "fail", "failstop", "fail-stop"), ("stop",)),
    **dict.fromkeys(("exp", "poisson"), ("exponential",)),
    **dict.fromkeys(("interval", "period", "frequency"), ("every",)),
    **dict.fromkeys(("mttf", "mtti"), ("mtbf",)),
    **dict.fromkeys(("mttr", "duration"), ("time", "horizon")),
    **dict.fromkeys(("length", "days"), ("horizon",)),
    **dict.fromkeys(("failures", "failure", "errors", "fault", "sources"), ("faults",)),
    **dict.fromkeys(("storage", "store", "checkpoints", "checkpointing"), ("stores",)),
    **dict.fromkeys(("spares", "spare", "pool"), ("pools",)),
    **dict.fromkeys(("bw", "throughput"), ("bandwidth",)),
    **dict.fromkeys(("detection",), ("detect",)),
    **dict.fromkeys(("checkpoint_size", "size"), ("checkpoint",)),
}
"""What people write for words and keys of a file that are spelt otherwise."""

Path = tuple[str | int, ...]


class RefusedError(ValueError):
    """A value that cannot be used; where it stands is known only further up.

    Parameters
    ----------
    message : str
        What is wrong, as a phrase that follows a key.
    allowed, remedy : str or None
        What is allowed instead, and what to do.
    """

    def __init__(self, message: str, allowed: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.allowed = allowed
        self.remedy = remedy


def shown(value: object) -> str:
    """Show a value as it would stand in a TOML file, short and on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(int(value)) if value.bit_length() < _SHOWN_DIGITS_BITS else "a very large integer"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, dict):
        return "a table" if value else "an empty table"
    if isinstance(value, (list, tuple)):
        return f"an array of {len(value)}" if value else "an empty array"
    return _printable(str(value))[:_SHOWN_LENGTH]


def shown_path(path: Path) -> str:
    """Write a key path as it would stand in a TOML file or after ``--set``."""
    return ".".join(str(part) if _is_bare(part) else _quoted(str(part)) for part in path)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Give the known word that is most like `word`, or None."""
    candidates = list(known)
    folded = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    if word.casefold() in folded:
        return folded[word.casefold()]
    for meant in _SYNONYMS.get(word.casefold(), ()):
        if meant in candidates:
            return meant
    matches = get_close_matches(word[:_SHOWN_LENGTH], candidates, n=1, cutoff=0.6)
    return matches[0] if matches else None


def listed(options: Iterable[str]) -> str:
    """Join as in "a, b or c"."""
    items = list(options)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _is_bare(part: str | int) -> bool:
    return isinstance(part, int) or (0 < len(part) <= _SHOWN_LENGTH and _BARE_KEY.issuperset(part))


def _quoted(text: str) -> str:
    cut = text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."
    return '"' + _printable(cut.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
