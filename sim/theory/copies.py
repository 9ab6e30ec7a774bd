"""How long two copies of something last."""

import math

from sim.theory.domain import not_negative, positive


def time_to_lose_both(node_rate: float, domain_rate: float, one_domain: bool, recopy: float, again: bool) -> float:
    """Mean time from when both copies are there until both are lost.

    Parameters
    ----------
    node_rate, domain_rate : float
        Losses of one node, and of a domain with all that is in it, 1/s, >= 0 and not both 0.
    one_domain : bool
        Whether the two nodes are in one domain, or each in its own.
    recopy : float
        Time from the loss of one copy until there are two again, s, >= 0.
    again : bool
        Whether the node that has lost its copy can be lost while it waits for the new one, and then waits
        ``recopy`` from there (a copy that is made at the next save); without, it is safe.

    Returns
    -------
    float
        s; infinite if the second copy cannot be lost in that time.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived. Both last for 1/L, L the rate at which one or both are lost, a share q at once. Else in the window v the
    other copy is lost at rate m, and the window begins anew at rate r: with F = 1 - exp(-(m + r) v), a window ends in
    the loss with x = m F / (m + r) / (1 - r F / (m + r)) and lasts x / m. So T = (1/L + (1-q) x/m) / (q + (1-q) x).
    For r = 0 that is oracle O17b.
    """
    not_negative(node_rate=node_rate, domain_rate=domain_rate, recopy=recopy)
    positive(rate=node_rate + domain_rate)
    domains = 1 if one_domain else 2
    total = 2.0 * node_rate + domains * domain_rate
    at_once = domain_rate / total if one_domain else 0.0
    other = node_rate + domain_rate
    own = (node_rate if one_domain else other) if again else 0.0
    ends = -math.expm1(-(other + own) * recopy) / (other + own)
    lost = other * ends / (1.0 - own * ends)
    share = at_once + (1.0 - at_once) * lost
    return (1.0 / total + (1.0 - at_once) * lost / other) / share if share > 0.0 else math.inf
