"""How sure a verdict must be when it is looked for again and again: each look may spend a part of the error.

A comparison that ends as soon as an interval lies on one side of 0 has as many chances to be wrong as it has looks. So
every look has an interval of its own, and the errors of all of them add up to the error that was asked for, alpha: look
k = 1, 2, ... may err with probability alpha / 2^(k + 1) if more may follow, and the one that ends a case, since it
is as precise as asked or is the last, with all that is left, alpha (1/2 + 1/2^k). By Bonferroni's inequality all
intervals of a case hold with probability 1 - alpha at least, however the looks depend on one another and whenever it
ends: repeated confidence intervals. Whether a look is precise depends on the spread of the differences, not
on their mean. One look has all of alpha, and is the usual interval; the last of many is 14 % wider.

References
----------
K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983: spending.
C. Jennison and B. W. Turnbull, "Interim analyses: the repeated confidence interval approach", Journal of the Royal
Statistical Society B 51, 1989. That half is left to the end, and the rest is halved, are choices.
"""

from __future__ import annotations


def before_the_end(look: int) -> float:
    """Return the share of the error that a look may spend which more may follow.

    Parameters
    ----------
    look : int
        1 for the first.
    """
    return 2.0 ** -(look + 1)


def at_the_end(look: int) -> float:
    """Return the share of the error that is left to a look: 1 for the first, towards a half for later ones."""
    return 0.5 + 2.0**-look
