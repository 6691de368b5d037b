"""No account of a target learns what frames an answer, and none writes a frame.

On the code before, where each script and the two halves of its marker were an argument, `FORGER` turned HST-01
and NET-05 from failed to passed in 6 of 6 audits as root, over ssh and through sudo, and each replay verified;
`LEARNER` had the halves on every connection. To see it: run this file on the commit before it, with PYTHONPATH
at that checkout.
"""

import json
import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.observe import hosts
from pytest_aisec.observe.hosts import HostOptions
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits
from tests.support import forks

LEARNER = r"""
words() { tr '\0' '\n' | grep -oE '[0-9a-f]{8,}' | sort -u >>"$log"; }
log=$1
while :
do
    cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/comm /proc/[0-9]*/status 2>/dev/null | words
    ls -l /proc/[0-9]*/fd /proc/[0-9]*/cwd /tmp /var/tmp /dev/shm /run 2>/dev/null | words
    find /tmp /var/tmp /dev/shm /run /var/log -maxdepth 3 -type f -size -1000 ! -name 'learned*' \
        -exec cat {} + 2>/dev/null | words
    cat /proc/locks /proc/net/unix /etc/passwd 2>/dev/null | words
done
"""
"""What an account without rights can read of the audit, through whatever shows it, again and again."""

CANARY = secrets.token_hex(16)
"""In an argument of a process of root's: who learns nothing has to have looked."""

FORGER = r"""
use strict;
my ($sshd, $ss) = map { local $/; open(my $file, "<", "/srv/forged-$_") or die; <$file> } qw(sshd ss);
my %answers = ("sshd -T" => $sshd, "ss -tunap" => $ss);
my %done;
while (1) {
    for my $path (glob("/proc/[0-9]*/cmdline /proc/[0-9]*/environ")) {
        open(my $file, "<", $path) or next;
        my $text = do { local $/; <$file> } // "";
        next unless $text =~ /LC_ALL=C PATH=/ and $text =~ m{cmdline'\) </dev/null\n};
        my $payload = "";
        if ($text =~ /printf '\\n%s%s%s\\n' ([0-9a-f]{16}) ([0-9a-f]{16})/) {
            my $mark = "$1$2";
            next if $done{$mark}++;
            next unless $text =~ m{cmdline'\) </dev/null\n[fg] ["']>?(\d+) };
            $payload = "\n$mark>$1 0\n";
            for my $question (keys %answers) {
                next unless $text =~ m{\n\(\Q$question\E\) </dev/null\n[fg] ["']>?(\d+) };
                $payload .= "\n$mark<$1\n$answers{$question}\n$mark>$1 0\n";
            }
        } else {
            my @marks = $text =~ /\nf ([0-9a-f]{32}) /g;
            next if !@marks or $done{$marks[0]}++;
            $payload = join("", map { "\n$_>0\n$sshd" } @marks);
        }
        next if fork();
        exec {"/bin/sleep"} ($payload, "4");
    }
}
"""
"""Prints, as the name of a process, frames with better answers as soon as it knows how."""


