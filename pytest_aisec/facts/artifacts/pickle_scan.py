"""Findings of picklescan and fickling on a pickle; both only read it, and are loaded when needed."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import metadata

from packaging.version import Version

from pytest_aisec.observe.faults import Unobservable

__all__ = ["Scan", "check_installed", "scan"]

_SUBSUMED = {"NonStandardImports", "OvertlyBadEval", "UnusedVariables"}
"""What fickling says of every import outside the standard library and every call of one: the list of allowed
imports decides about these."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """Findings of the two scanners in one pickle."""

    names: frozenset[tuple[str, str]]
    """Module and name of every import that either of them saw."""
    dangerous: tuple[str, ...]
    """What either of them calls dangerous."""


_LEAST = {"picklescan": "1.0.4", "fickling": "0.1.12"}
"""Earlier versions are known to be deceived."""


def check_installed() -> None:
    """Raise `tool_missing` where a scanner is missing or too old here, on the controlling machine."""
    for name, least in _LEAST.items():
        found = _installed(name)
        if found is None or found < Version(least):
            raise Unobservable(
                "tool_missing",
                f"{name} {least} or newer is not installed on the controlling machine: "
                "pip install 'pytest-aisec[models]'",
            )


@cache
def _installed(name: str) -> Version | None:
    """Return the version of a scanner; importlib reads its metadata anew each time."""
    try:
        return Version(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


_MOST_KEPT = 100_000
_kept: dict[bytes, Scan] = {}
"""Digest of a pickle → what was said about it: a control reads the same answers after each wave."""


def scan(data: bytes) -> Scan:
    """Return what both scanners say about exactly one pickle.

    Raises:
        Unobservable: `tool_missing` without a scanner, `parse` when one cannot read the pickle.

    """
    check_installed()
    digest = sha256(data).digest()
    if digest not in _kept:
        names, dangerous = _picklescan(data)
        more, worse = _fickling(data)
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[digest] = Scan(names=frozenset(names | more), dangerous=tuple(sorted(dangerous | worse)))
    return _kept[digest]


def _picklescan(data: bytes) -> tuple[set[tuple[str, str]], set[str]]:
    from picklescan.scanner import SafetyLevel, scan_pickle_bytes  # noqa: PLC0415 - an extra, and slow

    logging.getLogger("picklescan").setLevel(logging.CRITICAL)
    try:
        result = scan_pickle_bytes(io.BytesIO(data), "pickle")
    except Exception as error:  # noqa: BLE001 - whatever it raises, it has not read the pickle
        raise Unobservable("parse", f"picklescan: {type(error).__name__}: {error}") from None
    dangerous = {
        f"{item.module}.{item.name}" for item in result.globals if item.safety is SafetyLevel.Dangerous
    }
    if result.scan_err and not dangerous:
        raise Unobservable("parse", "picklescan could not read the pickle")
    return {(item.module, item.name) for item in result.globals}, dangerous


def _fickling(data: bytes) -> tuple[set[tuple[str, str]], set[str]]:
    from fickling.analysis import Severity, check_safety  # noqa: PLC0415 - an extra, and slow
    from fickling.fickle import Pickled  # noqa: PLC0415 - likewise

    try:
        pickled = Pickled.load(data)
        results = check_safety(pickled).results
        names = {
            (str(node.module), str(alias.name)) for node in pickled.properties.imports for alias in node.names
        }
    except Exception as error:  # noqa: BLE001 - whatever it raises, it has not read the pickle
        raise Unobservable("parse", f"fickling: {type(error).__name__}: {error}") from None
    dangerous = {
        str(result)
        for result in results
        if result.severity > Severity.SUSPICIOUS
        and (result.severity > Severity.LIKELY_UNSAFE or result.analysis_name not in _SUBSUMED)
    }
    return names, dangerous
