"""Functions that tests send to workers of other processes."""

from __future__ import annotations

import os
import signal
import time


def square(number: int) -> int:
    return number * number


def nap(number: int, seconds: float) -> int:
    time.sleep(seconds)
    return number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def process(_: int) -> int:
    return os.getpid()


def divide(number: int, by: int) -> float:
    return number / by


def variable(name: str) -> str | None:
    return os.environ.get(name)


def on_the_grid(seconds: float) -> float:
    from sim.kernels.time import quantize

    return quantize.compiled(seconds)


def listening(process: int) -> set[str]:
    """Addresses at which a process (0: this one) listens."""
    import psutil

    connections = psutil.Process(process or None).net_connections("inet")
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
