"""What an account without rights does on the target while it is audited makes no outcome better.

One attacker does all that such an account can do: it reads whatever `/proc` and writable directories show, and
says what it has read, as frames of answers and as whatever else a reader could take for its own, through every
name that it may choose. Each control is audited with and without it.
"""

import json
import random
import secrets
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.test_forged_frames import CANARY, here, place
from tests.support import forks, live

__all__ = ["place"]

PROFILES = ("dev-workstation", "inference-server", "linux-base", "model-service", "training-node")
ALWAYS = "sudo"
OTHERS = ("ssh", "paramiko", "debian_podman", "debian_docker", "chroot")
"""Of which the seed chooses one; they and `local`, which takes minutes, are all tried with AISEC_LAB=all."""
GOOD = {"passed", "not_applicable", "not_reviewed"}

ATTACKER = r"""
use strict;
use IO::Handle;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_STREAM);
my ($own, $logs) = @ARGV;
my $end = time + 600;
my @poison = (
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "\xc2\xabredacted:password:00000000\xc2\xbb",
    "\n=is 0\n", "\n=end 0\n", "=monitors root\n", " own dockerd ", " own conmon ", "226 0 own dockerd dockerd\n",
    "/proc/1/cmdline:sshd\0/proc/1/asks:\0", "/proc/1/status:Uid:\t0\t0\t0\t0\n", "\n--stderr--\n", "No devices found\n",
    "permitrootlogin no\npasswordauthentication no\nmaxauthtries 4\nx11forwarding no\n",
    "Netid State Recv-Q Send-Q Local Peer\n", "total 0\n", "sshd: -T\n", "kernel.randomize_va_space = 2\n",
    "\0\0\0", "\n\n", "\r", "\x1b[2J", "\\n\\0", "\"}]}\n",
);
my (%known, $turn, $seen);
sub learn {
    my ($text) = @_;
    return unless defined $text;
    while ($text =~ /([0-9a-zA-Z_+\/-]{8,64})/g) {
        my $word = $1;
        print $seen "$word\n" if !$known{$word}++ and $word =~ /^[0-9a-f]{32}$/;
    }
    delete @known{(keys %known)[0 .. 400]} if keys %known > 2000;
}
sub content { open(my $file, "<", $_[0]) or return; read($file, my $text, 65536); return $text }
sub mine { my ($what) = @_; if (!fork) { $SIG{ALRM} = sub { POSIX::_exit(0) }; alarm 4; $what->(); POSIX::_exit(0) } }
sub run { my @argv = @_; mine(sub { open(STDIN, "<", "/dev/null"); open(STDERR, ">", "/dev/null"); exec @argv }) }
sub listening { my @path = @_; my $held = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $_[0], Listen => 1); sleep 3 }
sub say_to_sshd {
    my ($text) = @_;
    my $peer = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => 22, Timeout => 1) or return;
    print $peer $text; $peer->flush; sleep 1;
}
sub started_as {
    my ($path) = @_;
    system("cp", "/bin/sleep", $path) and return;
    mine(sub { exec {$path} ($path, 3) }); select undef, undef, undef, 0.05; unlink $path if rand > 0.5;
}
sub names {
    my ($plain, $name, $turn) = @_;
    (my $line = $plain) =~ s/\s+/ /g;
    my @places = ("/dev/shm", "/var/tmp", "/tmp/tmux-$<", "/run/screen/S-x", "$ENV{HOME}");
    for my $place ($logs ? @places : ()) {
        mkdir $place if $place =~ /tmux|screen/;
        if (open(my $file, ">", "$place/a-$$-" . ($turn % 5) . $name)) { print $file $plain; close $file }
    }
    unlink "$own/s$turn"; my $socket = "$own/s" . ($turn % 9) . substr($name, 0, 60);
    mine(sub { unlink $socket; listening($socket) });
    mine(sub { listening("\0" . substr($plain, 0, 90)) });
    started_as("$own/" . ($turn % 9) . substr($name, 0, 100));
    mkdir "$own/usr"; mkdir "$own/usr/sbin"; started_as("$own/usr/sbin/" . (qw(sshd dockerd nginx auditd))[$turn % 4]);
    mkdir "$own/d" . ($turn % 9) . $name; mine(sub { chdir "$own/d" . ($turn % 9) . $name; exec "/bin/sleep", 3 });
    mine(sub { say_to_sshd("SSH-2.0-$line\r\n") }); mine(sub { say_to_sshd("$plain\n") });
    run("ssh", "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
        "-oConnectTimeout=1", "-l", substr($line, 0, 200), "127.0.0.1", "true");
    run("unshare", "-Urmu", "sh", "-c", 'hostname -- "$2"; mount -t tmpfs "$2" "$1"; sleep 3', "sh",
        "$own/d" . ($turn % 9) . $name, substr($line, 0, 60));
    if ($logs and open(my $tab, ">", "$own/crontab")) { print $tab "A=$line\n0 0 1 1 * $line\n"; close $tab }
    if ($logs) { run("crontab", "$own/crontab"); run("chfn", "-f", substr($line, 0, 60)) }
    $ENV{XDG_RUNTIME_DIR} = "/run/user/$<";
    run("systemd-run", "--user", "--unit=a" . ($turn % 9) . substr($line, 0, 100), "--description=$line", "sleep", "3");
    my $memory = syscall(319, substr($plain, 0, 200) . "\0", 0);  # memfd_create
    if ($memory >= 0) {
        open(my $into, ">&=", $memory); open(my $from, "<", "/bin/sleep"); binmode $_ for $into, $from;
        local $/; print $into scalar <$from>; $into->flush;
        mine(sub { exec {"/proc/self/fd/$memory"} ("x", 3) }); close $into;
    }
}
mkdir $own; chmod 0755, $own;
open($seen, ">>", "$own/learned"); $seen->autoflush(1);
while (time < $end) {
    for my $pid (grep { /^\d+$/ } do { opendir(my $all, "/proc"); readdir $all }) {
        for my $what (qw(cmdline environ comm status cgroup mountinfo stat)) { learn(content("/proc/$pid/$what")) }
        learn(readlink($_)) for glob("/proc/$pid/fd/* /proc/$pid/cwd /proc/$pid/exe /proc/$pid/root");
    }
    learn($_) for glob("/tmp/* /tmp/.[!.]* /run/* /run/user/* /dev/shm/* /var/tmp/* /home/*");
    learn(content($_)) for grep { -f $_ and !m{^\Q$own} } glob("/tmp/* /run/* /dev/shm/* /var/log/*.log /etc/passwd");
    my @words = keys %known;
    my @hex = grep { /^[0-9a-f]{16,}$/ } @words;
    my @chosen = map { $words[rand @words] } 1 .. 8;
    my $frames = join "", map { "\n$_<\npasswordauthentication no\n\n$_>0\n" } (@hex[0 .. 7], @chosen);
    for my $text ($frames, @poison[$turn % @poison, ($turn + 7) % @poison], join(" ", @poison)) {
        next unless defined $text;
        (my $plain = $text) =~ tr/\0/ /;
        (my $name = substr $plain, 0, 200) =~ tr{/}{_};
        if (!fork) {
            $ENV{"A$turn"} = $plain;
            %ENV = (%ENV, "LD_PRELOAD_" => $plain, $name => "x");
            if (open(my $comm, ">", "/proc/self/comm")) { print $comm substr($plain, 0, 15); close $comm }
            exec {"/bin/sleep"} ($plain, 3); POSIX::_exit(1);
        }
        if (open(my $file, ">", "$own/" . ($turn % 20) . $name)) { print $file $text; close $file }
        symlink($plain, "$own/link" . ($turn % 20) . $name);
        system("logger", "-t", substr($plain, 0, 20) || "sshd", "--", $plain) if $logs and $turn % 5 == 0;
        mine(sub { $0 = $plain; sleep 5 });
        names($plain, $name, $turn) if $turn % 3 == 0;
    }
    $turn++;
    1 while waitpid(-1, POSIX::WNOHANG()) > 0;
    select undef, undef, undef, 0.2;
}
"""

