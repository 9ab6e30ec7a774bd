"""The command ``sim``: one small command per question. Data go to stdout or a file, all else to stderr."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

from sim.cli import streams
from sim.cli.interrupt import ctrl_c_ends
from sim.cli.terminal import hear_engine, say
from sim.errors import ExitCode, ScenarioError, SimError

OBJECTS = 50_000
"""New objects after which Python looks for unreachable cycles: imports make many objects that stay, and with its own
700 Python would spend a tenth of a start on looking.
"""


def main() -> None:
    """Run the command and exit with a code of ``sim.errors.ExitCode``."""
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)  # else Python looks for them again as it ends, for a third of the time of a short run
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")  # it reads the metadata of all packages to find none
    streams.prepare()
    try:
        with ctrl_c_ends():
            _run()
    except SimError as error:
        say(str(error) if isinstance(error, ScenarioError) else f"sim: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("sim: interrupted")
        sys.exit(ExitCode.CTRL_C)
    except MemoryError:
        say("sim: not enough memory: ask for fewer replications")
        sys.exit(ExitCode.INVALID)
    except OSError as error:
        if error.filename is not None:
            raise
        say(f"sim: the output cannot be written: {error.strerror}")
        _leave(ExitCode.INVALID)


def _run() -> None:
    try:
        from sim.cli.verbs import app  # takes a while, in which Ctrl-C is heard already

        hear_engine()
        app(standalone_mode=True)
    finally:
        sys.stdout.flush()  # what cannot be written shows here, not when the interpreter ends


def _leave(code: ExitCode) -> NoReturn:
    """Exit where our output cannot be written: what is left of it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
