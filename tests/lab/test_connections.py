"""Every connection asks real hosts, and says rightly why it could not."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_aisec.facts.artifacts.model_files import model_files
from pytest_aisec.facts.software.environments import search
from pytest_aisec.facts.system.listings import ENTRY_FORMAT, read_entry, trees
from pytest_aisec.facts.system.sockets import PROC_QUESTION, parse_proc, parse_ss, socket_table
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits

_OPEN = """
mkdir -p /srv/zoo/env/lib/site-packages /srv/zoo/models /srv/elsewhere
touch /srv/elsewhere/pyvenv.cfg
ln -s /srv/elsewhere /srv/zoo/out
printf 'GGUF\\003\\000\\000\\000' >/srv/zoo/models/w.gguf
chmod 666 /srv/zoo/models/w.gguf
"""
QUICK = Limits(timeout=3, connect_timeout=3, cap=1024 * 1024)


@pytest.fixture
def connect(lab):
    """Return a function that gives the observed host of a specification; connections are closed at the end."""
    opened = []

    def one(spec: str, *, limits: Limits = QUICK, **options):
        options.setdefault("ssh_config", str(lab.ssh_config))
        (target,) = resolve(HostOptions(hosts=spec, limits=limits, **options))
        opened.append(target)
        return target.observed(Transcript(), limits)

    yield one
    for target in opened:
        target.disconnect()


def refusal(host) -> tuple[str, float]:
    """Return the reason why a question has no answer, and how long that took."""
    started = time.monotonic()
    with pytest.raises(Unobservable) as caught:
        host.run("true")
    took = time.monotonic() - started
    with pytest.raises(Unobservable) as again:
        host.run("id -u")
    assert caught.value.reason == again.value.reason
    return caught.value.reason, took


@pytest.mark.parametrize("scheme", ["ssh", "safe-ssh", "paramiko"])
def test_ssh_connections_ask_the_host(connect, lab_host, scheme) -> None:
    host = connect(lab_host.spec().replace("ssh://", f"{scheme}://"))
    answer = host.run("hostname; echo oops >&2; exit 3")
    assert (3, lab_host.name.split(".")[0], "oops\n") == (answer.rc, answer.stdout.strip(), answer.stderr)


def test_a_whole_audit_takes_one_connection(connect, lab_host) -> None:
    host = connect(lab_host.spec())
    for number in range(20):
        host.run("echo %s", str(number))
    log = lab_host.sh(
        "journalctl -u ssh -u sshd --no-pager -o cat; cat /var/log/auth.log 2>/dev/null || true"
    ).stdout
    assert 1 == len(
        {line.split(" port ")[1].split()[0] for line in log.splitlines() if "Accepted publickey" in line}
    )


def test_an_unresolvable_host_is_unreachable(connect) -> None:
    assert "unreachable" == refusal(connect("ssh://no-such-host.invalid"))[0]


@pytest.mark.parametrize("scheme", ["ssh", "paramiko"])
def test_a_refused_port_is_unreachable(connect, lab, scheme) -> None:
    assert "unreachable" == refusal(connect(f"{scheme}://{lab.refusing_address()}"))[0]


@pytest.mark.parametrize("scheme", ["ssh", "paramiko"])
def test_a_dead_host_costs_one_timeout(connect, lab, scheme) -> None:
    reason, took = refusal(connect(f"{scheme}://{lab.dead_address()}"))
    assert "unreachable" == reason
    assert took < 3 * QUICK.connect_timeout


@pytest.mark.parametrize("scheme", ["ssh", "paramiko"])
def test_a_host_that_accepts_and_hangs_is_unreachable(connect, lab, scheme) -> None:
    reason, took = refusal(connect(f"{scheme}://{lab.hanging_address()}"))
    assert "unreachable" == reason
    assert took < QUICK.deadline + 20


@pytest.mark.parametrize("scheme", ["ssh", "paramiko"])
def test_a_wrong_host_key_is_refused(connect, lab, lab_host, tmp_path, scheme) -> None:
    other = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    public = other.with_suffix(".pub").read_text(encoding="utf-8").split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"{lab_host.address} {' '.join(public)}\n", encoding="utf-8")
    text = Path(lab.ssh_config).read_text(encoding="utf-8")
    wrong = tmp_path / "ssh_config"
    lines = [
        f"  UserKnownHostsFile {known}" if "UserKnownHostsFile" in line else line
        for line in text.splitlines()
    ]
    wrong.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "auth" == refusal(connect(lab_host.spec().replace("ssh:", f"{scheme}:"), ssh_config=str(wrong)))[0]


@pytest.mark.parametrize("scheme", ["ssh", "paramiko"])
def test_a_refused_key_is_auth(connect, lab_host, scheme) -> None:
    lab_host.sh("rm -f /root/.ssh/authorized_keys /root/.ssh/authorized_keys2")
    assert "auth" == refusal(connect(lab_host.spec().replace("ssh:", f"{scheme}:")))[0]


def test_sudo_that_asks_for_a_password_is_privilege(connect, lab_host) -> None:
    assert "privilege" == refusal(connect(lab_host.spec("prompter"), sudo=True))[0]


def test_sudo_without_a_password_sees_what_root_sees(connect, lab_host) -> None:
    host = connect(lab_host.spec("operator"), sudo=True)
    assert "0" == host.check_output("id -u")
    assert "root" == host.file("/etc/shadow").user


def test_an_unprivileged_user_cannot_prove_absence_where_he_cannot_look(connect, lab_host) -> None:
    lab_host.sh("mkdir -m 700 /srv/secret && touch /srv/secret/weights")
    host = connect(lab_host.spec("auditor"))
    with pytest.raises(Unobservable) as caught:
        assert not host.file("/srv/secret/weights").exists
    assert "privilege" == caught.value.reason
    assert not host.file("/srv/absent").exists


def test_a_banner_is_no_part_of_an_answer(connect, lab_host) -> None:
    lab_host.sh("echo 'echo WELCOME; echo BEWARE >&2' > /root/.bashrc; echo motd > /etc/motd")
    lab_host.sh("usermod -s /bin/bash root")
    answer = connect(lab_host.spec()).run("echo answer")
    assert ("answer\n", "") == (answer.stdout, answer.stderr)


def test_the_target_needs_no_python(connect, lab_host) -> None:
    host = connect(lab_host.spec())
    assert not host.exists("python3")
    assert 0o644 == host.file("/etc/passwd").mode


def test_a_huge_answer_is_truncated_and_the_host_can_still_be_asked(connect, lab_host) -> None:
    host = connect(lab_host.spec())
    with pytest.raises(Unobservable) as caught:
        host.run("head -c 100000000 /dev/zero")
    assert "truncated" == caught.value.reason
    assert "alive" == host.check_output("echo alive")


def test_a_command_without_end_is_a_timeout_and_leaves_no_process(connect, lab_host) -> None:
    host = connect(lab_host.spec())
    with pytest.raises(Unobservable) as caught:
        host.run("sleep 4711")
    assert "timeout" == caught.value.reason
    assert "" == lab_host.sh("pgrep -f 'sleep 471[1]' || true").stdout


def test_ansible_inventories_name_the_hosts(lab, lab_host, connect, tmp_path, monkeypatch) -> None:
    if shutil.which("ansible-inventory") is None:
        pytest.skip("Ansible is not installed")
    monkeypatch.setenv("ANSIBLE_LOCAL_TEMP", str(tmp_path / "ansible"))
    inventory = tmp_path / "hosts.ini"
    common = f"-F {lab.ssh_config}"
    inventory.write_text(
        f"[gpu]\nn1 ansible_host={lab_host.address} ansible_user=operator ansible_become=true "
        f"ansible_ssh_common_args='{common}'\n",
        encoding="utf-8",
    )
    host = connect("ansible://gpu", ansible_inventory=str(inventory), ssh_config=None)
    assert "ansible://n1" == host.backend.name
    assert "0" == host.check_output("id -u")


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_containers_with_busybox_alone_are_asked(request, connect, engine) -> None:
    container = request.getfixturevalue(f"lab_{engine}")
    host = connect(container.spec)
    assert "0" == host.check_output("id -u")
    assert host.file("/bin/sh").exists
    assert not host.file("/etc/absent").exists
    with pytest.raises(Unobservable) as caught:
        host.run("no-such-tool")
    assert "tool_missing" == caught.value.reason


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_sockets_are_seen_with_busybox_alone(request, connect, engine) -> None:
    container = request.getfixturevalue(f"lab_{engine}")
    container.run("exec", container.name, "httpd", "-p", "8123", "-h", "/tmp")  # goes on when it listens
    seen = [one for one in socket_table(connect(container.spec)).listeners if one.local_port == 8123]
    assert [("tcp *:8123", ("httpd",))] == [(one.where, one.processes) for one in seen]


def test_what_lies_open_is_found_with_busybox_alone(lab_podman, connect) -> None:
    lab_podman.run("exec", lab_podman.name, "sh", "-c", _OPEN)
    host = connect(lab_podman.spec)
    found = search(host, ["/srv/absent", "/srv/zoo"], f"-name site-packages -printf '{ENTRY_FORMAT}'")
    assert ["/srv/zoo/env/lib/site-packages"] == [read_entry(record).path for record in found.records]
    assert ("/srv/absent",) == found.absent
    assert ["/srv/zoo/out leads to /srv/elsewhere"] == [fault.detail.split(",")[0] for fault in found.faults]
    (file,) = model_files(host, ["/srv/zoo/models"]).files
    assert ("/srv/zoo/models/w.gguf", 0o666, "root", "gguf") == (file.path, file.mode, file.owner, file.kind)
    seen = trees(host, ["/srv/zoo/models"], "-perm /0002")
    assert ["/srv/zoo/models/w.gguf"] == [entry.path for entry in seen.matching]
    assert "access control lists" in seen.fault.detail  # which BusyBox cannot show


def test_all_readers_of_sockets_agree(connect, lab_host) -> None:
    host = connect(lab_host.spec("operator"), sudo=True)

    def listeners(table):
        return {
            (s.protocol, s.local_port, s.is_loopback, s.is_wildcard, s.processes) for s in table.listeners
        }

    by_ss = listeners(parse_ss(host.run("ss -tunap").stdout))
    assert by_ss
    assert by_ss == listeners(parse_proc(host.run(PROC_QUESTION).stdout))


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_a_container_that_is_not_there_is_unreachable(request, connect, engine) -> None:
    container = request.getfixturevalue(f"lab_{engine}")
    assert "unreachable" == refusal(connect(f"{container.spec}-absent"))[0]


def test_a_directory_is_asked_through_chroot(connect, lab_chroot) -> None:
    host = connect(f"chroot://{lab_chroot}")
    assert 0o644 == host.file("/etc/passwd").mode
    assert "root" == host.file("/etc/shadow").user
    assert not host.exists("python3")


def test_sockets_and_rules_of_the_auditing_machine_are_not_taken_for_those_of_a_directory(
    lab_chroot, tmp_path
) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text(
        "id: p\ntitle: P\nversion: 1.0.0\ndescription: P.\ncontrols: {AISEC-NET-02: {}, AISEC-NET-05: {}, AISEC-CTR-02: {}}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest_aisec.cli", "run", str(profile), "-q", "--aisec-evidence=b"]
    subprocess.run(
        [*command, f"--hosts=chroot://{lab_chroot}"], cwd=tmp_path, check=False, capture_output=True
    )
    results = json.loads((tmp_path / "b/run.json").read_text(encoding="utf-8"))["results"]
    assert {"not_applicable"} == {one["outcome"] for one in results}
    assert all("nothing runs in a directory" in one["reason"] for one in results)
    assert 3 == len(results)


def test_this_machine_is_asked(connect) -> None:
    host = connect("local://")
    assert Path("/etc/passwd").read_text(encoding="utf-8") == host.file("/etc/passwd").content_string
