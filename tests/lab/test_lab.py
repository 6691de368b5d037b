"""The lab itself: hosts are real, fresh and apart, and nothing of them stays."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import testinfra

from pytest_aisec.testing.labkit import LabError, LabUnavailableError, debian, image, kernel, scope
from pytest_aisec.testing.labkit.engines import Container
from pytest_aisec.testing.labkit.lab import Lab, LabHost
from tests.support.lab_fixtures import give_up

PATIENCE = 20.0  # seconds for something that must happen
NO_WAY_OUT = ("192.0.2.1", 80)  # an address for documentation: nobody has it

RUN_A_LAB = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it
signal.signal(signal.SIGINT, signal.default_int_handler)  # likewise
from pytest_aisec.testing.labkit.lab import Lab
with Lab(rtt=0.001) as lab, lab.host() as host:
    print(lab.name, lab._scope._guard.pid, host.pid, flush=True)
    sys.stdin.read()
"""


def ssh(lab: Lab, host: LabHost, user: str, command: str) -> subprocess.CompletedProcess[str]:
    target = f"{user}@{host.address}"
    return subprocess.run(
        ["ssh", "-F", lab.ssh_config, "-o", "BatchMode=yes", target, command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def connecting_takes(lab: Lab, address: str) -> float:
    """The shortest of some attempts, in seconds."""
    times = []
    for _ in range(5):
        with lab.socket() as connection:
            start = time.perf_counter()
            connection.connect((address, 22))
            times.append(time.perf_counter() - start)
    return min(times)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@contextmanager
def lab_of_another_process() -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A process with a lab in which a host runs; its name and its guard."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN_A_LAB],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        name, guard, host = process.stdout.readline().split()
        assert kernel.started_at(int(host)) is not None
        try:
            yield process, name, int(guard)
        finally:
            process.kill()


# Hosts


@pytest.mark.parametrize("user", ["root", "auditor", "operator", "prompter", "ai_user"])
def test_a_fresh_host_lets_every_user_in(lab, lab_host, user) -> None:
    assert ssh(lab, lab_host, user, "id -un").stdout == f"{user}\n"


def test_testinfra_reaches_a_host(lab, lab_host) -> None:
    host = testinfra.get_host(lab_host.spec("auditor"), ssh_config=str(lab.ssh_config))
    assert host.user().name == "auditor"
    assert host.system_info.codename == "bookworm"


def test_sudo_differs_by_user(lab, lab_host) -> None:
    assert ssh(lab, lab_host, "operator", "sudo -n id -u").stdout == "0\n"
    assert "password is required" in ssh(lab, lab_host, "prompter", "sudo -n id -u").stderr
    answer = f"echo {image.PROMPTER_PASSWORD} | sudo -S id -u"
    assert ssh(lab, lab_host, "prompter", answer).stdout == "0\n"
    assert ssh(lab, lab_host, "auditor", "sudo -n id -u").returncode != 0


def test_ai_user_is_in_ai_team(lab_host) -> None:
    assert lab_host.sh("id -nG ai_user").stdout.split() == ["ai_user", "ai_team"]


def test_systemd_runs_with_every_service_up(lab_host) -> None:
    assert lab_host.sh("cat /proc/1/comm; systemctl is-system-running").stdout == "systemd\nrunning\n"
    assert lab_host.sh("systemctl is-active ssh cron rsyslog").stdout == "active\n" * 3


def test_a_host_can_be_an_sshd_alone(lab) -> None:
    with lab.host(name="bare", boot="sshd") as host:
        assert ssh(lab, host, "root", "hostname; test -d /run/systemd/system || echo none").stdout == (
            "bare\nnone\n"
        )


def test_there_is_no_python(lab_host) -> None:
    assert lab_host.sh("find / -xdev -name '*python*' \\( -perm /111 -o -type l \\) -type f").stdout == ""
    assert lab_host.sh("command -v python || command -v python3", check=False).returncode != 0


def test_sshd_is_configured_as_debian_ships_it(lab_host) -> None:
    assert lab_host.sh("dpkg --verify openssh-server sudo systemd").stdout == ""
    assert lab_host.sh("ls -A /etc/ssh/sshd_config.d").stdout == ""


def test_hosts_do_not_see_the_changes_of_one_another(lab, lab_hosts) -> None:
    one, other = lab_hosts(2)
    one.sh("echo changed > /etc/motd; rm /etc/crontab; useradd somebody")
    assert other.sh("cat /etc/motd").stdout != "changed\n"
    assert other.sh("test -e /etc/crontab && ! id somebody", check=False).returncode == 0
    with lab.host() as later:
        assert later.sh("test -e /etc/crontab && ! id somebody", check=False).returncode == 0


def test_no_two_hosts_have_the_same_key(lab, lab_hosts) -> None:
    one, other = lab_hosts(2)
    text = lab.known_hosts.read_text()
    text = text.replace(one.address + " ", "swapped ").replace(other.address + " ", one.address + " ")
    wrong = lab.ssh_config.with_name("wrong_known_hosts")
    wrong.write_text(text)
    done = lab.run(
        ["ssh", "-F", lab.ssh_config, "-o", f"UserKnownHostsFile={wrong}", f"root@{one.address}", "true"],
        check=False,
    )
    assert "Host key verification failed" in done.stderr


def test_a_host_can_set_its_own_network_but_not_the_machine(lab_host) -> None:
    lab_host.sh("sysctl -w net.ipv4.conf.all.accept_source_route=1")
    lab_host.sh("iptables -A OUTPUT -p tcp --dport 9 -j DROP && nft list ruleset | grep -q 'dport 9'")
    assert Path("/proc/sys/net/ipv4/conf/all/accept_source_route").read_text() == "0\n"
    assert lab_host.sh("sysctl -w kernel.randomize_va_space=2", check=False).returncode != 0
    assert lab_host.sh("echo b > /proc/sysrq-trigger", check=False).returncode != 0


def test_the_root_of_a_host_is_seen_from_outside(lab_host) -> None:
    lab_host.sh("echo inside > /srv/file")
    assert (lab_host.root / "srv/file").read_text() == "inside\n"
    (lab_host.root / "srv/other").write_text("outside\n")
    assert lab_host.sh("cat /srv/other").stdout == "outside\n"


def test_a_failing_script_is_an_error_that_shows_why(lab_host) -> None:
    with pytest.raises(LabError, match=r"ended with 3:\n(.|\n)*no luck"):
        lab_host.sh("echo no luck >&2; exit 3")
    assert lab_host.sh("exit 3", check=False).returncode == 3


def test_a_script_may_leave_a_daemon_but_not_hang(lab_host) -> None:
    assert lab_host.sh("sleep 600 & echo started", timeout=PATIENCE).stdout == "started\n"
    lab_host.sh("pgrep -x sleep")
    with pytest.raises(LabError, match=r"took more than 0\.2 s"):
        lab_host.sh("sleep 601", timeout=0.2)
    wait_until(lambda: lab_host.sh("pgrep -fx 'sleep 601'", check=False).returncode == 1)


# What changed


def test_logging_in_is_no_change(lab, lab_host) -> None:
    before = lab_host.changes()
    for user, command in [
        ("root", "cat /etc/shadow"),
        ("operator", "sudo -n true"),
        ("auditor", "ls -R /etc"),
    ]:
        ssh(lab, lab_host, user, command)
    assert lab_host.changes() == before


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("echo x > /tmp/left", "/tmp/left"),
        ("f=$(mktemp) && rm $f", "/tmp"),
        ("f=$(mktemp -p /dev/shm) && echo $f > /dev/shm/left", "/dev/shm/left"),
        ("touch /run/left", "/run/left"),
        ("echo x > /var/log/left", "/var/log/left"),
        ("rm /etc/crontab", "/etc/crontab"),
        ("chmod 600 /etc/crontab", "/etc/crontab"),
        ("chown auditor /etc/crontab", "/etc/crontab"),
        (
            "t=$(stat -c @%Y /etc/issue); tr D d < /etc/issue > /tmp/i; cat /tmp/i > /etc/issue; touch -d $t /etc/issue",
            "/etc/issue",
        ),
    ],
)
def test_every_other_change_is_seen(lab_host, script, path) -> None:
    before = lab_host.changes()
    lab_host.sh(script)
    after = lab_host.changes()
    assert after[path] != before.get(path)


