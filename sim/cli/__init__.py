"""The command ``sim``: one thin verb for each question. Data go to stdout or a file, all else to stderr."""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn

from sim.cli import comparing, costing, explaining, files, running, sweeping, tuning
from sim.cli.options import app
from sim.cli.terminal import hear_engine, say
from sim.errors import ExitCode, ScenarioError, SimError

for verb in (
    running.run, comparing.compare, tuning.tune, explaining.explain, sweeping.sweep, costing.efficiency,
    files.show, files.validate, files.schema, files.new,
):  # fmt: skip
    app.command()(verb)


def main() -> None:
    """Run the command and exit with a code of ``sim.errors.ExitCode``."""
    hear_engine()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a ± that the terminal does not know must not end the run
    try:
        try:
            app(standalone_mode=True)
        finally:
            sys.stdout.flush()  # what cannot be written shows here, not when the interpreter ends
    except ScenarioError as error:
        say(str(error))
        sys.exit(error.exit_code)
    except SimError as error:
        say(f"sim: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("sim: interrupted")
        sys.exit(ExitCode.CTRL_C)
    except SystemExit as stop:
        # Typer and rich exit with 1 where the reader of our output is gone.
        if isinstance(stop.__context__, BrokenPipeError):
            _leave()
        raise
    except BrokenPipeError:
        _leave()
    except OSError as error:
        if error.filename is not None:
            raise
        say(f"sim: the output cannot be written: {error.strerror}")
        _leave(ExitCode.INVALID)


def _leave(code: ExitCode = ExitCode.DONE) -> NoReturn:
    """Exit where nobody reads our output any more, as in ``sim ... | head``: what is left of it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
