"""What all benchmarks share."""

import gc

import pytest


@pytest.fixture(autouse=True)
def _own_garbage_only():
    """Keep Python's garbage collector off what pytest and the libraries hold: what is measured pays for its own only.

    Without this a program that makes many small objects takes twice as long here as it does alone.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
