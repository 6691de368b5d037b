"""MLflow's basic-auth: whether the release that runs brings a password, which is published then."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import ini_value
from pytest_aisec.facts.system.rights import given_file
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

    from pytest_aisec.facts.system.services import Service

__all__ = ["brings_password"]

_PACKAGED = "mlflow/server/auth/basic_auth.ini"
_MAPPED = rf"""sed -n 's!^[^/]*\(/.*/[a-z]*-packages\)/.*!\1!p' /proc/%s/maps | sort -u |
while IFS= read -r d; do test ! -f %s"$d/{_PACKAGED}" || printf '%%s\n' "$d/{_PACKAGED}"; done; echo end"""
"""Where a process has loaded libraries of Python's packages from, and MLflow lies beside."""
_BESIDE = rf"""for f in %s%s/lib*/python3*/*-packages/{_PACKAGED}
do test ! -f "$f" || printf '%%s\n' "$f"; done; echo end"""
_NOT_SHOWN = re.compile(r"No such file or directory|Permission denied")
"""The process has ended, or is another account's: where it lies may show by its arguments alone."""
_MOST = 4
"""Installations that are looked at for one process."""


def brings_password(host: Host, service: Service) -> bool | None:
    """Tell whether the MLflow of a process makes its first user with a published password, if none is set.

    Releases before 3.16.1 do. Newer ones bring none, do not start without one, and let no administrator in
    with the former, even where their database still has it. `None` where it does not show which one runs.

    Raises:
        Unobservable: when that cannot be looked for, or is found and cannot be read.

    """
    root = service.root
    found = set(_printed(host, _MAPPED, str(service.pid), root))
    for place in _prefixes(service):
        found |= {path.removeprefix(root) for path in _printed(host, _BESIDE, root, place)}
    told = set()
    for path in sorted(found)[:_MOST]:
        text = given_file(host, path, service.rights, root=root)
        told.add("admin_password" in ini_value(text, path, interpolates=True).get("mlflow", {}))
    return told.pop() if len(told) == 1 and len(found) <= _MOST else None


def _printed(host: Host, command: str, *arguments: str) -> list[str]:
    answer = host.run(command, *arguments)
    problems = [line for line in answer.stderr.splitlines() if line.strip() and not _NOT_SHOWN.search(line)]
    if problems:
        missing = problems[-1].endswith("not found")
        raise Unobservable("tool_missing" if missing else "unreadable", problems[-1][-200:])
    *paths, end = answer.stdout.splitlines() or [""]
    if end != "end":
        raise Unobservable("unreadable", "where MLflow is installed is not shown whole")
    return paths


def _prefixes(service: Service) -> list[str]:
    """Return where the program and the interpreter of a process are installed, by its arguments."""
    named = [match[1] for word in service.arguments[:3] if (match := re.fullmatch(r"(/.*)/bin/[^/]+", word))]
    return list(dict.fromkeys([*named, *(f"{prefix}/local" for prefix in named if prefix == "/usr")]))
