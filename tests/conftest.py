"""Fixtures that several folders of tests share."""

import os

import pytest


@pytest.fixture(scope="session")
def jobs() -> int:
    """Threads for the compiled engine; its results do not depend on them."""
    return min(os.cpu_count() or 1, 4)
