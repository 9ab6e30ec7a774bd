"""How often a thing that wanders from state to state is in each of them before it leaves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def visits(steps: Floats, leaves: Floats, enters: Floats) -> Floats:
    """Mean visits of each state: x = e + P^T x.

    Parameters
    ----------
    steps : array of float64, shape (n, n)
        Probability P_ij, 0 to 1, that j comes after i; the diagonal is not read: it is what the others leave of 1.
    leaves : array of float64, shape (n,)
        Probability that nothing comes after i, 0 to 1.
    enters : array of float64, shape (n,)
        Entries from outside at each state e, 0 or more.

    Returns
    -------
    array of float64, shape (n,)
        Visits; infinite where a thing comes that never leaves.

    Notes
    -----
    The traffic equations of Jackson (Operations Research 5, 1957), by the elimination of Grassmann, Taksar and Heyman
    (Operations Research 33, 1985), which subtracts nothing: exits of any small probability keep all their digits.
    """
    import numpy as np  # takes long to start, and most scenarios are read and planned without arrays

    flow, leaves, enters = steps.astype(float), leaves.astype(float), enters.astype(float)
    np.fill_diagonal(flow, 0.0)
    n = len(leaves)
    out = np.zeros(n)
    for k in range(n - 1, -1, -1):
        out[k] = leaves[k] + flow[k, :k].sum()
        if out[k] == 0.0:
            leaves[:k] += flow[:k, k]  # what comes here does not come back
            continue
        share = flow[:k, k] / out[k]
        leaves[:k] += share * leaves[k]
        flow[:k, :k] += np.outer(share, flow[k, :k])
        np.fill_diagonal(flow, 0.0)
        enters[:k] += enters[k] * flow[k, :k] / out[k]
    found = np.zeros(n)
    for k in range(n):
        came = enters[k] + sum(found[i] * flow[i, k] for i in range(k) if flow[i, k] > 0.0)
        found[k] = came / out[k] if out[k] > 0.0 else (math.inf if came > 0.0 else 0.0)
    return found