# The network


def test_addresses_that_do_not_work(lab) -> None:
    with lab.socket() as connection:
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.connect((lab.dead_address(), 22))
    with lab.socket() as connection, pytest.raises(ConnectionRefusedError):
        connection.connect((lab.refusing_address(), 22))
    with lab.socket() as connection:
        connection.settimeout(30)
        connection.connect((lab.hanging_address(), 22))
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_there_is_no_way_out(lab, lab_host) -> None:
    with lab.socket() as connection, pytest.raises(OSError, match="unreachable") as caught:
        connection.connect(NO_WAY_OUT)
    assert caught.value.errno == errno.ENETUNREACH
    assert lab_host.sh("ip route show default").stdout == ""


def test_entering_moves_the_caller_and_what_it_starts(lab) -> None:
    def address() -> str:
        return subprocess.run(["ip", "-br", "addr"], capture_output=True, text=True, check=True).stdout

    with lab.enter():
        assert "10.77.0.1/16" in address()
        assert "10.77.0.1/16" in lab.run(["ip", "-br", "addr"]).stdout


def test_a_round_trip_takes_the_time_that_was_set(lab) -> None:
    with Lab(rtt=0.04) as slow:
        delayed = connecting_takes(slow, slow.hanging_address())
        with slow.host() as host:
            assert ssh_through(slow, host) == "root\n"
    assert delayed >= 0.04
    assert connecting_takes(lab, lab.hanging_address()) < delayed / 2


def ssh_through(lab: Lab, host: LabHost) -> str:
    return lab.run(["ssh", "-F", lab.ssh_config, f"root@{host.address}", "id -un"]).stdout


# The end