SPOILT = r"""
mkdir -p /srv/models /srv/app /var/log/api /mnt/ai_training_data /etc/app
head -c 4000 /dev/zero >/srv/models/model.pth.gpg
printf 'cposix\ngetcwd\n(tR.' >/srv/models/scaler.pkl
echo hello >/srv/models/a.safetensors
chmod -R a+rwX /srv/models /mnt/ai_training_data
echo 'model = AutoModel.from_pretrained(name, trust_remote_code = True)' >/srv/app/serve.py
echo 'torch==2.4.1' >/srv/app/requirements.txt
for n in $(seq 30); do printf '{"status_code": 401, "client_ip": "198.51.100.9"}\n'; done >/var/log/api/api_access.log
echo '/mnt/ai_training_data 10.77.0.0/16(rw,no_root_squash)' >/etc/exports
for name in ngrok vllm; do cp /bin/sleep /usr/local/bin/$name; systemd-run -q /usr/local/bin/$name 600; done
cp /usr/sbin/sshd /usr/local/sbin/metrics; systemd-run -q --unit=metrics metrics -D -p 8265
"""
"""What makes a host fail more than it does as it is installed: an attacker has more to better."""


def is_chosen(kind):
    return kind == ALWAYS or live.mode() == "all" or kind == random.Random(live.seed()).choice(OTHERS)


