"""Stand-ins for hosts: the transcripts of a bundle, or what collect-scripts printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytest_aisec.errors import EvidenceError, UsageProblem
from pytest_aisec.evidence.bundle import Replayable, replayable
from pytest_aisec.evidence.files import read_named
from pytest_aisec.observe.faults import REASONS, Unobservable
from pytest_aisec.observe.hosts import Target
from pytest_aisec.observe.redaction import redact, user_patterns
from pytest_aisec.observe.redaction.given import Patterns
from pytest_aisec.observe.script import offline
from pytest_aisec.observe.transcript import Observation, Transcript
from pytest_aisec.session.request import AuditRequest


def of(request: AuditRequest, patterns: Patterns) -> Replayed | Imported | None:
    """Return what the options name in place of hosts, if anything.

    Raises:
        UsageProblem: when it cannot be read, or is not what it should be.

    """
    if request.imports:
        return Imported(request.imports, patterns)
    if request.replay is None:
        return None
    directory = request.replay.path
    try:
        found = replayable(directory, check=not request.is_worker)
    except EvidenceError as problem:
        raise UsageProblem(f"--aisec-replay {request.replay.text}: {problem}") from None
    # Questions that hold a credential are found under the marks that they had then.
    both = user_patterns.read_all(directory / "inputs" / "redact").and_also(patterns)
    redact.use(both.own)
    return Replayed(found, both)


class Replayed:
    """A bundle whose transcripts take the place of hosts."""

    def __init__(self, found: Replayable, patterns: Patterns) -> None:
        self.patterns = patterns
        """Those of this run and of that one."""
        self.started_at = found.started_at
        self.active = found.active
        self.hosts = {host.name: host for host in found.hosts}
        self.groups = {host.name: host.group for host in found.hosts}
        self._load = found.load
        self._as_recorded: set[str] = set()
        """Hosts whose transcripts this run records as that one did: they are not redacted at each look."""
        self.targets = [
            Target(name=host.name, connection=host.connection, backend=None) for host in found.hosts
        ]

    def transcript(self, name: str) -> Transcript:
        """Return the transcript of a host, read when it is first needed."""
        reason, _, detail = self.hosts[name].fault.partition(": ")
        fault = Unobservable(reason, detail, whole_host=True) if reason in REASONS else None
        return Transcript(source=lambda: self._observations(name), host_fault=fault)

    def _observations(self, name: str) -> Sequence[Observation]:
        found = self._load(self.hosts[name])
        if name in self._as_recorded:
            return found
        again = [_redacted(observation) for observation in found]
        if again == found:
            self._as_recorded.add(name)
        return again


def _redacted(observation: Observation) -> Observation:
    """Return what an earlier run recorded as this run records it: it may know more shapes of credentials."""
    return replace(
        observation,
        command=redact.redact(observation.command),
        stdout=redact.redact_bytes(observation.stdout),
        stderr=redact.redact_bytes(observation.stderr),
        detail=redact.redact(observation.detail),
    )


class Imported:
    """Output of collect-scripts, which takes the place of hosts."""

    def __init__(self, files: Sequence[Path], patterns: Patterns) -> None:
        self.patterns = patterns
        self._carried: dict[str, offline.Carried] = {}
        for path in files:
            try:
                carried = offline.read(read_named(path).decode(errors="replace"))
            except EvidenceError as error:
                raise UsageProblem(f"--aisec-import {path}: {error}") from None
            except ValueError as error:
                raise UsageProblem(f"--aisec-import {path}: {error}") from None
            name = f"collected://{carried.host}"
            if redact.redact(name) != name:
                raise UsageProblem(f"--aisec-import {path}: the name of the host looks like a credential")
            if name in self._carried:
                raise UsageProblem(f"--aisec-import {path}: there is another file of host {carried.host}")
            self._carried[name] = carried
        earliest = min(carried.started_at for carried in self._carried.values())
        self.started_at = earliest.isoformat()
        self.active = False
        self.targets = [Target(name=name, connection="local", backend=None) for name in sorted(self._carried)]
        self.groups = dict.fromkeys(self._carried, "")

    def transcript(self, name: str) -> Transcript:
        """Return the transcript of a host."""
        return Transcript(source=lambda: self._carried[name].observations)
