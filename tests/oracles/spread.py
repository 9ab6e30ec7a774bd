"""How far what is measured spreads, derived from the models themselves: what a number of runs can notice."""

import itertools
import math
from typing import NamedTuple

import numpy as np

from .measure import Z_LIMIT


class Moments(NamedTuple):
    """Mean and variance of a time."""

    mean: float
    variance: float


def interrupted(mtbf, time):
    """Tries of a constant time until faults leave one alone: mean number of those cut short, and the time of each."""
    cut = math.expm1(time / mtbf)
    return cut, Moments(mtbf - time / cut, mtbf**2 - time**2 * (1.0 + cut) / cut**2)


def incident(mtbf, time, before=0.0):
    """An incident: ``before``, in which no fault strikes, then a time; a fault in it starts both again."""
    cut, lost = interrupted(mtbf, time)
    mean = before + time + cut * (before + lost.mean)
    # The number of tries cut short is geometric, of variance cut (1 + cut).
    return Moments(mean, cut * lost.variance + cut * (1.0 + cut) * (before + lost.mean) ** 2)


def incidents_per_interval(mtbf, cycle):
    """Mean number of incidents until an interval and its save are done."""
    return interrupted(mtbf, cycle)[0]


def noticed_of_wall(n, mtbf, intervals, cycle, down):
    """What n runs until done notice in their wall clock: equal intervals, each a geometric number of tries."""
    cut, lost = interrupted(mtbf, cycle)
    cost = lost.mean + down.mean
    variance = intervals * (cut * (lost.variance + down.variance) + cut * (1.0 + cut) * cost**2)
    return Z_LIMIT * math.sqrt(variance / n) / (intervals * (cycle + cut * cost))


def noticed_of_mean(n, what):
    """What n independent times notice in their mean."""
    return Z_LIMIT * math.sqrt(what.variance / n) / what.mean


def renewals(mtbf, interval, delay, period, down):
    """ETTR, its relative standard deviation per cycle, and the mean cycle, of a job that saves once every period.

    A cycle is an exponential time to the next fault and an incident. Its first version is durable after ``delay``, each
    further one ``period`` later. By quadrature over the exponential time.
    """
    u = (np.arange(400_000) + 0.5) / 400_000
    life = -mtbf * np.log1p(-u)
    saved = interval * np.maximum(0.0, np.floor((life - delay) / period) + 1.0)
    cycle = life.mean() + down.mean
    ettr = saved.mean() / cycle
    spread = math.sqrt(np.var(saved - ettr * life) + ettr**2 * down.variance)
    return ettr, spread / saved.mean(), cycle


class Chain:
    """Nodes in repair as a Markov chain: how fast it forgets that it starts with none, how much its mean spreads.

    ``classes`` are (rate of losses, rate of repair); losses stop while ``room`` nodes are in repair; at most ``crews``
    are served (None: all), which needs a single class. The chain is reversible: with the generator made symmetric, its
    eigenvalues -g and its eigenvectors give all of it. ``count`` of the nodes in repair is what is measured.
    """

    def __init__(self, classes, room, count, crews=None):
        every = range(room + 1)
        states = [state for state in itertools.product(every, repeat=len(classes)) if sum(state) <= room]
        place = {state: i for i, state in enumerate(states)}
        matrix = np.zeros((len(states), len(states)))
        weight = np.zeros(len(states))  # logarithm of the stationary law, by detailed balance from state to state
        for state, i in place.items():
            for c, (up, down) in enumerate(classes):
                more = (*state[:c], state[c] + 1, *state[c + 1 :])
                if more not in place:
                    continue
                j = place[more]
                back = down * min(more[c], crews or more[c])
                matrix[i, i] -= up
                matrix[j, j] -= back
                matrix[i, j] = matrix[j, i] = math.sqrt(up * back)
                weight[j] = weight[i] + math.log(up / back)
        law = np.exp(weight - weight.max())
        law /= law.sum()
        f = np.array([count(sum(state)) for state in states], float)
        self.mean = float(law @ f)
        gaps, vectors = np.linalg.eigh(-matrix)
        shares = (vectors.T @ (np.sqrt(law) * (f - self.mean)))[1:] ** 2
        self._gap = float(gaps[1])
        self._variance = float(shares.sum())
        self._correlated = float(2.0 * (shares / gaps[1:]).sum())
        self._start = float(law[place[(0,) * len(classes)]])

    def noticed(self, n, time):
        """What n paths notice in the mean over a time: its variance is 2 sum_k f_k^2 / g_k over n times the time."""
        return Z_LIMIT * math.sqrt(self._correlated / (n * time)) / self.mean

    def bias(self, early, late):
        """Largest relative bias of the mean from time ``early`` to ``late``.

        At time t the expectation is off by at most exp(-g t) sqrt(1/p - 1) sd(f), p the share of the starting state.
        """
        spread = math.sqrt(self._variance * (1.0 / self._start - 1.0))
        return spread * math.exp(-self._gap * early) / (self._gap * (late - early)) / self.mean
