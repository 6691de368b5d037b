"""Isolation of programs that start here: they import nothing of the folder that somebody stands in."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

_VARIABLE = "PYTHONPATH"


def leave_the_folder() -> None:
    """Take off the path for modules what is on it only because of where this program was started.

    `python -m` puts the current directory first, and relative entries of `PYTHONPATH` lie in it. Processes
    that this one starts do not get such entries either.
    """
    # While Python looks for the module that it was asked for with -m, this stands for the module's name.
    if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
        del sys.path[0]
    if sys.flags.ignore_environment:
        return
    for entry in _relative(os.environ):
        for found in (entry, str(Path(entry).absolute())):
            if found in sys.path:
                sys.path.remove(found)
    without_relative(os.environ)


def without_relative(environment: MutableMapping[str, str]) -> None:
    """Take relative entries of `PYTHONPATH`, the empty one among them, out of `environment`."""
    if not _relative(environment):
        return
    absolute = [item for item in environment[_VARIABLE].split(os.pathsep) if Path(item).is_absolute()]
    environment[_VARIABLE] = os.pathsep.join(absolute)
    if not absolute:
        del environment[_VARIABLE]


def _relative(environment: MutableMapping[str, str]) -> list[str]:
    given = environment.get(_VARIABLE, "")
    return [item for item in given.split(os.pathsep) if not Path(item).is_absolute()] if given else []
