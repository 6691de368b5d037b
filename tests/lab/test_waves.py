"""Hosts are asked once: over one connection, with the same verdicts as one by one, and whatever breaks on the way."""

import itertools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_aisec.evidence.verify import verify
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.observe.transport.process import Stop
from pytest_aisec.observe.waves import Work, collect
from tests.support import forks
from tests.support.hardened import DECLARED, PROFILE, audit, harden, outcomes

QUICK = Limits(timeout=3, connect_timeout=3)


def verdicts(run, host):
    return {
        item["control"]: (item["outcome"], item["reason"]) for item in run["results"] if item["host"] == host
    }


def without_times(run):
    """What two runs on the same observations have in common."""
    run["run"].pop("finished_at")
    for result in run["results"]:
        result.pop("duration_ms")
    return run


def connections(host):
    """How many ssh log-ins the host has seen."""
    log = host.sh("journalctl -u ssh --no-pager -o cat").stdout
    return sum("Accepted publickey" in line for line in log.splitlines())


def collected(lab, specs, controls, *, limits=QUICK, note=lambda _found, _done: None):
    """Ask hosts in waves as a run does; return how each was asked, and the transcripts."""
    targets = resolve(HostOptions(hosts=",".join(specs), ssh_config=str(lab.ssh_config), limits=limits))
    transcripts = {target.name: Transcript() for target in targets}
    stop = Stop()

    def work(target):
        return Work(
            name=target.name,
            open=lambda: target.observed(transcripts[target.name], limits, stop),
            close=target.disconnect,
        )

    try:
        found = collect([work(target) for target in targets], controls, workers=32, stop=stop, note=note)
    finally:
        stop.close()
    return found, transcripts


@pytest.fixture
def options(lab):
    return [f"--aisec-profile={PROFILE}", f"--ssh-config={lab.ssh_config}", *DECLARED]


@pytest.fixture
def hardened(lab_host):
    harden(lab_host)
    return lab_host