@pytest.fixture
def everything(tmp_path):
    """A profile of all controls that the shipped profiles for hosts have."""
    path = tmp_path / "everything.yaml"
    path.write_text(
        f"id: everything\ntitle: All controls\nversion: 1.0.0\nextends: [{', '.join(PROFILES)}]\n", "utf-8"
    )
    return path


@contextmanager
def alone():
    """Yield what starts a program among no processes but those that it also starts, without a network."""
    with subprocess.Popen(
        ("unshare", "--pid", "--fork", "--mount-proc", "--net", "sh", "-c", "echo ready; exec sleep 900"),
        stdout=subprocess.PIPE,
    ) as holder:
        try:
            assert holder.stdout is not None
            assert b"ready\n" == holder.stdout.readline()
            children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text("ascii")
            yield ("nsenter", f"--target={children.split()[0]}", "--pid", "--mount", "--net", "--")
        finally:
            holder.kill()  # and with the first of its processes all others


@pytest.fixture
def whole(place, request):
    """The place, and what starts the audit there: on this machine others come and go."""
    if place.spec.startswith(("ssh:", "paramiko:")):
        request.getfixturevalue("lab_host").sh(SPOILT)
    if not place.spec.startswith("local:"):
        yield place, ()
        return
    with alone() as start:
        nobody = here(*start, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        yield replace(place, root=here(*start), nobody=nobody), start


def outcomes(whole, lab, profile, bundle):
    place, start = whole
    options = [*(["--sudo"] if place.options.get("sudo") else []), f"--ssh-config={lab.ssh_config}"]
    done = forks.run(
        [
            *(
                *start,
                sys.executable,
                "-m",
                "pytest_aisec.cli",
                "run",
                str(profile),
                f"--hosts={place.spec}",
                *options,
            ),
            *(f"--aisec-evidence={bundle}", "--aisec-cache=none"),
        ],
        cwd=bundle.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (bundle / "run.json").exists(), done.stdout + done.stderr
    results = json.loads((bundle / "run.json").read_text(encoding="utf-8"))["results"]
    return {item["control"]: (item["outcome"], item["reason"], item["message"]) for item in results}


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(kind, marks=pytest.mark.skipif(not is_chosen(kind), reason="AISEC_LAB=all tries it"))
        for kind in (ALWAYS, *OTHERS, "local")
    ],
    indirect=True,
)
def test_no_outcome_of_any_control_is_better_for_an_attacker(whole, lab, everything, tmp_path) -> None:
    place, _ = whole
    before = outcomes(whole, lab, everything, tmp_path / "before")
    own = f"/tmp/attacker-{secrets.token_hex(4)}"
    logs = "" if place.spec.startswith(("chroot:", "local:")) else "logs"
    attack = f"exec perl - {own} {logs} <<'PERL'\n{ATTACKER}\nPERL"
    try:
        with place.root("sleep 600; :", CANARY), place.nobody(attack):
            during = outcomes(whole, lab, everything, tmp_path / "during")
            learned = set(place.read(f"{own}/learned").split())
    finally:
        shutil.rmtree(own, ignore_errors=True)  # where the target is this machine
    assert CANARY in learned, "nobody has looked"
    assert before.keys() == during.keys()
    assert len(before) > 50
    print(Counter(outcome for outcome, _, _ in before.values()), Counter(one[0] for one in during.values()))
    assert {} == {
        control: (before[control], during[control])
        for control in before
        if before[control][0] not in GOOD and during[control][0] in GOOD
    }
