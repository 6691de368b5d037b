"""Places to prove the scenarios of a pack: the lab, containers, or a machine that may be broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.testing.containers import DEFAULT_IMAGE, ENGINES, Containers, why_not
from pytest_aisec.testing.labkit import LabError, LabUnavailableError
from pytest_aisec.testing.labkit.lab import Lab, require_lab
from pytest_aisec.testing.labkit.place import LABEL, Places
from pytest_aisec.testing.proofs import Place
from pytest_aisec.testing.remotes import Remote
from pytest_aisec.testing.scenarios import Scenario
from pytest_aisec.testing.shells import PlaceError

CHOICES = ("lab", *ENGINES, "ssh://HOST")


class Venue(Protocol):
    """Gives a place for each scenario."""

    @property
    def label(self) -> str:
        """Kind of host that the places are."""

    def why_not(self, scenario: Scenario) -> str:
        """Return why the scenario cannot be proved there, as a clause; empty when it can."""

    def place(self, scenario: Scenario) -> AbstractContextManager[Place]:
        """Yield the place; raises PlaceError."""


class InLab:
    """Fresh hosts of the lab."""

    label = LABEL

    def __init__(self, places: Places) -> None:
        self._places = places

    def why_not(self, scenario: Scenario) -> str:
        """Return why the scenario cannot be proved there."""
        return "# host: aws needs the doubles of this project's own tests" if scenario.is_aws else ""

    @contextmanager
    def place(self, scenario: Scenario) -> Iterator[Place]:
        """Yield a fresh host."""
        try:
            with self._places.place(scenario) as place:
                yield place
        except LabError as error:
            raise PlaceError(f"the lab: {error}") from None


@contextmanager
def opened(
    on: str | None, *, image: str | None, expendable: str | None, ssh_config: str | None
) -> Iterator[Venue]:
    """Yield the venue that was asked for, or the first that this machine has: lab, podman, docker.

    Args:
        on: `lab`, `podman`, `docker`, `ssh://HOST`, or `None` for what there is.
        image: what containers are made from; `None` for a Debian.
        expendable: the host of `ssh://HOST`, named again.
        ssh_config: a configuration file of ssh, for `ssh://HOST`.

    Raises:
        UsageProblem: when it cannot be had, with what each needs.

    """
    remote = on is not None and on.startswith("ssh://")
    if on is not None and not remote and on not in CHOICES:
        raise UsageProblem(f"--on {on}: is not one of {', '.join(CHOICES)}. {nearest(on, CHOICES)}")
    for option, value, fits in (
        ("--expendable", expendable, remote),
        ("--ssh-config", ssh_config, remote),
        ("--image", image, not remote and on != "lab"),
    ):
        if value is not None and not fits:
            raise UsageProblem(
                f"{option} {value}: is for --on {'podman or docker' if option == '--image' else 'ssh://HOST'}"
            )
    if on is not None and remote:
        yield Remote.of(on, expendable, ssh_config)
        return
    reasons = {}
    for name in ("lab", *ENGINES) if on is None else (on,):
        if on is None and name == "lab" and image is not None:
            continue  # an image is asked for
        reasons[name] = _lab_why_not() if name == "lab" else why_not(name)
        if not reasons[name]:
            with _lab() if name == "lab" else _containers(name, image) as venue:
                yield venue
            return
    raise UsageProblem(_nowhere(on, reasons))


def _lab_why_not() -> str:
    try:
        require_lab()
    except LabUnavailableError as error:
        return str(error)
    return ""


@contextmanager
def _lab() -> Iterator[Venue]:
    try:
        with Lab() as lab, lab.enter(), Places(lab) as places:
            yield InLab(places)
    except LabError as error:
        raise UsageProblem(f"--on lab: {error}") from None


@contextmanager
def _containers(engine: str, image: str | None) -> Iterator[Venue]:
    yield Containers.of(engine, image or DEFAULT_IMAGE)


def _nowhere(on: str | None, reasons: dict[str, str]) -> str:
    if on is not None:
        return f"--on {on}: {reasons[on]}"
    needs = {
        "lab": "root on a Debian that may make namespaces",
        "podman": "podman, as any user",
        "docker": "docker, and the right to use it",
    }
    lines = [f"  {name:<7} needs {needs[name]}: {why}" for name, why in reasons.items()]
    return "\n".join(
        [
            "this machine has no place where scenarios could be proved",
            *lines,
            "A machine that may be broken does as well: --on ssh://root@HOST --expendable HOST.",
            "--recorded judges what was recorded elsewhere, without any of these.",
        ]
    )
