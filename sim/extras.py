"""What an extra brings that is missing, and the command that installs it from where Lockstep itself came from."""

from __future__ import annotations

import json
import shlex
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

from sim.errors import UsageError

PACKAGE = "lockstep-sim"


class MissingExtraError(UsageError):
    """What was asked for needs an extra that is not installed."""


def need_pictures(option: str) -> None:
    """Refuse an option that draws a picture where matplotlib is missing.

    Raises
    ------
    MissingExtraError
        With the command that installs it.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError(f"{option}: pictures need matplotlib, which is an extra: {install_command('plot')}")


def install_command(extra: str) -> str:
    """Return the command that installs an extra for this Python, as a shell takes it.

    Parameters
    ----------
    extra : str
        ``"plot"`` or ``"hpc"``.
    """
    try:
        origin = _origin(distribution(PACKAGE))
    except PackageNotFoundError:  # sources on the path, not installed
        origin = {}
    return shlex.join([*_installer(), *_requirement(extra, origin)])


def _origin(package: Distribution) -> dict[str, object]:
    """Where a package was installed from, as PEP 610 records it; empty where an index gave it."""
    found: dict[str, object] = json.loads(package.read_text("direct_url.json") or "{}")
    return found


def _installer() -> list[str]:
    """How packages are installed for this Python: by its pip, or by uv where it has none."""
    if find_spec("pip") is None:
        return ["uv", "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]


def _requirement(extra: str, origin: dict[str, object]) -> list[str]:
    url = str(origin.get("url", ""))
    if not url:
        return [f"{PACKAGE}[{extra}]"]
    directory = origin.get("dir_info")
    if isinstance(directory, dict):
        where = f"{unquote(urlsplit(url).path)}[{extra}]"
        return ["--editable", where] if directory.get("editable") else [where]
    control = origin.get("vcs_info")
    if isinstance(control, dict):
        return [f"{PACKAGE}[{extra}] @ {control['vcs']}+{url}@{control['commit_id']}"]
    return [f"{PACKAGE}[{extra}] @ {url}"]
