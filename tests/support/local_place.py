"""This machine as the place of scenarios that keep to one directory: for tests that need no real host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pytest_aisec.testing.scenarios import Scenario
from pytest_aisec.testing.shells import ShellPlace

CONTROL = '''
from pytest_aisec import Host, Unobservable, control, not_applicable

@control("EX-CKP-01", severity="high", remediation="chmod 750 {directory}")
def test_closed(host: Host, *, directory: str = "/srv/checkpoints") -> None:
    """The directory is closed to other accounts.

    Whoever can write there decides what comes next.
    """
    answer = host.run("stat -L -c %%a -- %s", directory)
    if "No such file or directory" in answer.stderr:
        not_applicable("there is none")
    if answer.rc != 0 or not answer.stdout.strip().isdecimal():
        raise Unobservable("unreadable", answer.stderr or answer.stdout)
    assert int(answer.stdout, 8) & 0o27 == 0
'''
SCENARIOS = {
    "absent.na.sh": "",
    "closed.pass.sh": "mkdir -m 750 {directory}\n",
    "open.fail.sh": "mkdir -m 777 {directory}\n",
}


class LocalPlace(ShellPlace):
    """Takes no program away."""

    @contextmanager
    def watched(self) -> Iterator[Sequence[Path]]:
        yield list


class LocalVenue:
    """Gives this machine, with nothing where the scenarios work."""

    label = "this machine"

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def why_not(self, scenario: Scenario) -> str:
        return f"# host: {scenario.host} is elsewhere" if scenario.host != "stock" else ""

    @contextmanager
    def place(self, scenario: Scenario) -> Iterator[LocalPlace]:
        if self.directory.is_dir():
            self.directory.rmdir()
        self.directory.parent.mkdir(exist_ok=True)
        yield LocalPlace(
            label=self.label,
            image="0123456789abcdef",
            prefix=["/bin/sh", "-c"],
            spec=lambda user: "local://",
            can_be=lambda user: False,
            compared=str(self.directory.parent),
        )


def write_pack(path: Path, directory: Path) -> Path:
    """Write a pack with one control and three scenarios that work in `directory`; return `path`."""
    control = path / "controls/ckp/test_closed.py"
    control.parent.mkdir(parents=True)
    control.write_text(CONTROL, encoding="utf-8")
    scenarios = path / "tests/scenarios/EX-CKP-01"
    scenarios.mkdir(parents=True)
    for name in ("absent.na.sh", "closed.pass.sh", "open.fail.sh"):
        text = f"# params: {{directory: {directory}}}\n" + SCENARIOS[name].format(directory=directory)
        (scenarios / name).write_text(text, encoding="utf-8")
    return path
