"""How often a job lacks nodes: spares, repair crews, and nodes that are up."""

import math

from sim.theory.domain import at_least, not_negative, positive, probability


def erlang_b(servers: int, load: float) -> float:
    """Erlang's loss formula: ``(a**n / n!) / sum_{j=0..n} a**j / j!``.

    Parameters
    ----------
    servers : int
        Servers n, >= 0.
    load : float
        Offered load a (arrival rate times mean service time), >= 0.

    Returns
    -------
    float
        Probability that all servers are busy, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    By the recursion B_n = a B_{n-1} / (n + a B_{n-1}), which neither overflows nor cancels. Source: Erlang 1917.
    """
    at_least(0, servers=servers)
    return _blocking(servers, load, max(1, servers))


def _blocking(servers: int, load: float, crews: int) -> float:
    """Share of the last state of a birth-death chain with ``p_j = p_{j-1} load / min(j, crews)``."""
    not_negative(load=load)
    share = 1.0
    for down in range(1, servers + 1):
        odds = share * load / min(down, crews)
        share = odds / (1.0 + odds)
    return share


def stalled_share(spares: int, load: float) -> float:
    """Share of time a job waits for a node, with endless repair crews: ``ErlB(S + 1, a)``.

    Parameters
    ----------
    spares : int
        Spares S, >= 0. They do not fail.
    load : float
        Node losses of the running job per time, times the mean repair time, >= 0. No nodes are lost while it waits.

    Returns
    -------
    float
        Share of time, 0 to 1, for any law of the repair; of mixed repairs the mean counts.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracles O9a and O28, derived.
    """
    at_least(0, spares=spares)
    return erlang_b(spares + 1, load)


def stalled_share_crews(spares: int, load: float, crews: int) -> float:
    """Share of time a job waits for a node, with c repair crews and exponential repair.

    ``p_{S+1} / sum_{j=0..S+1} p_j`` with ``p_0 = 1`` and ``p_j = p_{j-1} a / min(j, c)``.

    Parameters
    ----------
    spares : int
        Spares S, >= 0. They do not fail.
    load : float
        Node losses of the running job per time, times the mean repair time, >= 0. No nodes are lost while it waits.
    crews : int
        Repair crews c, >= 1.

    Returns
    -------
    float
        Share of time, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O9b, derived.
    """
    at_least(0, spares=spares)
    at_least(1, crews=crews)
    return _blocking(spares + 1, load, crews)


def nodes_in_repair(count: int, load: float) -> float:
    """Probability that exactly so many nodes are in repair, with endless crews: Poisson.

    ``exp(-a) a**k / k!``.

    Parameters
    ----------
    count : int
        Nodes k, >= 0.
    load : float
        Node losses per time, times the mean repair time, a >= 0. Losses never pause.

    Returns
    -------
    float
        Probability, 0 to 1, for any law of the repair.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O9c, derived.
    """
    at_least(0, count=count)
    not_negative(load=load)
    if load == 0.0:
        return 1.0 if count == 0 else 0.0
    return math.exp(count * math.log(load) - load - math.lgamma(count + 1))


def crew_wait(arrival_rate: float, repair_rate: float, crews: int) -> float:
    """Mean wait of a node for one of c repair crews (M/M/c).

    ``Q / (c mu - lambda)``, ``Q = B / (1 - (a/c)(1 - B))``, ``B = ErlB(c, a)``, ``a = lambda / mu``.

    Parameters
    ----------
    arrival_rate : float
        Nodes that come per time, lambda, per s, >= 0.
    repair_rate : float
        Repairs of one crew per time, mu, per s, > 0.
    crews : int
        Crews c, >= 1. ``c mu`` must exceed ``lambda``.

    Returns
    -------
    float
        Mean wait before the repair begins, s.

    Raises
    ------
    ValueError
        If an argument is out of range, or the crews cannot keep up.

    Notes
    -----
    Source: Erlang's delay formula; oracle O22, derived.
    """
    not_negative(arrival_rate=arrival_rate)
    positive(repair_rate=repair_rate)
    at_least(1, crews=crews)
    spare_rate = crews * repair_rate - arrival_rate
    if spare_rate <= 0.0:
        raise ValueError(
            f"{crews} crews repair at most {crews * repair_rate!r}, {arrival_rate!r} arrive: none keeps up"
        )
    load = arrival_rate / repair_rate
    blocked = erlang_b(crews, load)
    return blocked / (1.0 - load / crews * (1.0 - blocked)) / spare_rate


def stall_per_running(spares: int, load: float) -> float:
    """Time a job waits for nodes per time it runs: ``B / (1 - B)``, ``B = ErlB(S + 1, a)``.

    Parameters
    ----------
    spares : int
        Spares S, >= 0. They do not fail.
    load : float
        Node losses of the running job per time, times the mean repair time, a >= 0.

    Returns
    -------
    float
        Ratio of times, >= 0; equal to ``a ErlB(S, a) / (S + 1)``, which does not cancel.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O23, derived.
    """
    at_least(0, spares=spares)
    return load * erlang_b(spares, load) / (spares + 1)


def k_of_n(needed: int, total: int, availability: float) -> float:
    """Probability that at least k of n nodes are up: ``sum_{i=k..n} C(n, i) A**i (1 - A)**(n - i)``.

    Parameters
    ----------
    needed : int
        Nodes needed k, 0 to n.
    total : int
        Nodes n, >= 0.
    availability : float
        Probability A that a node is up, 0 to 1, independent of the others.

    Returns
    -------
    float
        Probability, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: the binomial law; oracle O9d.
    """
    at_least(0, needed=needed, total=total)
    probability(availability=availability)
    if needed > total:
        raise ValueError(f"needed must be at most total = {total}, got {needed}")
    if availability in (0.0, 1.0):
        return 1.0 if needed == 0 or availability == 1.0 else 0.0
    up, down = math.log(availability), math.log1p(-availability)
    whole = math.lgamma(total + 1)
    terms = (
        math.exp(whole - math.lgamma(i + 1) - math.lgamma(total - i + 1) + i * up + (total - i) * down)
        for i in range(needed, total + 1)
    )
    return min(1.0, math.fsum(terms))


def dead_spare_share(failures: float, calls: float, check: float) -> float:
    """Probability that a call finds the only spare dead: ``r (1 - (1 - e**(-x)) / x)``.

    Parameters
    ----------
    failures : float
        Rate of failures of the idle spare (1/s), > 0.
    calls : float
        Rate at which spares are called (1/s), > 0: exponential times between calls, independent of the failures.
    check : float
        Time between checks of the spare in seconds, > 0; infinite if only a call finds out.

    Returns
    -------
    float
        Probability, from 0 to r = failures / (failures + calls); x = (failures + calls) check. Also the share of the
        calls expected in a time ``check`` without any check, if the spare works at its start.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Repair takes no time, so that a spare works after each check and each call. A time u after a check it is dead with
    probability p(u), p' = failures (1 - p) - calls p, p(0) = 0, so p = r (1 - e**(-(failures + calls) u)); calls come
    at any u alike. Derived.
    """
    positive(failures=failures, calls=calls)
    if not check > 0.0:
        raise ValueError(f"check must be above 0, got {check!r}")
    share = failures / (failures + calls)
    x = (failures + calls) * check
    if x < 1e-5:  # the difference below would cancel; what the series leaves out is of order x^2
        return share * x * (0.5 - x / 6.0)
    return share * (1.0 + math.expm1(-x) / x)