def test_a_host_gets_one_connection_for_a_whole_audit(options, hardened, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen = [connections(hardened)]
    for more in ((), (), ("-n", "2"), ("--aisec-no-waves",)):
        _, run = audit(tmp_path, f"--hosts={hardened.spec()}", *options, *more)
        assert run["ledger"]["error"] == 0
        seen.append(connections(hardened))
    assert [1, 1, 1, 1] == [after - before for before, after in itertools.pairwise(seen)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [("--aisec-param=nonesuch=1", 4), ("--aisec-select=AISEC-XYZ-*", 4), ("--hosts=ssh://a b", 4)],
)
def test_a_wrong_command_line_leaves_no_connection(options, lab_host, tmp_path, wrong, code) -> None:
    done, run = audit(tmp_path, f"--hosts={lab_host.spec()}", *options, wrong)
    assert code == done.returncode, done.stdout + done.stderr
    assert run is None
    assert "Traceback" not in done.stderr
    assert "" == lab_host.sh("pgrep -f '^sshd: root@notty' || true").stdout


def test_what_is_only_listed_is_not_contacted(options, lab_host, tmp_path) -> None:
    before = connections(lab_host)
    done, _ = audit(tmp_path, f"--hosts={lab_host.spec()}", *options, "--collect-only", "-q")
    assert 0 == done.returncode, done.stdout
    done, _ = audit(tmp_path, f"--hosts={lab_host.spec()}", *options, "--aisec-profile=traning-node")
    assert 4 == done.returncode, done.stdout
    assert before == connections(lab_host)


def test_waves_no_waves_and_replay_come_to_the_same_run(options, hardened, tmp_path) -> None:
    hosts = f"--hosts={hardened.spec()}"
    _, waves = audit(tmp_path, hosts, *options)
    _, one_by_one = audit(tmp_path, hosts, *options, "--aisec-no-waves")
    assert verdicts(waves, hardened.spec()) == verdicts(one_by_one, hardened.spec())
    assert {"passed", "not_applicable"} == set(outcomes(waves, hardened.spec()).values())


def test_a_bundle_is_replayed_where_there_is_neither_network_nor_ssh(options, hardened, tmp_path) -> None:
    bundle = tmp_path / "bundle"
    _, _ = audit(tmp_path, f"--hosts={hardened.spec()}", *options, f"--aisec-evidence={bundle}")
    live = json.loads((bundle / "run.json").read_text(encoding="utf-8"))
    hardened.close()
    again = tmp_path / "again"
    command = [sys.executable, "-m", "pytest", f"--aisec-profile={PROFILE}", *DECLARED]
    done = subprocess.run(
        ["unshare", "--net", *command, f"--aisec-replay={bundle}", f"--aisec-evidence={again}"],
        cwd=tmp_path,
        env={**os.environ, "PATH": _only(tmp_path, "unshare")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    replayed = json.loads((again / "run.json").read_text(encoding="utf-8"))
    assert without_times(live) == without_times(replayed)
    assert (bundle / "transcripts").is_dir()
    assert _files(bundle / "transcripts") == _files(again / "transcripts")


def _only(directory, *programs):
    """Make a directory for the search path that holds nothing but these programs."""
    place = directory / "programs"
    place.mkdir()
    for program in programs:
        (place / program).symlink_to(shutil.which(program))
    return str(place)


def _files(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def collect_script():
    """Return the script for what the run before it has learned."""
    return forks.run(
        [sys.executable, "-m", "pytest_aisec.cli", "collect-script", PROFILE, *DECLARED],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_script_carried_to_a_host_without_ssh_gives_the_same_verdicts(
    options, hardened, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _, over_ssh = audit(tmp_path, f"--hosts={hardened.spec()}", *options)
    script = collect_script()
    # Without /run/sshd, which systemd takes away, `sshd -T` says nothing.
    hardened.sh("systemctl mask --now --runtime ssh.socket ssh.service; mkdir -p /run/sshd")
    before = hardened.changes()
    printed = hardened.sh(f"sh -c {shlex.quote(script)}").stdout
    assert before == hardened.changes()
    (tmp_path / "printed").write_text(printed, encoding="utf-8")
    _, carried = audit(
        tmp_path, f"--aisec-profile={PROFILE}", *DECLARED, f"--aisec-import={tmp_path / 'printed'}"
    )
    (host,) = {item["host"] for item in carried["results"]}
    assert f"collected://{hardened.name}" == host
    assert verdicts(over_ssh, hardened.spec()) == verdicts(carried, host)
    assert {"passed", "not_applicable"} == set(outcomes(carried, host).values())


def test_half_of_what_a_script_printed_is_no_observation_never_a_guess(
    options, hardened, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _, over_ssh = audit(tmp_path, f"--hosts={hardened.spec()}", *options)
    script = collect_script()
    printed = hardened.sh(f"sh -c {shlex.quote(script)}").stdout
    expected = verdicts(over_ssh, hardened.spec())
    (tmp_path / "half").write_text(printed[: len(printed) // 2], encoding="utf-8")
    _, half = audit(tmp_path, f"--aisec-profile={PROFILE}", *DECLARED, f"--aisec-import={tmp_path / 'half'}")
    (host,) = {item["host"] for item in half["results"]}
    lost = {key for key, value in verdicts(half, host).items() if value == ("error", "no_observation")}
    assert lost
    assert {key: value for key, value in expected.items() if key not in lost} == {
        key: value for key, value in verdicts(half, host).items() if key not in lost
    }


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("mount -t tmpfs -o size=64k none /tmp; cat /dev/zero >/tmp/full", id="no room in /tmp"),
        pytest.param(
            "for d in /tmp /var/tmp /dev/shm /var/log /var/lib; do mount -t tmpfs -o size=64k none $d; cat /dev/zero >$d/full; done",
            id="no room anywhere",
        ),
        pytest.param("mount -t tmpfs -o noexec none /tmp", id="/tmp is noexec"),
        pytest.param(
            "mount -t tmpfs -o ro none /tmp; mount -t tmpfs -o ro none /var/tmp", id="/tmp is read-only"
        ),
        pytest.param("mount -o remount,ro /", id="the root is read-only"),
        pytest.param("rmdir /tmp || mv /tmp /tmp.gone", id="there is no /tmp"),
        pytest.param("ln -sf bash /bin/sh", id="sh is bash"),
        pytest.param("chsh -s /bin/bash root; echo 'echo HELLO; echo HELLO >&2' >/root/.bashrc", id="banner"),
        pytest.param("mv /usr/bin/timeout /usr/bin/timeout.gone", id="no timeout"),
    ],
)
def test_the_state_of_the_target_does_not_matter(lab, lab_host, state) -> None:
    spec = lab_host.spec()

    def seen():
        controls = {"one": _look}
        found, transcripts = collected(lab, [spec], controls)
        assert found[spec].fault is None
        return {item.command: (item.exit_status, item.stdout, item.fault) for item in transcripts[spec]}

    before = seen()
    lab_host.sh(state, check=False)
    assert before == seen()
    assert 5 < len(before)


def _look(host):
    """Ask several questions at once and then one that depends on them."""
    users = host.run("getent passwd root").stdout
    for number in range(5):
        host.run(f"printf '%s\\n' {number}; cat /etc/hostname; sed -n {number}p /etc/passwd")
    host.run("echo " + users.split(":")[0])


def test_a_host_that_dies_between_two_waves_keeps_what_was_seen(lab, lab_hosts) -> None:
    dying, living = lab_hosts(2)

    def control(host):
        host.run("echo " + host.run("echo 1").stdout.strip() + "1")

    def note(found, done):
        if not done and found.waves == 1 and found.name == dying.spec():
            dying.close()

    found, transcripts = collected(lab, [dying.spec(), living.spec()], {"c": control}, note=note)
    assert "unreachable" == found[dying.spec()].fault.reason
    assert ["echo 1"] == [item.command for item in transcripts[dying.spec()]]
    assert found[living.spec()].fault is None
    assert ["echo 1", "echo 11"] == [item.command for item in transcripts[living.spec()]]


def test_a_connection_cut_in_the_middle_of_an_answer_leaves_no_half_answer(lab, lab_host) -> None:
    spec = lab_host.spec()
    asked = "printf 'first\\n'; test -e /run/cut || { touch /run/cut; sleep 2; }; printf 'second\\n'"

    def cut():
        lab_host.sh("until test -e /run/cut; do sleep 0.05; done; pkill -KILL -f '^sshd: root@'", check=False)

    thread = threading.Thread(target=cut)
    thread.start()
    found, transcripts = collected(lab, [spec], {"c": lambda host: host.run(asked), "d": _look})
    thread.join()
    assert found[spec].fault is None
    (answer,) = [item for item in transcripts[spec] if item.command == asked]
    assert (b"first\nsecond\n", 0, None) == (answer.stdout, answer.exit_status, answer.fault)
    assert all(item.fault is None for item in transcripts[spec])


def test_a_connection_that_is_cut_again_and_again_is_an_error(lab, lab_host) -> None:
    spec = lab_host.spec()
    deadly = "echo half; kill -9 $(pgrep -f '^sshd: root@')"

    def control(host):
        assert host.run(deadly).stdout == "half\n"

    _, transcripts = collected(lab, [spec], {"c": control, "d": _look})
    (answer,) = [item for item in transcripts[spec] if item.command == deadly] or [None]
    assert answer is None or answer.fault is not None
    host = _observed(lab, spec, transcripts[spec])
    with pytest.raises(Unobservable):
        host.run(deadly)


def _observed(lab, spec, transcript):
    (target,) = resolve(HostOptions(hosts=spec, ssh_config=str(lab.ssh_config), limits=QUICK))
    return target.observed(transcript, QUICK)


def test_many_hosts_of_which_some_are_dead(lab, tmp_path, options) -> None:
    running = lab.hosts(19, boot="sshd")
    try:
        dead = f"ssh://root@{lab.dead_address()}"
        refusing = f"ssh://root@{lab.refusing_address()}"
        specs = [host.spec() for host in running]
        done, run = audit(
            tmp_path,
            f"--hosts={','.join([*specs, dead, refusing])}",
            "--aisec-connect-timeout=4",
            *options,
        )
    finally:
        for host in running:
            host.close()
    assert {"unreachable"} == {item["reason"] for item in run["results"] if item["host"] in {dead, refusing}}
    verdict = {json.dumps(verdicts(run, spec), sort_keys=True) for spec in specs}
    assert 1 == len(verdict), done.stdout
    assert not any(item["reason"] == "unreachable" for item in run["results"] if item["host"] in specs)


def test_ctrl_c_leaves_a_bundle_of_what_was_seen_and_no_connection(lab, hardened, tmp_path, options) -> None:
    bundle, log = tmp_path / "bundle", tmp_path / "log"
    hanging = f"ssh://root@{lab.hanging_address()}"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", f"--hosts={hardened.spec()},{hanging}", *options),
                *(f"--aisec-evidence={bundle}", "--aisec-connect-timeout=60", "-p", "no:cacheprovider"),
            ],
            cwd=tmp_path,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
    try:
        until = time.monotonic() + 60
        while not _is_asked(hardened):
            assert time.monotonic() < until
            assert process.poll() is None, log.read_text(encoding="utf-8")
        assert _children(process.pid)
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
        took = time.monotonic() - pressed
    finally:
        if process.poll() is None:
            process.kill()
    assert 10 == code, log.read_text(encoding="utf-8")
    assert took < 5
    assert () == verify(bundle).problems
    run = json.loads((bundle / "run.json").read_text(encoding="utf-8"))
    assert {"not_run"} == {item["outcome"] for item in run["results"]}
    seen = {host["name"]: host["observations"] for host in run["hosts"]}
    assert 0 == seen[hanging]
    assert 0 < seen[hardened.spec()]
    left = subprocess.run(
        ["pgrep", "-f", f"ssh .*{lab.hanging_address()}"], capture_output=True, text=True, check=False
    )
    assert "" == left.stdout


def _is_asked(host):
    """Whether a log-in on the host has come to its end."""
    log = host.sh("journalctl -u ssh --no-pager -o cat").stdout
    return "Disconnected from user root" in log or "session closed for user root" in log


def _children(pid):
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for task in tasks for child in task.read_text(encoding="ascii").split()]
