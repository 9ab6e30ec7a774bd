"""The sources that compiled code is made of."""

from __future__ import annotations

import hashlib
from pathlib import Path

_COMPILED = ("kernels", "engine", "plan.py")


def digest(package: Path) -> bytes:
    """Return the SHA-256 of the sources in a package directory."""
    found = hashlib.sha256()
    for part in _COMPILED:
        here = package / part
        for path in sorted(here.rglob("*.py")) if here.is_dir() else [here]:
            found.update(path.relative_to(package).as_posix().encode())
            found.update(path.read_bytes())
    return found.digest()


IMPORTED = digest(Path(__file__).resolve().parent.parent)
"""Read when the first kernel is imported: what is compiled later is made of these."""
