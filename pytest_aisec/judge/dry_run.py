"""Find out what a control asks, without a host: it is called against made-up answers.

What a control asks depends on the answers. So each control is called in a few made-up worlds, in each of
which every question has an answer of the same kind, and in one more where services run; whatever it asks in
any of them is kept. That shows
what a control looks at first; it need not be all that it asks of a certain host.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from testinfra.host import Host

from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.control import Platform
from pytest_aisec.catalog.plan import PlannedControl
from pytest_aisec.judge import evaluate
from pytest_aisec.observe.backend import ObservingBackend, Pending
from pytest_aisec.observe.transcript import Observation, Transcript

_WORLDS: tuple[tuple[int, bytes, bytes], ...] = (
    (0, b"", b""),
    (1, b"", b"no such thing: No such file or directory\n"),
    (0, b"1\n", b""),
    (0, b"[]\n", b""),
    (0, b"{}\n", b""),
    (0, b"yes\n", b""),
)
"""Exit status, stdout and stderr of every answer."""

_SERVICES: tuple[tuple[str, int, str, str], ...] = (
    ("systemd", 0, "", "/usr/lib/systemd/systemd"),
    ("nginx", 80, "192.0.2.1", "nginx: master process /usr/sbin/nginx"),
    ("vllm", 8000, "127.0.0.1", "/usr/bin/python3 /opt/v/bin/vllm serve tiny --host 127.0.0.1 --api-key x"),
    ("jupyter-lab", 8888, "127.0.0.1", "/usr/bin/python3 /usr/bin/jupyter-lab --no-browser"),
    ("tensorboard", 6006, "127.0.0.1", "/usr/bin/python3 /usr/bin/tensorboard --logdir /srv/logs"),
    ("ollama", 11434, "127.0.0.1", "/usr/bin/ollama serve"),
    ("python3", 8265, "127.0.0.1", "/usr/bin/python3 /opt/r/ray/dashboard/dashboard.py --port=8265"),
)
"""Name, port, address and command line of what runs in the world of services."""


def _service_answers() -> dict[str, str]:
    """Return how the commands begin that list services, and what they print in the world of services."""
    heads = {
        "grep -aH '' /proc/[0-9]*/comm": "",
        "grep -aH '^Max core": "",
        "p=$$; while test": "",
        "grep -azoHE": "",
        "grep -aHE '^(Uid|Gid|Groups):'": "",
        "stat -L -c '%u:%a %n'": "",
        "stat -L -c '%i %n'": "4 /proc/self/ns/net\n",
        "stat -L -c '%d:%i %n'": "4:2 /proc/self/root\n",
        "ss -tunap": "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n",
    }
    for pid, (name, port, address, line) in enumerate(_SERVICES, start=1):
        uid = 0 if name == "nginx" else 1000  # who is root runs what its name says
        words = "".join(f"/proc/{pid}/cmdline:{word}\0" for word in line.split())
        for head, text in zip(
            heads,
            (
                f"/proc/{pid}/comm:{name}\n",
                f"/proc/{pid}/limits:Max core file size        0        unlimited        bytes\n",
                words,
                f"/proc/{pid}/environ:RAY_AUTH_MODE=token\0",
                "".join(f"/proc/{pid}/status:{id_}:" + f"\t{uid}" * 4 + "\n" for id_ in ("Uid", "Gid"))
                + f"/proc/{pid}/status:Groups:\t{uid} \n",
                f"0:755 /proc/{pid}/exe\n",
                f"4 /proc/{pid}/ns/net\n",
                f"4:2 /proc/{pid}/root\n",
                f'tcp LISTEN 0 128 {address}:{port} 0.0.0.0:* users:(("{name}",pid={pid},fd=3))\n'
                if port
                else "",
            ),
            strict=True,
        ):
            heads[head] += text
    return {**heads, "ip -o addr": "2: eth0    inet 192.0.2.1/24 scope global eth0\n", "id -u": "0\n"}


_LISTED = _service_answers()
_DEEPEST = 20
_UNAME = "uname -s"


def questions(planned: PlannedControl, *, active: bool = False) -> list[str]:
    """Return commands that the control asks of hosts, those that come first first.

    Args:
        planned: the control and its parameters.
        active: also requests to services, as with `--aisec-active`.

    """
    found: dict[str, None] = {}
    platform = planned.control.platforms[0]
    for world in _WORLDS:
        answers = [(), _LISTED.items()] if world == _WORLDS[0] and platform == "linux" else [()]
        for listed in answers:
            found.update(dict.fromkeys(_in_world(planned, world, platform, listed, active=active)))
    return [question for question in found if question != _UNAME]


def _in_world(
    planned: PlannedControl,
    answer: tuple[int, bytes, bytes],
    platform: Platform,
    listed: Iterable[tuple[str, str]],
    *,
    active: bool,
) -> Iterable[str]:
    transcript = Transcript()
    connection = "winrm" if platform == "windows" else "local"
    backend = ObservingBackend("local://", None, transcript, connection)
    host = Host(backend)
    backend.set_host(host)
    transcript.add(_observation(_UNAME, (0, platform.capitalize().encode() + b"\n", b"")))
    circumstances = Evaluation(now=datetime(2026, 1, 1, tzinfo=UTC), active=active)
    for _ in range(_DEEPEST):
        questions = backend.begin(collecting=True)
        try:
            evaluate.speculate(planned, host, circumstances)
        except Pending:
            pass
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - how it ends in a made-up world says nothing
            return
        asked = list(questions.open)
        if not asked:
            return
        yield from asked
        for question in asked:
            known = next((text for head, text in listed if question.startswith(head)), None)
            if known is None and listed and question.startswith("curl -q -sS -i"):
                known = "HTTP/1.1 404 Not Found\r\n\r\n\n\0" * question.count("curl -q -sS -i")
            transcript.add(_observation(question, answer if known is None else (0, known.encode(), b"")))


def _observation(command: str, answer: tuple[int, bytes, bytes]) -> Observation:
    status, stdout, stderr = answer
    return Observation(
        command=command,
        exit_status=status,
        stdout=stdout,
        stderr=stderr,
        started_at="2026-01-01T00:00:00.000Z",
        duration_ms=0,
    )
