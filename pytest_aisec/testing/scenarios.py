"""Scenarios: shell scripts that bring a fresh host into a state, and say what its audit must find."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pytest_aisec.errors import nearest
from pytest_aisec.observe.faults import REASONS

OUTCOMES = {
    "pass": "passed",
    "fail": "failed",
    "na": "not_applicable",
    "open": "not_reviewed",
    "error": "error",
}
"""What stands in the name of a script → the outcome of the audit."""
HOSTS = ("stock", "services", "aws")
"""Values of `# host:`; the first is the default."""
WAITING = Path(__file__).with_name("wait.sh")
"""Shell functions that stand before every script: `wait_for` and what it can wait for."""
_KEYS = (
    "as",
    "sudo",
    "host",
    "wheels",
    "reason",
    "params",
    "active",
    "advisories",
    "lib",
    "double",
    "remedy",
)
_HEADER = re.compile(r"^#\s*([a-z]+):\s*(.*)$", re.MULTILINE)
_USER = re.compile(r"[a-z_][a-z0-9_-]*")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One script, and what its name and header say."""

    control: str
    path: Path
    outcome: str
    reason: str = ""
    """Of an error; one of `observe.faults.REASONS`."""
    user: str = "root"
    sudo: bool = False
    host: str = "stock"
    """One of `HOSTS`: `aws` scripts run on the controlling machine, all others on a fresh host."""
    wheels: tuple[str, ...] = ()
    """Programs from PyPI that the host has in `/opt`."""
    params: dict[str, Any] = field(default_factory=dict)
    active: bool = False
    advisories: Path | None = None
    """An index, or a directory of OSV records of which an index is made."""
    libraries: tuple[Path, ...] = ()
    """Shell functions that the script uses: `# lib: double proxy` is `lib/double.sh` and `lib/proxy.sh`."""
    double: Path | None = None
    """A program that the host has as `/opt/double/NAME.py`; `/opt/double/start` starts it."""

    remedy: dict[str, str] | None = None
    """Where the remediation of the control, run as it stands, is to mend this: its words in capitals → what
    they stand for here; `None` where that is not to be tried."""

    @property
    def is_aws(self) -> bool:
        """Whether it is about an AWS account."""
        return self.host == "aws"

    @property
    def script(self) -> str:
        """Script that brings the host into the state; it ends at the first command that fails."""
        double = "" if self.double is None else _installed(self.double)
        texts = [path.read_text(encoding="utf-8") for path in (WAITING, *self.libraries, self.path)]
        return "".join(["set -e\n", double, *texts])

    @property
    def id(self) -> str:
        """How tests and recordings name the scenario."""
        return f"{self.control}/{self.path.name}"


def read(path: Path) -> Scenario:
    """Return the scenario of a script in `…/scenarios/CONTROL-ID/`.

    Raises:
        ValueError: when its name or header is wrong; names the file and the known choices.

    """
    parts = path.name.split(".")
    if len(parts) != 3 or parts[1] not in OUTCOMES or parts[2] != "sh":
        raise ValueError(f"{path}: must be named <what>.<{'|'.join(OUTCOMES)}>.sh")
    header = _header(path)
    if parts[1] == "error" and "reason" not in header:
        raise ValueError(
            f"{path}: an error scenario names its reason in the header: # reason: {'|'.join(REASONS)}"
        )
    host = _one_of(path, header, "host", HOSTS)
    for key, known in (("reason", ("", *REASONS)), ("sudo", ("no", "yes")), ("active", ("no", "yes"))):
        _one_of(path, header, key, known)
    if not _USER.fullmatch(header.get("as", "root")):
        raise ValueError(f"{path}: # as: {header['as']} is no name of an account")
    params = _mapping(path, header, "params", "parameters")
    remedy = _mapping(path, header, "remedy", "words in capitals") if "remedy" in header else None
    if remedy is not None and parts[1] != "fail":
        raise ValueError(f"{path}: # remedy: is for a scenario that fails")
    base = path.parent.parent
    return Scenario(
        control=path.parent.name,
        path=path,
        outcome=OUTCOMES[parts[1]],
        reason=header.get("reason", ""),
        user=header.get("as", "root"),
        sudo=header.get("sudo", "no") == "yes",
        host=host,
        wheels=tuple(header.get("wheels", "").split()),
        params=params,
        remedy=remedy,
        active=header.get("active", "no") == "yes",
        advisories=path.parent / header["advisories"] if "advisories" in header else None,
        libraries=tuple(_named(path, base / "lib", name, ".sh") for name in header.get("lib", "").split()),
        double=_named(path, base / "doubles", header["double"], ".py") if "double" in header else None,
    )


def _header(path: Path) -> dict[str, str]:
    """Return what the comments say, and refuse a key that is nearly a known one."""
    found = {}
    for key, value in _HEADER.findall(path.read_text(encoding="utf-8")):
        if key in _KEYS:
            found[key] = value.strip()
        elif difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.75):
            raise ValueError(f"{path}: # {key}: is no key of a header. {nearest(key, _KEYS)}")
    return found


def _mapping(path: Path, header: Mapping[str, str], key: str, what: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(header.get(key, "{}").replace("{here}", str(path.parent)))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: # {key}: is not YAML: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: # {key}: must be a mapping of {what}")
    return found


def _one_of(path: Path, header: Mapping[str, str], key: str, known: Sequence[str]) -> str:
    value = header.get(key, known[0])
    if value not in known:
        raise ValueError(f"{path}: # {key}: {value} is not one of {', '.join(filter(None, known))}")
    return value


def _named(script: Path, directory: Path, name: str, ending: str) -> Path:
    found = directory / f"{name}{ending}"
    if not found.is_file():
        known = ", ".join(sorted(path.stem for path in directory.glob(f"*{ending}"))) or "none"
        raise ValueError(f"{script}: {name!r} is not in {directory.name}/; known: {known}")
    return found


def find(directory: Path) -> Iterator[Scenario]:
    """Yield the scenarios below a `scenarios/` directory, by control and name.

    Raises:
        ValueError: as `read` does.

    """
    for path in sorted(directory.glob("*-*-*/*.sh")):
        yield read(path)


def _installed(double: Path) -> str:
    """Return a script that puts a double on the host, and its starter beside it."""
    text = double.read_text(encoding="utf-8")
    return f"""mkdir -p /opt/double
cat > /opt/double/{double.name} <<'PROGRAM'
{text}PROGRAM
cat > /opt/double/start <<'PROGRAM'
#!/bin/sh
# Starts the double, under another name if $AS gives one, and waits until it listens.
set -e
if test "$AS"; then ln -s {double.name} "/opt/double/$AS"; fi
systemd-run -q --unit=double "/opt/double/${{AS:-{double.name}}}" "$@"
for _ in $(seq 100); do if ss -Hltn | grep -q ':8000 '; then exit 0; fi; sleep 0.1; done
exit 1
PROGRAM
chmod 755 /opt/double/*
"""
