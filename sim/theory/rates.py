"""Rates known from counted events: what is left open about them, and how it spreads the counts to come."""

from __future__ import annotations

from sim.theory.domain import not_negative, positive, probability

JEFFREYS_SHAPE = 0.5


def posterior_mean(events: float, time: float, prior_shape: float = JEFFREYS_SHAPE, prior_time: float = 0.0) -> float:
    """Mean of a rate after ``events`` were counted in ``time`` (O20b): (a + n) / (b + T).

    The rate's law is gamma(a + n, b + T) if the events are Poisson and the prior is gamma(a, b). The defaults are
    Jeffreys' prior, gamma(1/2, 0).

    Parameters
    ----------
    events : float
        n, >= 0.
    time : float
        T, s, > 0: summed over all that was watched.
    prior_shape : float
        a, > 0.
    prior_time : float
        b, s, >= 0.

    Returns
    -------
    float
        1/s.

    References
    ----------
    H. Jeffreys, "An invariant form for the prior probability in estimation problems", Proc. R. Soc. A 186, 1946.
    """
    not_negative(events=events, prior_time=prior_time)
    positive(time=time, prior_shape=prior_shape)
    return (prior_shape + events) / (prior_time + time)


def gamma_quantile(shape: float, mean: float, share: float) -> float:
    """Value that a gamma variable stays below with a probability.

    Parameters
    ----------
    shape, mean : float
        Of the law, > 0.
    share : float
        The probability, 0 to 1.
    """
    from scipy.special import gammaincinv  # heavy, and needed by this alone

    positive(shape=shape, mean=mean)
    probability(share=share)
    return mean * float(gammaincinv(shape, share)) / shape


def count_variance(mean: float, shape: float) -> float:
    """Variance of a count whose rate is uncertain (O15c): m + m^2 / a, that of a negative binomial law.

    Parameters
    ----------
    mean : float
        m, mean count, >= 0.
    shape : float
        a, shape of the gamma law of the rate, > 0.
    """
    not_negative(mean=mean)
    positive(shape=shape)
    return mean + mean * mean / shape