@pytest.fixture
def markers(monkeypatch):
    """Return what is known here of every marker; the halves, too, in which they once travelled."""
    found = set()
    generate = secrets.token_hex

    def token_hex(size=None):
        token = generate(size)
        found.update({token, token[: len(token) // 2], token[len(token) // 2 :]})
        return token

    monkeypatch.setattr(secrets, "token_hex", token_hex)
    return found


@contextmanager
def running(*argv, **options):
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


@dataclass(kw_only=True)
class Place:
    """Somewhere to audit. `root` and `nobody` run a script there while the context lasts."""

    spec: str
    root: Callable[..., AbstractContextManager[None]]
    nobody: Callable[..., AbstractContextManager[None]]
    read: Callable[[str], str]
    options: dict[str, Any] = field(default_factory=dict)


def on_a_host(host, *options):
    """Return a function that runs a script on a lab host."""

    @contextmanager
    def run(script, *args):
        number = secrets.randbelow(10**9)
        host.sh(f"cat >/srv/script-{number} <<'END'\n{script}\nEND\nchmod 0644 /srv/script-{number}")
        what = " ".join(("/bin/sh", f"/srv/script-{number}", *args))
        host.sh(f"systemd-run -q --unit=script-{number} {' '.join(options)} {what}")
        try:
            yield
        finally:
            host.sh(f"systemctl kill -s KILL script-{number}", check=False)

    return run


def in_a_container(container, user):
    environ = {**os.environ, **container.environment}

    def run(script, *args):
        what = ("/bin/sh", "-c", script, "sh", *args)
        return running(container.engine, "exec", "-u", user, container.name, *what, env=environ)

    return run


def here(*user):
    def run(script, *args):
        return running(*user, "/bin/sh", "-c", script, "sh", *args, start_new_session=True)

    return run


@pytest.fixture(params=["ssh", "sudo", "paramiko", "podman", "docker", "chroot", "local"])
def place(request, lab):
    kind = request.param
    if kind.endswith(("podman", "docker")):
        container = request.getfixturevalue(f"lab_{kind}")
        return Place(
            spec=container.spec,
            root=in_a_container(container, "0"),
            nobody=in_a_container(container, "65534"),
            read=lambda path: container.run("exec", container.name, "cat", path).stdout,
        )
    if kind in {"chroot", "local"}:
        spec = f"chroot://{request.getfixturevalue('lab_chroot')}" if kind == "chroot" else "local://"
        nobody = here("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        return Place(
            spec=spec, root=here(), nobody=nobody, read=lambda path: Path(path).read_text(encoding="ascii")
        )
    host = request.getfixturevalue("lab_host")
    spec = host.spec("operator" if kind == "sudo" else "root")
    return Place(
        spec=spec.replace("ssh://", "paramiko://") if kind == "paramiko" else spec,
        root=on_a_host(host),
        nobody=on_a_host(host, "--uid=ai_user"),
        read=lambda path: host.sh(f"cat {path}").stdout,
        options={"ssh_config": str(lab.ssh_config), "sudo": kind == "sudo"},
    )


def test_an_account_without_rights_learns_no_marker(place, markers) -> None:
    log = f"/tmp/learned-{secrets.randbelow(10**9)}"
    limits = Limits(timeout=20)
    (target,) = hosts.resolve(HostOptions(hosts=place.spec, limits=limits, **place.options))
    host = target.observed(Transcript(), limits)
    listing = "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'"
    with place.root("sleep 600; :", CANARY), place.nobody(LEARNER, log):
        until = time.monotonic() + 2
        count = 0
        while time.monotonic() < until:
            count += 1
            questions = [
                f"{listing}; : {count}",
                f"sleep 0.3; : {count}",
                f"echo {count} is not forged; exit 7",
            ]
            host.backend.ask_all({text: text for text in questions})
            answer = host.run(questions[-1])
            assert (answer.rc, answer.stdout, answer.stderr) == (7, f"{count} is not forged\n", "")
    target.disconnect()
    learned = set(place.read(log).split())
    assert CANARY in learned, "nobody has looked"
    assert len(markers) > 10
    assert set() == markers & learned


WANTED = ("AISEC-HST-01", "AISEC-NET-05", "AISEC-NET-08")


@pytest.fixture
def failing(lab_host):
    """A host that fails, and an account on it that knows what it should have answered."""
    harden = Path(__file__).parents[1] / "scenarios" / "lib" / "hardened_sshd.sh"
    lab_host.sh(
        f"{harden.read_text(encoding='utf-8')}\nharden no\nsshd -T >/srv/forged-sshd\n"
        "rm /etc/ssh/sshd_config.d/00-hard.conf; ss -tunap >/srv/forged-ss; chmod 0644 /srv/forged-*\n"
        "cp /usr/sbin/sshd /usr/local/sbin/metrics; systemd-run -q --unit=metrics metrics -D -p 8265\n"
        "cp /bin/sleep /usr/local/bin/ngrok; systemd-run -q /usr/local/bin/ngrok 600"
    )
    return lab_host


@pytest.mark.parametrize(("user", "options"), [("root", []), ("operator", ["--sudo"])])
def test_an_account_without_rights_cannot_choose_a_verdict(failing, lab, tmp_path, user, options) -> None:
    aisec = [sys.executable, "-m", "pytest_aisec.cli"]
    with on_a_host(failing, "--uid=ai_user")(f"exec perl -e {shlex.quote(FORGER)}"):
        for number in range(2):
            bundle = tmp_path / f"evidence-{number}"
            done = forks.run(
                [
                    *(*aisec, "run", "training-node", f"--hosts={failing.spec(user)}", *options),
                    *(f"--ssh-config={lab.ssh_config}", f"--aisec-evidence={bundle}", "--aisec-cache=none"),
                ],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            run = json.loads((bundle / "run.json").read_text(encoding="utf-8"))
            found = {item["control"]: item["outcome"] for item in run["results"] if item["control"] in WANTED}
            assert dict.fromkeys(WANTED, "failed") == found, done.stdout
            verified = forks.run(
                [*aisec, "verify", str(bundle), "--replay"],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert 0 == verified.returncode, verified.stdout + verified.stderr
