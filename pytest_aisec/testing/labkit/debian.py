"""Packages that the lab needs on the machine itself."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import kernel
from .commands import ran
from .errors import LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_APT = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]
_NO_SERVICES = Path("/usr/sbin/policy-rc.d")
_ONE_AT_A_TIME = Path("/run/aisec-lab-apt.lock")
_TIMEOUT = 900.0  # seconds


def complete_search_path() -> None:
    """Let this process and its children find what is in ``/usr/sbin``, as root's own shell would."""
    places = os.environ.get("PATH", os.defpath).split(":")
    os.environ["PATH"] = ":".join([*places, *({"/usr/sbin", "/sbin"}.difference(places))])


def installed(packages: Iterable[str]) -> set[str]:
    """Those of the packages that dpkg calls installed; empty where there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        return set()
    wanted = list(packages)
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\\n", *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    return {line.split()[1] for line in done.stdout.splitlines() if line.startswith("installed ")}


def ensure(packages: Iterable[str]) -> None:
    """Install the Debian packages that are missing, without starting the services that come with them.

    Package lists are fetched only when the ones at hand do not do. Needs root when something is missing.
    Raises LabUnavailableError, in one line.
    """
    wanted = set(packages)
    missing = sorted(wanted - installed(wanted))
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise LabUnavailableError(f"{names} missing, and this machine has no apt-get to install with")
    if os.geteuid() != 0:
        raise LabUnavailableError(f"{names} missing, and only root can install")
    with _services_stay_down():
        for fetch_lists in (False, True):
            if fetch_lists:
                _apt("update")
            done = _apt("install", "--no-install-recommends", *missing)
            if done.returncode == 0:
                return
    raise LabUnavailableError(f"apt-get cannot install {names}: {_reason(done)}")


def ensure_commands(packages: Mapping[str, str]) -> None:
    """Install the package of each command that is not there yet: ``{"dockerd": "docker.io"}``.

    For machines that have the command from somewhere else. Raises LabUnavailableError, in one line.
    """
    ensure(package for command, package in packages.items() if shutil.which(command) is None)


def _apt(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run apt-get where the archive is, although a test may be inside the lab's network."""
    try:
        with kernel.outside_network():
            return ran(
                [*_APT, *arguments],
                timeout=_TIMEOUT,
                environment={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
            )
    except subprocess.TimeoutExpired:
        raise LabUnavailableError(f"apt-get {arguments[0]} took more than {_TIMEOUT:.0f} s") from None


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    return (errors or lines or [f"exit status {done.returncode}"])[0]


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Have Debian's own switch say "no" while packages are configured, unless somebody has set it already."""
    with _ONE_AT_A_TIME.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _NO_SERVICES.exists():
            yield
            return
        try:
            _NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
            _NO_SERVICES.chmod(0o755)
            yield
        finally:
            _NO_SERVICES.unlink(missing_ok=True)
