"""The mark of tests that compile the engine anew."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "bounds: compiles the engine anew with bounds checks, about a minute")
