"""The checks of arguments that every closed form makes before it computes."""

import math
from collections.abc import Iterable

# Shares are typed by hand or come out of divisions: their sum is 1 up to this much.
SHARE_TOLERANCE = 1e-9


def positive(**values: float) -> None:
    """Refuse a value that is not finite and above 0.

    Parameters
    ----------
    **values : float
        The arguments to check, by name.

    Raises
    ------
    ValueError
        Names the first bad argument.
    """
    for name, value in values.items():
        if not 0.0 < value < math.inf:
            raise ValueError(f"{name} must be finite and above 0, got {value!r}")


def not_negative(**values: float) -> None:
    """Refuse a value that is not finite and at least 0.

    Parameters
    ----------
    **values : float
        The arguments to check, by name.

    Raises
    ------
    ValueError
        Names the first bad argument.
    """
    for name, value in values.items():
        if not 0.0 <= value < math.inf:
            raise ValueError(f"{name} must be finite and at least 0, got {value!r}")


def probability(**values: float) -> None:
    """Refuse a value outside 0 to 1.

    Parameters
    ----------
    **values : float
        The arguments to check, by name.

    Raises
    ------
    ValueError
        Names the first bad argument.
    """
    for name, value in values.items():
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} must be from 0 to 1, got {value!r}")


def at_least(minimum: int, **values: int) -> None:
    """Refuse a count that is not whole or is below a minimum.

    Parameters
    ----------
    minimum : int
        The smallest count allowed.
    **values : int
        The arguments to check, by name.

    Raises
    ------
    ValueError
        Names the first bad argument.
    """
    for name, value in values.items():
        if not math.isfinite(value) or value != int(value) or value < minimum:
            raise ValueError(f"{name} must be a whole number of at least {minimum}, got {value!r}")


def shares(values: Iterable[float]) -> None:
    """Refuse shares that are not from 0 to 1 or do not add up to 1.

    Parameters
    ----------
    values : iterable of float
        The shares.

    Raises
    ------
    ValueError
        If one is out of range, or their sum is off by more than 1e-9.
    """
    given = list(values)
    for value in given:
        probability(share=value)
    if abs(math.fsum(given) - 1.0) > SHARE_TOLERANCE:
        raise ValueError(f"shares must add up to 1, got {math.fsum(given)!r}")
