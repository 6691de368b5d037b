"""Audit ordinary hosts that lack what a lab host has, and print how many results are errors, and why.

`python bench/zoo.py [HOST...]`: BusyBox and a small Debian through podman, and a directory through chroot.
As root, on Linux.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_aisec.testing.labkit import engines

PROFILES = ("linux-base", "inference-server", "training-node")
_MINIMAL = (
    "rm -f /bin/ps /usr/bin/ps /usr/bin/pgrep /usr/bin/top /bin/ss /usr/bin/ss /usr/sbin/ss /sbin/ss"
    " /bin/ip /usr/bin/ip /usr/sbin/ip /sbin/ip /usr/sbin/sysctl /sbin/sysctl /bin/netstat /usr/bin/netstat"
    " /usr/sbin/nft /usr/sbin/sshd /usr/sbin/iptables* /usr/sbin/ip6tables* /usr/bin/docker /usr/bin/podman"
)


@contextmanager
def _busybox() -> Iterator[tuple[str, dict[str, str]]]:
    with engines.podman_container("zoo") as container:
        yield container.spec, dict(container.environment)


@contextmanager
def _small_debian() -> Iterator[tuple[str, dict[str, str]]]:
    with engines.podman_container("zoo", root="debian") as container:
        container.run("exec", "zoo", "sh", "-c", _MINIMAL)
        yield container.spec, dict(container.environment)


@contextmanager
def _directory() -> Iterator[tuple[str, dict[str, str]]]:
    with engines.chroot_directory() as directory:
        yield f"chroot://{directory}", {}


HOSTS = {"busybox": _busybox, "small-debian": _small_debian, "chroot": _directory}


def main(names: list[str]) -> None:
    """Audit each host with each profile."""
    for name in names or HOSTS:
        with HOSTS[name]() as (spec, environment):
            results = [one for profile in PROFILES for one in _audit(profile, spec, environment)]
        _show(name, {one["control"]: one for one in results})


def _audit(profile: str, spec: str, environment: dict[str, str]) -> list[dict[str, object]]:
    path = Path(__file__).parent.parent / "profiles" / f"{profile}.yaml"
    with tempfile.TemporaryDirectory(prefix="aisec-zoo-") as directory:
        command = [sys.executable, "-m", "pytest_aisec.cli", "run", str(path), "-q", f"--hosts={spec}"]
        done = subprocess.run(
            [*command, "--aisec-evidence=bundle", "--aisec-cache=none", "-p", "no:cacheprovider"],
            cwd=directory,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        run = Path(directory) / "bundle/run.json"
        if not run.exists():
            sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
        return list(json.loads(run.read_text(encoding="utf-8"))["results"])


def _show(name: str, results: dict[str, dict[str, object]]) -> None:
    outcomes = Counter(str(one["outcome"]) for one in results.values())
    errors = outcomes["error"]
    print(f"{name}: {errors} of {len(results)} are errors ({errors / len(results):.0%}) {dict(outcomes)}")
    for control, one in sorted(results.items()):
        if one["outcome"] == "error":
            print(
                f"  {control}: {' '.join(str(one.get('message') or one.get('reason') or one).split())[:300]}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
