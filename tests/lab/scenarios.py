"""Scenarios: shell scripts that bring a fresh host into a state, and say what its audit must find."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from labkit.image import Kind

from pytest_aisec import audit
from pytest_aisec.advisories import sources
from pytest_aisec.catalog import plan as plans
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.control import Control
from pytest_aisec.judge.outcome import Conclusion
from pytest_aisec.observe import waves as waves_module
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transports import Limits
from pytest_aisec.observe.waves import Suggestions, Work

DIRECTORY = Path(__file__).parents[1] / "scenarios"
WAITING = DIRECTORY / "lib/wait.sh"
OUTCOMES = {
    "pass": "passed",
    "fail": "failed",
    "na": "not_applicable",
    "open": "not_reviewed",
    "error": "error",
}
DOUBLES = Path(__file__).parent / "doubles"
_HEADER = re.compile(
    r"^#\s*(as|sudo|host|wheels|reason|params|active|advisories|lib|double):\s*(.+)$", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One script, and what its name and header say."""

    control: str
    path: Path
    outcome: str
    reason: str = ""
    user: str = "root"
    sudo: bool = False
    kind: Kind = "stock"
    """Of the host; see `labkit.image`."""
    wheels: tuple[str, ...] = ()
    """Programs from PyPI that the host has in `/opt`, by their names in `labkit.image.LAYERS`."""
    is_aws: bool = False
    """Whether it is about an AWS account; the script then runs on the controlling machine."""
    params: dict[str, Any] = field(default_factory=dict)
    active: bool = False
    advisories: Path | None = None
    """Relative to the script; of a directory of OSV records an index is made."""
    libraries: tuple[Path, ...] = ()
    """Shell functions that the script uses: `# lib: double proxy` is `lib/double.sh` and `lib/proxy.sh`."""
    double: str = ""
    """A program of `doubles` that the host has as `/opt/double/NAME.py`; `/opt/double/start` starts it."""

    @property
    def script(self) -> str:
        """What brings the host into the state."""
        texts = [path.read_text(encoding="utf-8") for path in (WAITING, *self.libraries, self.path)]
        return "".join(["set -e\n", self._play() if self.double else "", *texts])

    def _play(self) -> str:
        text = (DOUBLES / f"{self.double}.py").read_text(encoding="utf-8")
        return f"""mkdir -p /opt/double
cat > /opt/double/{self.double}.py <<'PROGRAM'
{text}PROGRAM
cat > /opt/double/start <<'PROGRAM'
#!/bin/sh
# Starts the double, under another name if $AS gives one, and waits until it listens.
set -e
if test "$AS"; then ln -s {self.double}.py "/opt/double/$AS"; fi
systemd-run -q --unit=double "/opt/double/${{AS:-{self.double}.py}}" "$@"
for _ in $(seq 100); do if ss -Hltn | grep -q ':8000 '; then exit 0; fi; sleep 0.1; done
exit 1
PROGRAM
chmod 755 /opt/double/*
"""

    @property
    def id(self) -> str:
        """How tests name the scenario."""
        return f"{self.control}/{self.path.name}"


def read(path: Path) -> Scenario:
    """Return the scenario of a script; raise `ValueError` when its name or header is wrong."""
    parts = path.name.split(".")
    if len(parts) != 3 or parts[1] not in OUTCOMES or parts[2] != "sh":
        raise ValueError(f"{path}: must be named <what>.<{'|'.join(OUTCOMES)}>.sh")
    header = {key: value.strip() for key, value in _HEADER.findall(path.read_text(encoding="utf-8"))}
    if parts[1] == "error" and "reason" not in header:
        raise ValueError(f"{path}: an error scenario names its reason in the header")
    return Scenario(
        control=path.parent.name,
        path=path,
        outcome=OUTCOMES[parts[1]],
        reason=header.get("reason", ""),
        user=header.get("as", "root"),
        sudo=header.get("sudo", "no") == "yes",
        kind="services" if header.get("host") == "services" else "stock",
        wheels=tuple(header.get("wheels", "").split()),
        is_aws=header.get("host") == "aws",
        params=yaml.safe_load(header.get("params", "{}").replace("{here}", str(path.parent))),
        active=header.get("active", "no") == "yes",
        advisories=path.parent / header["advisories"] if "advisories" in header else None,
        double=header.get("double", ""),
        libraries=tuple(_library(path, name) for name in header.get("lib", "").split()),
    )


