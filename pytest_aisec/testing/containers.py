"""Fresh containers of podman or docker as places where scenarios are proved. They have no network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_aisec.errors import UsageProblem
from pytest_aisec.testing.proofs import UNPRIVILEGED
from pytest_aisec.testing.scenarios import Scenario
from pytest_aisec.testing.shells import PlaceError, ShellPlace, do

ENGINES = ("podman", "docker")
"""In the order in which they are tried."""
DEFAULT_IMAGE = "debian:bookworm-slim"
_PULL_TIMEOUT = 600.0
"""Seconds."""


def why_not(engine: str) -> str:
    """Return why the engine makes no containers here; empty when it does."""
    if shutil.which(engine) is None:
        return f"there is no {engine} in the search path"
    try:
        done = do([engine, "version"])
    except PlaceError as error:
        return str(error)
    lines = done.stderr.strip().splitlines()
    return (
        (lines[-1] if lines else f"{engine} version ended with {done.returncode}") if done.returncode else ""
    )


@dataclass(frozen=True, kw_only=True)
class Containers:
    """One engine and the image from which each place is made."""

    engine: str
    image: str
    image_id: str

    @property
    def label(self) -> str:
        """Kind of host that the places are."""
        return f"{self.image} in {self.engine}"

    @classmethod
    def of(cls, engine: str, image: str) -> Containers:
        """Find the image, or fetch it.

        Raises:
            UsageProblem: when it is not on this machine and cannot be fetched.

        """
        inspect = [engine, "image", "inspect", "--format", "{{.Id}}", image]
        found = do(inspect)
        if found.returncode:
            pulled = do([engine, "pull", "--quiet", image], timeout=_PULL_TIMEOUT)
            if pulled.returncode:
                said = [line.strip() for line in pulled.stderr.splitlines() if line.strip()]
                raise UsageProblem(
                    f"--image {image}: {engine} does not have it and cannot fetch it: "
                    f"{said[-1] if said else f'exit status {pulled.returncode}'}\n"
                    f"`{engine} images` lists what is on this machine; it must be a Debian, or like it"
                )
            found = do(inspect)
        return cls(engine=engine, image=image, image_id=found.stdout.strip().removeprefix("sha256:")[:16])

    def why_not(self, scenario: Scenario) -> str:
        """Return why the scenario cannot be proved in a container; empty when it can."""
        if scenario.host != "stock":
            return f"# host: {scenario.host} needs the lab; this is {self.engine}"
        if scenario.wheels:
            return f"# wheels: {' '.join(scenario.wheels)} needs the lab; this is {self.engine}"
        return ""

    @contextmanager
    def place(self, scenario: Scenario) -> Iterator[ShellPlace]:
        """Yield a fresh container; raises PlaceError."""
        del scenario  # each gets the same
        started = do(
            [
                self.engine,
                "run",
                "--detach",
                "--network=none",
                "--stop-timeout=0",
                self.image,
                "sleep",
                "86400",
            ],
            timeout=120.0,
        )
        if started.returncode:
            raise PlaceError(
                f"{self.engine} cannot run a container of {self.image}: {started.stderr.strip()}"
            )
        name = started.stdout.strip()[:12]
        try:
            yield self._prepared(name)
        finally:
            do([self.engine, "rm", "--force", "--volumes", name])

    def _prepared(self, name: str) -> ShellPlace:
        def as_user(user: str, text: str) -> Sequence[str]:
            return [self.engine, "exec", "--user", user, name, "/bin/sh", "-c", text]

        wanted = f"id {UNPRIVILEGED} || useradd --create-home {UNPRIVILEGED}"
        made = do([*as_user("root", wanted)])
        if made.returncode:
            raise PlaceError(
                f"{self.image}: has no account {UNPRIVILEGED}, and none can be made: {made.stderr.strip()}"
            )
        return ShellPlace(
            label=self.label,
            image=self.image_id,
            prefix=as_user("root", "")[:-1],
            spec=lambda user: f"{self.engine}://{user}@{name}",
            can_be=lambda user: do([*as_user("root", f"id {user}")]).returncode == 0,
        )
