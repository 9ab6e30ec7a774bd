"""What the oracle tests share."""

from collections.abc import Callable
from functools import partial

import pytest

from .measure import Measured, measured


@pytest.fixture(scope="session")
def measure(jobs: int) -> Callable[..., Measured]:
    return partial(measured, jobs)
