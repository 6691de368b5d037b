"""One machine behind ssh, named as expendable, as the place of all scenarios. Nothing on it is cleaned up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_aisec.errors import UsageProblem
from pytest_aisec.testing.scenarios import Scenario
from pytest_aisec.testing.shells import ShellPlace, do

_MADE_FROM = "cat /etc/os-release; uname -r; dpkg-query -W 2>/dev/null || :"
_COMPARED = "/etc /home /opt /root /srv /tmp /usr /var/tmp"
"""Where nothing is written by a host itself."""


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A machine that may be broken."""

    host: str
    """Name or address, with a port if it has one."""
    image_id: str
    ssh_config: str | None

    @property
    def label(self) -> str:
        """Kind of host; its name is of no use to others."""
        return "a machine behind ssh"

    @classmethod
    def of(cls, spec: str, expendable: str | None, ssh_config: str | None = None) -> Remote:
        """Take a host that is named twice.

        Args:
            spec: `ssh://[root@]HOST[:PORT]`.
            expendable: HOST again, as spelled there.
            ssh_config: a configuration file of ssh.

        Raises:
            UsageProblem: when it was not named twice, or root cannot log in.

        """
        url = urlsplit(spec)
        host = url.netloc.rpartition("@")[2]
        if not host or (url.username or "root") != "root":
            raise UsageProblem(f"--on {spec}: scripts run as root; write ssh://root@HOST[:PORT]")
        if expendable is None:
            raise UsageProblem(
                f"--on {spec}: scripts of scenarios will run as root on {host}, programs are taken from it "
                "for a while, and nothing is cleaned up. If it may be broken, say so by naming it again: "
                f"--expendable {host}"
            )
        if expendable != host:
            raise UsageProblem(f"--expendable {expendable}: is not the host of --on {spec}, which is {host}")
        found = do(_ssh(host, "root", f"id -u; {_MADE_FROM}", ssh_config))
        first, _, made_from = found.stdout.partition("\n")
        if found.returncode or first != "0":
            said = found.stderr.strip().splitlines() or [f"id -u says {first!r}"]
            raise UsageProblem(f"--on {spec}: root cannot log in: {said[-1]}")
        return cls(
            host=host, image_id=hashlib.sha256(made_from.encode()).hexdigest()[:16], ssh_config=ssh_config
        )

    def why_not(self, scenario: Scenario) -> str:
        """Return why the scenario cannot be proved there; empty when it can."""
        if scenario.host == "aws":
            return "# host: aws needs the doubles of this project's own tests"
        if scenario.wheels:
            return f"# wheels: {' '.join(scenario.wheels)} needs the lab"
        return ""

    @contextmanager
    def place(self, scenario: Scenario) -> Iterator[ShellPlace]:
        """Yield the machine as it is after the scenarios before."""
        del scenario
        place = ShellPlace(
            label=self.label,
            image=self.image_id,
            prefix=_ssh(self.host, "root", "", self.ssh_config)[:-1],
            spec=lambda user: f"ssh://{user}@{self.host}",
            can_be=lambda user: do(_ssh(self.host, user, "true", self.ssh_config)).returncode == 0,
            compared=_COMPARED,
            ssh_config=self.ssh_config,
        )
        try:
            yield place
        finally:
            place.connections.close()


def _ssh(host: str, user: str, text: str, config: str | None) -> Sequence[str]:
    name, _, port = host.rpartition(":") if host.count(":") == 1 else (host, "", "")
    return [
        *("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-l", user),
        *(("-F", config) if config else ()),
        *(("-p", port) if port else ()),
        *(name.strip("[]"), text),
    ]