def test_nothing_is_left_of_a_host(lab) -> None:
    before = scope.leftovers(lab.name)
    host = lab.host()
    leader = host.pid
    assert len(scope.leftovers(lab.name)) > len(before)
    host.close()
    host.close()
    assert scope.leftovers(lab.name) == before
    assert kernel.started_at(leader) is None


def test_nothing_is_left_of_a_lab(lab) -> None:
    limit = Path("/proc/sys/fs/inotify/max_user_instances").read_text()
    other = Lab(rtt=0.001)
    with pytest.raises(LabError, match="ended with 1"), other:  # noqa: PT012  # the end is the point
        leaders = [host.pid for host in other.hosts(2)]
        assert scope.leftovers(other.name)
        other.host().sh("exit 1")
    assert scope.leftovers(other.name) == []
    assert [kernel.started_at(leader) for leader in leaders] == [None, None]
    assert Path("/proc/sys/fs/inotify/max_user_instances").read_text() == limit


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_is_left_when_its_process_is_killed(lab, number) -> None:
    with lab_of_another_process() as (process, name, guard):
        process.send_signal(number)
        process.wait(PATIENCE)
        wait_until(lambda: kernel.started_at(guard) is None)
        assert scope.leftovers(name) == []


def test_the_next_lab_sweeps_what_nobody_could(lab) -> None:
    with lab_of_another_process() as (process, name, guard):
        os.kill(guard, signal.SIGKILL)
        process.kill()
        process.wait(PATIENCE)
        assert scope.leftovers(name)
        with Lab():
            assert scope.leftovers(name) == []


def test_a_host_that_does_not_start_shows_its_console_and_is_gone(lab, monkeypatch) -> None:
    monkeypatch.setattr(LabHost, "_command", lambda *_: ["sh", "-c", "echo no such thing; exit 7"])
    before = scope.leftovers(lab.name)
    with pytest.raises(LabError, match=r"ended with 7 instead of starting(.|\n)*no such thing"):
        lab.host()
    assert scope.leftovers(lab.name) == before


# Containers and directories


def answers(spec: str, connection: str | None = None) -> str:
    return testinfra.get_host(spec, connection=connection).run("id -u; cat /etc/passwd | head -n 1").stdout


def test_podman_answers(lab_podman: Container) -> None:
    assert answers(lab_podman.spec).startswith("0\nroot:")
    assert '"Name": "lab"' in lab_podman.run("inspect", "lab").stdout


def test_docker_answers(lab_docker: Container) -> None:
    assert answers(lab_docker.spec).startswith("0\nroot:")
    assert '"Name": "/lab"' in lab_docker.run("inspect", "lab").stdout


def test_chroot_answers(lab_chroot: Path) -> None:
    assert answers(str(lab_chroot), "chroot").startswith("0\nroot:")
    (lab_chroot / "etc/passwd").write_text("")
    assert image.image().user("root")[0] == 0


def test_engines_leave_nothing(lab_chroot: Path) -> None:
    name = lab_chroot.relative_to(scope.RUN).parts[0]
    assert scope.leftovers(name)
    assert scope.teardown(name) == []


# Where there is no lab


def test_a_missing_lab_skips_with_one_line(monkeypatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"^no lab: the lab needs root$"):
        give_up(LabUnavailableError("the lab needs root"))


def test_a_missing_lab_fails_in_ci(monkeypatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"^no lab: the lab needs root$"):
        give_up(LabUnavailableError("the lab needs root"))


def test_a_lab_needs_root(monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabUnavailableError, match="root"), Lab():
        pass


def test_packages_are_looked_for_again_with_fresh_lists(monkeypatch) -> None:
    asked = []

    def apt(*arguments: str) -> subprocess.CompletedProcess[str]:
        asked.append(arguments[0])
        return subprocess.CompletedProcess(
            [], 100, "", "W: odd\nE: Unable to locate package nonesuch\nE: more\n"
        )

    monkeypatch.setattr(debian, "_apt", apt)
    with pytest.raises(LabUnavailableError) as caught:
        debian.ensure(["nonesuch", "coreutils"])
    assert str(caught.value) == "apt-get cannot install nonesuch: Unable to locate package nonesuch"
    assert asked == ["install", "update", "install"]


def test_what_is_installed_is_not_installed_again(monkeypatch) -> None:
    monkeypatch.setattr(debian, "_apt", lambda *_: pytest.fail("asked apt"))
    debian.ensure(["coreutils", "dpkg"])
    debian.ensure_commands({"sh": "nonesuch"})


def test_the_sources_of_the_machine_are_used_where_they_fit() -> None:
    kept = "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n"
    others = (
        "# deb http://a.example bookworm main\ndeb http://b.example bookworm stable\n"
        "deb http://c.example trixie main\ndeb-src http://d.example bookworm main\n"
    )
    assert image._one_line(others + kept) == kept
    stanza = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
    others = "Enabled: no\n" + stanza + "\n" + stanza.replace("bookworm ", "trixie ")
    assert image._deb822(f"{others}\n# ours\n{stanza}") == stanza
