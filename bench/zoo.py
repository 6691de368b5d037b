"""Audit ordinary hosts that lack what a lab host has, and print how many results are errors, and why.

`python bench/zoo.py [--markdown] [HOST...]`: containers, a directory, and machines in use (`zoo_hosts/`),
each with the profiles that are meant for it. As root, on Debian.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pytest_aisec.advisories import sources
from pytest_aisec.testing.labkit import engines
from pytest_aisec.testing.labkit.lab import Lab
from pytest_aisec.testing.scenarios import WAITING

HERE = Path(__file__).parent
TREE = HERE.parent
SERVERS = ("linux-base", "inference-server", "training-node")
SETUP_TIMEOUT = 400.0
"""Seconds."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A host to be audited."""

    spec: str
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of host, and how many of a hundred results may be errors there."""

    make: Callable[[], AbstractContextManager[Place]]
    most: int | None
    """`None` where errors are right: what cannot be seen without root is not judged."""
    profiles: tuple[str, ...] = SERVERS


@contextmanager
def _container(engine: str, root: engines.Root, *options: str, sudo: bool = False) -> Iterator[Place]:
    make = engines.podman_container if engine == "podman" else engines.docker_container
    with make("zoo", root=root, options=options) as container:
        yield Place(
            spec=container.spec,
            options=("--sudo",) if sudo else (),
            environment=container.environment,
        )


@contextmanager
def _directory() -> Iterator[Place]:
    with engines.chroot_directory() as directory:
        yield Place(spec=f"chroot://{directory}")


@contextmanager
def _machine(name: str, *layers: str) -> Iterator[Place]:
    with Lab() as lab, lab.host(kind="services", layers=layers) as host, lab.enter():
        done = host.sh(_script(name), check=False, timeout=SETUP_TIMEOUT)
        if done.returncode:
            sys.exit(f"{name} is not set up: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        yield Place(spec=host.spec(), options=(f"--ssh-config={lab.ssh_config}",))


def _script(name: str) -> str:
    text = (HERE / f"zoo_hosts/{name}.sh").read_text(encoding="utf-8")
    found = re.search(r"^# lib: (.*)$", text, re.MULTILINE)
    names = found[1].split() if found else []
    parts = [WAITING, *(TREE / f"tests/scenarios/lib/{one}.sh" for one in names)]
    return "\n".join(["set -e", *(part.read_text(encoding="utf-8") for part in parts), text])


KINDS = {
    "podman-debian-nobody": Kind(
        make=partial(_container, "podman", "debian", "--user=auditor", sudo=True), most=None
    ),
    "docker-busybox-nobody": Kind(
        make=partial(_container, "docker", "busybox", "--user=nobody", sudo=True), most=None
    ),
    "podman-busybox": Kind(make=partial(_container, "podman", "busybox"), most=15),
    "docker-busybox": Kind(make=partial(_container, "docker", "busybox"), most=15),
    "podman-minbase": Kind(make=partial(_container, "podman", "minimal"), most=10),
    "docker-minbase": Kind(make=partial(_container, "docker", "minimal"), most=10),
    "chroot": Kind(make=_directory, most=10),
    "kubernetes-node": Kind(make=partial(_machine, "kubernetes-node"), most=10),
    "training-node": Kind(
        make=partial(_machine, "training-node", "ray"), most=5, profiles=("training-node",)
    ),
    "workstation": Kind(make=partial(_machine, "workstation"), most=5, profiles=("dev-workstation",)),
}


def main(arguments: list[str]) -> None:
    """Audit each host with its profiles; a kind that has too many errors ends in exit status 1."""
    names = [one for one in arguments if not one.startswith("-")] or list(KINDS)
    rows, too_many = [], False
    for name in names:
        kind = KINDS[name]
        with kind.make() as place:
            results = {
                str(one["control"]): one for profile in kind.profiles for one in _audit(profile, place)
            }
        row = Row.of(name, kind, results)
        rows.append(row)
        too_many |= kind.most is not None and row.rate > kind.most
        _show(row, results)
    if "--markdown" in arguments:
        print("\n".join(["", HEAD, *(row.line for row in rows)]))
    sys.exit(int(too_many))


HEAD = (
    "| host | controls | errors | at most | of what applies | passed | failed | n/a | open |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """How the results of one host came out."""

    name: str
    most: int | None
    outcomes: Counter[str]

    @classmethod
    def of(cls, name: str, kind: Kind, results: Mapping[str, Mapping[str, object]]) -> "Row":
        """Count."""
        return cls(
            name=name, most=kind.most, outcomes=Counter(str(one["outcome"]) for one in results.values())
        )

    @property
    def rate(self) -> float:
        """Errors of a hundred results."""
        return 100 * self.outcomes["error"] / self.outcomes.total()

    @property
    def line(self) -> str:
        """As a row of a table."""
        found = self.outcomes
        applies = found.total() - found["not_applicable"]
        cells = [
            self.name,
            found.total(),
            f"{found['error']} ({self.rate:.0f} %)",
            "right" if self.most is None else f"{self.most} %",
            f"{100 * found['error'] / applies:.0f} %",
            *(found[one] for one in ("passed", "failed", "not_applicable", "not_reviewed")),
        ]
        return f"| {' | '.join(map(str, cells))} |"


def _audit(profile: str, place: Place) -> list[dict[str, object]]:
    path = TREE / "profiles" / f"{profile}.yaml"
    with tempfile.TemporaryDirectory(prefix="aisec-zoo-") as directory:
        index = _index(Path(directory))
        command = [sys.executable, "-m", "pytest_aisec.cli", "run", str(path), "-q", f"--hosts={place.spec}"]
        command += [*place.options, f"--aisec-advisories={index}"]
        done = subprocess.run(
            [*command, "--aisec-evidence=bundle", "--aisec-cache=none", "-p", "no:cacheprovider"],
            cwd=directory,
            env={**os.environ, **place.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        run = Path(directory) / "bundle/run.json"
        if not run.exists():
            sys.exit(f"{shlex.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return list(json.loads(run.read_text(encoding="utf-8"))["results"])


def _index(directory: Path) -> Path:
    """Make an index of advisories that is as new as one that was updated today."""
    text = (TREE / "tests/scenarios/AISEC-SUP-01/advisories/records.jsonl").read_text(encoding="utf-8")
    now = datetime.now(UTC)
    records = directory / "advisories"
    records.mkdir()
    (records / "records.jsonl").write_text(
        re.sub(r'"modified":"[^"]*"', f'"modified":"{now:%Y-%m-%dT%H:%M:%SZ}"', text), encoding="utf-8"
    )
    sources.update(str(records), directory / "advisories.idx", now=now)
    return directory / "advisories.idx"


def _show(row: Row, results: Mapping[str, Mapping[str, object]]) -> None:
    total, errors = row.outcomes.total(), row.outcomes["error"]
    print(f"{row.name}: {errors} of {total} are errors ({row.rate:.0f} %) {dict(row.outcomes)}", flush=True)
    by_reason: dict[str, list[str]] = {}
    for control, one in sorted(results.items()):
        if one["outcome"] == "error":
            text = " ".join(str(one.get("message") or one.get("reason") or one).split())
            by_reason.setdefault(text[:300], []).append(control)
    for text, controls in by_reason.items():
        print(f"  {', '.join(controls)}: {text}")


if __name__ == "__main__":
    main(sys.argv[1:])
