"""The request: what the command line and the settings ask for, read from pytest once, never changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.hosts import HostOptions
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.session.keys import ROOTS, SETTINGS

if TYPE_CHECKING:
    from pytest_aisec.catalog.content import ContentRoot
    from pytest_aisec.catalog.settings import Settings

_HOST_OPTIONS = (
    "hosts",
    "connection",
    "ssh_config",
    "ssh_identity_file",
    "ssh_extra_args",
    "sudo",
    "sudo_user",
    "ansible_inventory",
    "force_ansible",
)
"""testinfra's options that say which hosts there are and how they are reached."""
_GATE_VALUES = ("fail_on", "min_score", "error_is", "strict_waivers")
"""Values of a policy that an option can set."""


class Named(NamedTuple):
    """A path as it was given, for messages, and where that is."""

    text: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class AuditRequest:
    """One run as it was asked for. Paths are joined with the directory from which pytest was started."""

    here: Path
    roots: tuple[ContentRoot, ...]
    settings: Settings | None
    shared: Mapping[str, str] | None
    """What the controlling process tells a worker of xdist; None in the controlling process."""
    only_asks_pytest: bool
    """Whether the command line asks what there is, not for a run."""
    ignores_collection_errors: bool
    exits_simply: bool

    profile: str
    params: Sequence[str]
    select: Sequence[str]
    waivers: Sequence[Path]
    attestations: Sequence[Path]
    gate: Path | None
    gate_values: Mapping[str, Any]
    baseline: Named | None

    active: bool
    observe_only: bool
    waves: bool
    workers: int
    timeout: float
    connect_timeout: float
    host_values: Mapping[str, Any]
    """testinfra's options about hosts, those that were given."""
    cache: str | None
    advisories: Path | None
    redact: Path | None
    replay: Named | None
    imports: Sequence[Path]

    evidence: Path | None
    evidence_mode: int
    reports: bool
    """False for a bundle of which nothing but run.json, plan and transcripts will be read."""
    sign_key: Path | None
    sign_passphrase_file: Path | None
    sign_sigstore: bool

    @classmethod
    def from_config(cls, config: pytest.Config) -> AuditRequest:
        """Read the options, once settings and defaults have been laid below them."""
        option, here = config.option, config.invocation_params.dir
        worker = getattr(config, "workerinput", None)
        host_values = {name: getattr(option, name, None) for name in _HOST_OPTIONS}

        def at(given: str | None) -> Path | None:
            return here / Path(given).expanduser() if given else None

        def all_at(given: Sequence[str]) -> Sequence[Path]:
            return tuple(here / Path(item).expanduser() for item in given)

        def named(given: str | None) -> Named | None:
            return Named(given, here / Path(given).expanduser()) if given is not None else None

        gate = named(option.aisec_gate)
        return cls(
            here=here,
            roots=config.stash[ROOTS],
            settings=config.stash.get(SETTINGS, None),
            shared=None if worker is None else worker["aisec"],
            only_asks_pytest=bool(option.collectonly or option.showfixtures or option.show_fixtures_per_test),
            ignores_collection_errors=bool(option.continue_on_collection_errors),
            exits_simply=option.aisec_exit == "simple",
            profile=option.aisec_profile,
            params=tuple(option.aisec_param),
            select=tuple(option.aisec_select),
            waivers=all_at(option.aisec_waivers),
            attestations=all_at(option.aisec_attestations),
            gate=gate.path if gate else None,
            gate_values={key: getattr(option, f"aisec_{key}") for key in _GATE_VALUES},
            baseline=named(option.aisec_baseline),
            active=bool(option.aisec_active),
            observe_only=bool(option.aisec_observe_only),
            waves=not option.aisec_no_waves,
            workers=option.aisec_workers,
            timeout=option.aisec_timeout,
            connect_timeout=option.aisec_connect_timeout,
            host_values={name: value for name, value in host_values.items() if value is not None},
            cache=option.aisec_cache,
            advisories=at(option.aisec_advisories),
            redact=at(option.aisec_redact),
            replay=named(option.aisec_replay or None),
            imports=all_at(option.aisec_import),
            evidence=at(option.aisec_evidence),
            evidence_mode=int(option.aisec_evidence_mode, 8),
            reports=not option.aisec_no_reports,
            sign_key=at(option.aisec_sign_key),
            sign_passphrase_file=at(option.aisec_sign_passphrase_file),
            sign_sigstore=bool(option.aisec_sign_sigstore),
        )

    @property
    def is_worker(self) -> bool:
        """Whether this process only evaluates for another, which decides and leaves the evidence."""
        return self.shared is not None

    def host_options(self) -> HostOptions:
        """Return what is said about hosts.

        Raises:
            UsageProblem: for limits that bound nothing.

        """
        limits = Limits(timeout=self.timeout, connect_timeout=self.connect_timeout)
        if not all(0 < seconds < math.inf for seconds in (limits.timeout, limits.connect_timeout)):
            raise UsageProblem("--aisec-timeout and --aisec-connect-timeout are seconds, more than 0")
        return HostOptions(**self.host_values, limits=limits)

    def exit_code(self, code: int) -> int:
        """Return the code to end with, by `--aisec-exit`."""
        return min(code, 1) if self.exits_simply else code

    def refuse(self, message: str) -> NoReturn:
        """End pytest, because what is asked for cannot be done.

        Raises:
            pytest.UsageError: exit code 4.
            pytest.exit.Exception: exit code 1, where only 0 and 1 are wanted.

        """
        if self.exits_simply:
            pytest.exit(message, returncode=1)
        raise pytest.UsageError(message) from None
