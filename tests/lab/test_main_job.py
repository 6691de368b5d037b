"""The product in one line, against real hosts."""

import time

import pytest

from tests.support.hardened import DECLARED, PROFILE, audit, harden, outcomes


@pytest.fixture
def pair(lab_hosts):
    good, bad = lab_hosts(2)
    harden(good)
    harden(bad)
    bad.sh("chmod 0755 /srv/models; chmod 0777 /mnt/ai_training_data")
    return good, bad


def test_one_hardened_and_one_broken_host(lab, pair, tmp_path) -> None:
    good, bad = pair
    done, run = audit(
        tmp_path,
        f"--aisec-profile={PROFILE}",
        f"--hosts={good.spec()},{bad.spec()}",
        f"--ssh-config={lab.ssh_config}",
        *DECLARED,
    )
    assert 1 == done.returncode, done.stdout + done.stderr
    assert {"passed"} | {"not_applicable"} >= set(outcomes(run, good.spec()).values()), done.stdout
    failed = {control for control, outcome in outcomes(run, bad.spec()).items() if outcome == "failed"}
    assert {"AISEC-ART-03", "AISEC-DAT-01"} == failed, done.stdout


def test_a_dead_host_costs_one_timeout_and_nothing_else(lab, pair, tmp_path) -> None:
    good, bad = pair
    dead = f"ssh://root@{lab.dead_address()}"
    started = time.monotonic()
    audit(
        tmp_path,
        f"--aisec-profile={PROFILE}",
        f"--hosts={good.spec()},{bad.spec()}",
        f"--ssh-config={lab.ssh_config}",
    )
    without = time.monotonic() - started
    started = time.monotonic()
    done, run = audit(
        tmp_path,
        f"--aisec-profile={PROFILE}",
        f"--hosts={good.spec()},{bad.spec()},{dead}",
        f"--ssh-config={lab.ssh_config}",
        "--aisec-connect-timeout=4",
    )
    assert 1 == done.returncode
    assert {"error"} == set(outcomes(run, dead).values())
    assert {"unreachable"} == {item["reason"] for item in run["results"] if item["host"] == dead}
    assert time.monotonic() - started < 2 * without + 4 + 4


def test_nothing_that_failed_as_root_passes_unprivileged(lab, pair, tmp_path) -> None:
    _, bad = pair
    arguments = [f"--aisec-profile={PROFILE}", f"--ssh-config={lab.ssh_config}", *DECLARED]
    _, as_root = audit(tmp_path, f"--hosts={bad.spec()}", *arguments)
    _, as_auditor = audit(tmp_path, f"--hosts={bad.spec('auditor')}", *arguments)
    failed = {control for control, outcome in outcomes(as_root, bad.spec()).items() if outcome == "failed"}
    passed = {
        control
        for control, outcome in outcomes(as_auditor, bad.spec("auditor")).items()
        if outcome == "passed"
    }
    assert failed
    assert set() == failed & passed


def test_an_audit_changes_nothing_on_the_host(lab, pair, tmp_path) -> None:
    good, _ = pair
    before = good.changes()
    audit(
        tmp_path,
        f"--aisec-profile={PROFILE}",
        f"--hosts={good.spec()}",
        f"--ssh-config={lab.ssh_config}",
        *DECLARED,
    )
    assert before == good.changes()


def test_workers_share_what_they_ask(lab, pair, tmp_path) -> None:
    good, bad = pair
    arguments = [
        f"--aisec-profile={PROFILE}",
        f"--hosts={good.spec()},{bad.spec()}",
        f"--ssh-config={lab.ssh_config}",
        *DECLARED,
    ]
    one, alone = audit(tmp_path, *arguments)
    two, shared = audit(tmp_path, "-n", "2", *arguments)
    assert one.returncode == two.returncode
    for host in (good.spec(), bad.spec()):
        assert outcomes(alone, host) == outcomes(shared, host)
