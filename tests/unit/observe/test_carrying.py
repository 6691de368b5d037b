"""What each connection shows in the arguments of its programs: never a word of a script."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits

STAND_IN = """\
#!/bin/sh
for word do printf '%s|' "$word" >>"$ARGV"; done
case $0-$* in *sudo-*) ;; *docker-*" -i "*|*podman-*" -i "*|*kubectl-*" -i "*|*oc-*" -i "*|*lxc-*|*ssh-*) ;; *) exec </dev/null ;; esac
while test $# -gt 0
do case $1 in "exec /bin/sh"|/bin/sh) break ;; esac; shift
done
test "$1" = /bin/sh || exec /bin/sh -c "$1"
exec "$@"
"""
"""Notes its arguments and runs the command that they end with, as the program of its name would elsewhere."""


@pytest.mark.parametrize(
    ("spec", "program", "sudo", "expected"),
    [
        ("docker://c", "docker", False, "exec|-i|c|/bin/sh|-c|exec /bin/sh|"),
        ("docker://u@c", "docker", False, "exec|-i|-u|u|c|/bin/sh|-c|exec /bin/sh|"),
        ("podman://c", "podman", False, "exec|-i|c|/bin/sh|-c|exec /bin/sh|"),
        ("kubectl://p", "kubectl", False, "exec|-i|p|--|/bin/sh|-c|exec /bin/sh|"),
        ("kubectl://p?namespace=n", "kubectl", False, "-n|n|exec|-i|p|--|/bin/sh|-c|exec /bin/sh|"),
        ("openshift://p", "oc", False, "exec|-i|p|--|/bin/sh|-c|exec /bin/sh|"),
        ("lxc://c", "lxc", False, "exec|c|--mode=non-interactive|--|/bin/sh|-c|exec /bin/sh|"),
        ("local://", "sudo", True, "/bin/sh|-c|exec /bin/sh|"),
        ("local://?sudo_user=u", "sudo", True, "-u|u|/bin/sh|-c|exec /bin/sh|"),
        ("ssh://h", "ssh", False, "|--|h|exec /bin/sh|"),
    ],
)
def test_a_script_travels_on_standard_input(
    spec: str, program: str, *, sudo: bool, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = tmp_path / program
    stand_in.write_text(STAND_IN, encoding="ascii")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("ARGV", str(tmp_path / "argv"))
    tokens: list[str] = []
    generate = secrets.token_hex
    monkeypatch.setattr(secrets, "token_hex", lambda size: tokens.append(generate(size)) or tokens[-1])
    limits = Limits(timeout=10, connect_timeout=5)
    (target,) = resolve(HostOptions(hosts=spec, sudo=sudo, limits=limits))
    host = target.observed(Transcript(), limits)
    assert host.check_output("echo answer") == "answer"
    listing = host.run("cat /proc/[0-9]*/cmdline").stdout
    target.disconnect()
    shown = (tmp_path / "argv").read_text(encoding="utf-8")
    assert shown.endswith(expected)
    assert tokens
    assert [] == [token for token in tokens if token in shown or token in listing]


def test_a_shell_whose_printf_is_a_program_writes_otherwise(tmp_path: Path) -> None:
    """Such shells are rare, and their `print` does it: a marker must not become an argument of `printf`."""
    from pytest_aisec.observe.transport import process
    from pytest_aisec.observe.transport.ssh import _OUT

    script = f'command() {{ echo /usr/bin/printf; }}; print() {{ echo "print $*"; }}\n{_OUT}o secret\n'
    done = process.run(["sh"], timeout=5, watch=process.Capped(cap=1000), feed=script.encode())
    assert done.stdout == b"print -rn -- secret\n"
