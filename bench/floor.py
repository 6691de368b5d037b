"""The floor: the same commands in one script, one plain ssh connection a host, all hosts at once."""

import contextlib
import re
import secrets
import shlex
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import measure

Asked = Sequence[tuple[str, int]]
"""The commands of a host, with their exit status when they were asked one by one."""


def script(asked: Asked, marker: str) -> bytes:
    """Return a script that prints for each command a marker with its exit status, output and errors."""
    lines = ["d=$(mktemp -d) && cd $d || exit"]
    lines += [
        f"sh -c {shlex.quote(command)} >o 2>e </dev/null; printf '%s %s\\n' {marker} $?; cat o; cat e"
        for command, _ in asked
    ]
    lines.append("cd / && rm -r $d\n")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def audit(hosts: Mapping[str, Asked], ssh_config: Path) -> float:
    """Ask every host at once and return the seconds until the last has answered.

    Raises:
        SystemExit: when a host did not answer everything, or a command ended otherwise than expected.

    """
    marker = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="aisec-b-") as directory, contextlib.ExitStack() as stack:
        here = Path(directory)
        for address, asked in hosts.items():
            (here / address).write_bytes(script(asked, marker))
        started = time.perf_counter()
        processes = [stack.enter_context(_ask(address, here, ssh_config)) for address in hosts]
        codes = [process.wait() for process in processes]
        seconds = time.perf_counter() - started
        for (address, asked), code in zip(hosts.items(), codes, strict=True):
            answer = (here / f"{address}.out").read_bytes()
            statuses = [int(found) for found in re.findall(rb"%s (\d+)\n" % marker.encode(), answer)]
            wrong = [
                f"{command!r} ended with {status}, not {expected}"
                for (command, expected), status in zip(asked, statuses, strict=False)
                if status != expected
            ]
            if code or len(statuses) != len(asked) or wrong:
                raise SystemExit(
                    f"the floor's script on {address} ended with {code}, "
                    f"{len(statuses)} of {len(asked)} answers; " + "; ".join(wrong)
                )
    return seconds


@contextlib.contextmanager
def _ask(address: str, here: Path, ssh_config: Path):
    with (here / address).open("rb") as asking, (here / f"{address}.out").open("wb") as answer:
        process = subprocess.Popen(
            ["ssh", "-F", ssh_config, f"root@{address}", "sh -s"],
            stdin=asking,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        measure.stop(process)
