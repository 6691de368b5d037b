import pytest

NOT_RUN = "not_run"


@pytest.fixture(autouse=True)
def private(monkeypatch, tmp_path_factory):
    """Where runs keep what they need only while they run: it must be empty in the end."""
    directory = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(directory))
    yield directory
    assert [] == sorted(directory.iterdir())


def is_whole(ended, planned):
    counts = dict(ended.run["ledger"])
    assert counts.pop("planned") == planned == sum(counts.values())
    assert "manifest.json" in {path.name for path in ended.bundle.iterdir()}
    assert [ended.bundle.name] == [
        path.name for path in ended.bundle.parent.iterdir() if "evidence" in path.name
    ]
    return True


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
class TestWithAndWithoutWorkers:
    def test_what_k_deselects_is_not_run(self, audit, pack, workers):
        pack.control("01")
        pack.control("02")
        ended = audit("-k", "acme_tst_02", *workers)
        assert ended.outcomes == {"01": NOT_RUN, "02": "passed"}
        assert is_whole(ended, 2)
        assert ended.code == 10

    def test_what_comes_after_x_is_not_run(self, audit, pack, workers):
        pack.control("01", 'assert host.check_output("echo a") == "b"')
        for number in range(2, 30):
            pack.control(
                f"{number:02}", f'time.sleep(0.05)\nhost.check_output("echo {number}")', head="import time"
            )
        ended = audit("-x", *workers)
        assert ended.outcomes["01"] == "failed"
        assert ended.outcomes["29"] == NOT_RUN
        assert is_whole(ended, 29)
        assert ended.code == 1

    def test_errors_count_towards_maxfail(self, audit, pack, workers):
        for number in range(1, 30):
            slow = f'time.sleep(0.05)\nhost.run("echo {number}")'
            pack.control(f"{number:02}", '{}["x"]' if number < 3 else slow, head="import time")
        ended = audit("--maxfail=2", *workers)
        assert ("error", "error") == (ended.outcomes["01"], ended.outcomes["02"])
        assert ended.outcomes["29"] == NOT_RUN
        assert is_whole(ended, 29)
        assert ended.code == 10

    def test_ctrl_c_leaves_what_was_judged_until_then(self, interrupt, pack, tmp_path, workers):
        marker = tmp_path / "began"
        pack.control("01")
        pack.control("02", f'host.run("touch {marker}; sleep 60")', marks='@pytest.mark.xdist_group("b")')
        pack.control("03", f'host.run("while [ ! -e {marker} ]; do sleep 0.1; done; sleep 60")')
        ended = interrupt(marker, *workers)
        assert ended.outcomes["02"] in {NOT_RUN, "error"}
        assert ended.outcomes["03"] in {NOT_RUN, "error"}
        assert is_whole(ended, 3)
        assert (ended.code, "Traceback" in ended.text) == (10, False), ended.text[-2000:]

    def test_ctrl_c_never_ends_as_passed(self, interrupt, pack, pytester, tmp_path, workers):
        marker = tmp_path / "began"
        pack.control("01")
        # Python notices a signal that comes just before one long sleep only after it.
        mine = pytester.makepyfile(
            test_mine=f"import pathlib, time\ndef test_mine():\n    pathlib.Path({str(marker)!r}).touch()\n"
            "    while True: time.sleep(0.1)"
        )
        ended = interrupt(marker, str(pack.path / "controls"), str(mine), *workers)
        assert is_whole(ended, 1)
        assert ended.code == (2 if ended.outcomes["01"] == "passed" else 10)


def test_workers_heed_ctrl_c_once_they_have_started(audit, pack):
    held = "signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set())"
    is_worker = '("PYTEST_XDIST_WORKER" in os.environ)'
    body = f"assert (AT_FIRST, {held}) == ({is_worker}, False)"
    pack.control("01", f'host.check_output("true")\n{body}', head=f"import signal\nAT_FIRST = {held}")
    ended = audit("-n", "2", new=True)
    assert ended.outcomes == {"01": "passed"}, ended.text


KILLS_ITS_WORKER = 'os._exit(0) if "PYTEST_XDIST_WORKER" in os.environ else host.run("true")'
"""As the system does to a worker that takes too much memory; the collector has asked before."""


def test_a_control_that_kills_its_worker_is_not_run_and_the_others_are(audit, pack):
    pack.control("01")
    pack.control("02", KILLS_ITS_WORKER)
    pack.control("03")
    ended = audit("-n", "2")
    assert ended.outcomes == {"01": "passed", "02": NOT_RUN, "03": "passed"}
    assert ended.results["ACME-TST-02"]["reason"] == "the process that evaluated it crashed"
    assert is_whole(ended, 3)
    assert ended.code == 10


def test_workers_that_all_die_leave_the_rest_not_run(audit, pack):
    for number in range(1, 7):
        pack.control(f"{number:02}", KILLS_ITS_WORKER)
    ended = audit("-n", "2", "--max-worker-restart=0")
    assert set(ended.outcomes.values()) == {NOT_RUN}
    assert is_whole(ended, 6)
    assert ended.code == 10


def test_a_test_of_ones_own_that_kills_its_worker_is_not_exit_0(audit, pack, pytester):
    pack.control("01")
    mine = pytester.makepyfile(test_mine="import os\ndef test_mine(): os._exit(0)")
    ended = audit("-n", "2", pack.path / "controls", mine)
    assert ended.outcomes == {"01": "passed"}
    assert ended.code == 1


def test_a_failing_test_of_ones_own_is_not_exit_0(audit, pack, pytester):
    pack.control("01")
    mine = pytester.makepyfile(test_mine="def test_mine(): assert False")
    ended = audit(pack.path / "controls", mine)
    assert ended.run["verdict"]["gate"] == "passed"
    assert ended.code == 1


def test_a_test_file_of_ones_own_that_cannot_be_imported_is_not_exit_0(audit, pack, pytester):
    pack.control("01")
    mine = pytester.makepyfile(test_mine="import nowhere_to_be_found")
    assert audit(pack.path / "controls", mine).code == 10
    ended = audit(
        pack.path / "controls", mine, "--continue-on-collection-errors", evidence=pytester.path / "second"
    )
    assert ended.outcomes == {"01": "passed"}
    assert ended.code == 1


def test_an_internal_error_of_another_plugin_is_not_exit_0(audit, pack, pytester):
    pack.control("01")
    pytester.makeconftest(
        "def pytest_runtest_logfinish(nodeid):\n    if 'mine' in nodeid: raise OSError('x')"
    )
    mine = pytester.makepyfile(test_mine="def test_mine(): pass")
    ended = audit(pack.path / "controls", mine)
    assert ended.outcomes == {"01": "passed"}
    assert ended.code == 3


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_a_file_that_is_not_there_is_refused_and_nothing_is_written(audit, pack, workers):
    pack.control("01")
    ended = audit(pack.path / "controls", "nowhere.py", *workers)
    assert ended.code == 4
    assert "nowhere.py" in ended.text
    assert not ended.bundle.exists()


def test_a_control_that_is_not_in_its_file_is_refused_and_nothing_is_written(audit, pack):
    ended = audit(f"{pack.control('01')}::test_nowhere")
    assert ended.code == 4
    assert not ended.bundle.exists()


def test_a_control_that_no_worker_finds_in_its_file_is_not_run(audit, pack):
    ended = audit(f"{pack.control('01')}::test_nowhere", "-n", "2")
    assert ended.outcomes == {"01": NOT_RUN}
    assert ended.code == 10