def _library(path: Path, name: str) -> Path:
    """Return a library that a script names."""
    known = {file.stem: file for file in (DIRECTORY / "lib").glob("*.sh")}
    if name not in known:
        raise ValueError(f"{path}: there is no library {name!r}, only {', '.join(sorted(known))}")
    return known[name]


def all_scenarios() -> list[Scenario]:
    """Return every scenario, by control and name."""
    return [read(path) for path in sorted(DIRECTORY.glob("*-*-*/*.sh"))]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What one audit of one control on one host gave."""

    conclusion: Conclusion
    transcript: Transcript
    planned: plans.PlannedControl
    name: str
    connection: str
    circumstances: Evaluation

    @property
    def summary(self) -> str:
        """Everything a person needs to understand a wrong outcome."""
        asked = "\n".join(
            f"  $ {item.command} -> {item.exit_status} {item.fault or ''}\n    {item.stdout[:600]!r}\n    {item.stderr[:300]!r}"
            for item in self.transcript
        )
        return f"{self.conclusion}\n{asked}"

    def replayed(self, transcript: Transcript | None = None) -> Conclusion:
        """Judge again from the transcript alone, or from another one."""
        backend = ObservingBackend(self.name, None, transcript or self.transcript, self.connection)
        host = audit.Host(backend)
        backend.set_host(host)
        return audit.judge(self.planned, host, self.circumstances)


def run(
    control: Control,
    params: dict[str, Any],
    spec: str,
    ssh_config: Path | None,
    *,
    sudo: bool = False,
    waves: bool = True,
    active: bool = False,
    advisories: Path | None = None,
) -> Audit:
    """Audit one control on one host."""
    options = HostOptions(
        hosts=spec,
        ssh_config=None if ssh_config is None else str(ssh_config),
        sudo=sudo,
        limits=Limits(timeout=20),
    )
    circumstances = Evaluation(now=datetime.now(UTC), active=active, advisories=_index(advisories))
    return observe(control, params, options, circumstances, waves=waves)


def observe(
    control: Control,
    params: dict[str, Any],
    options: HostOptions,
    circumstances: Evaluation,
    *,
    waves: bool = True,
) -> Audit:
    """Audit one control on the one host that the options name."""
    (target,) = resolve(options)
    transcript, planned = Transcript(), plans.single(control, params)
    host = target.observed(transcript, options.limits)
    if waves:
        calls = {control.id: lambda host: audit.speculate(planned, host, circumstances)}
        waves_module.collect_host(
            Work(name=target.name, open=lambda: host, close=lambda: None), calls, Suggestions()
        )
        asked = len(transcript)
    conclusion = audit.judge(planned, host, circumstances)
    target.disconnect()
    if waves and transcript.host_fault is None:
        assert len(transcript) == asked, "the collector left questions to the evaluation"
    return Audit(
        conclusion=conclusion,
        transcript=transcript,
        planned=planned,
        name=target.name,
        connection=target.connection,
        circumstances=circumstances,
    )


@cache
def _index(advisories: Path | None) -> Path | None:
    """Return the index that a scenario names, made of its records where it names a directory of them."""
    if advisories is None or not advisories.is_dir():
        return advisories
    path = Path(tempfile.mkdtemp(prefix="aisec-advisories-")) / "index.sqlite"
    sources.update(str(advisories), path, now=datetime.now(UTC))
    return path


def tools(transcript: Transcript, root: Path) -> list[Path]:
    """Return the programs of the host that the commands of a transcript name, but for the shell."""
    words: set[str] = set()
    for observation in transcript:
        lexer = shlex.shlex(
            observation.command.replace("\n", " ; "), posix=True, punctuation_chars="();<>|&$`'\""
        )
        lexer.whitespace_split = True
        try:
            words |= {part for word in lexer for part in re.split(r"[^A-Za-z0-9_.+-]+", word)}
        except ValueError:
            words |= set(re.split(r"[^A-Za-z0-9_.+-]+", observation.command))
    words -= {"sh", "dash", "bash", "", ".", "..", "sshd"}
    places = [root / directory / word for word in sorted(words) for directory in ("usr/bin", "usr/sbin")]
    return [path for path in places if path.is_symlink() or path.is_file()]


@contextmanager
def without(tool: Path) -> Iterator[None]:
    """Take a program from a host for the body."""
    aside = tool.with_name(tool.name + ".gone")
    tool.rename(aside)
    try:
        yield
    finally:
        aside.rename(tool)
