import pytest

ENDINGS = {
    "passes": ('assert host.check_output("echo a") == "a"', "", "passed", ""),
    "fails": ('assert host.check_output("echo a") == "b"', "", "failed", ""),
    "pytest_fail": ('host.run("true"); pytest.fail("no")', "", "failed", ""),
    "raises": ('host.run("true"); {}["x"]', "", "error", "internal"),
    "raises_base_exception": ('host.run("true"); raise BaseException("x")', "", "error", "internal"),
    "leaves_pytest": ("raise SystemExit(0)", "", "error", "internal"),
    "asks_nothing": ("pass", "", "error", "no_observation"),
    "asks_nothing_and_does_not_apply": ('not_applicable("nothing there")', "", "error", "no_observation"),
    "does_not_apply": (
        'host.run("true"); not_applicable("nothing there")',
        "",
        "not_applicable",
        "nothing there",
    ),
    "pytest_skip": ('host.run("true"); pytest.skip("not here")', "", "not_applicable", "not here"),
    "pytest_skip_without_looking": ('pytest.skip("not here")', "", "error", "no_observation"),
    "skip_mark": ("assert False", '@pytest.mark.skip(reason="later")', "error", "no_observation"),
    "skipif_mark": ("assert False", '@pytest.mark.skipif(True, reason="later")', "error", "no_observation"),
    "imperative_xfail": ('host.run("true"); pytest.xfail("known")', "", "error", "internal"),
    "xfail_mark": ('assert host.check_output("echo a") == "b"', "@pytest.mark.xfail", "failed", ""),
    "xfail_mark_not_run": ('host.run("true")', "@pytest.mark.xfail(run=False)", "error", "internal"),
    "broken_fixture": (
        'host.run("true")',
        '@pytest.fixture\ndef broken(): raise OSError("x")\n@pytest.mark.usefixtures("broken")',
        "error",
        "internal",
    ),
    "asserting_fixture": (
        'host.run("true")',
        "@pytest.fixture\ndef broken(): assert 1 == 2\n@pytest.mark.usefixtures('broken')",
        "error",
        "internal",
    ),
    "unknown_fixture": ('host.run("true")', '@pytest.mark.usefixtures("nowhere")', "error", "internal"),
    "swallows_exceptions": (
        'try:\n    host.check_output("no-such-tool-at-all")\nexcept Exception:\n    pass',
        "",
        "error",
        "tool_missing",
    ),
    "unobservable": ('raise Unobservable("stale", "too old")', "", "error", "stale"),
    "testinfra_asserts": ('host.check_output("false")', "", "error", "unreadable"),
    "truncated": ('host.check_output("head -c 100000000 /dev/zero")', "", "error", "truncated"),
    "not_utf8": (
        r'assert host.run("printf %s", "\udcff\udcfe").stdout == "\udcff\udcfe"',
        "",
        "passed",
        "",
    ),
    "not_utf8_fails": (r'assert host.check_output(r"printf \\377") == ""', "", "failed", ""),
}


@pytest.fixture
def one(audit, pack):
    """Audit one control with this body and return its result and the whole run."""

    def run(body, *args, **given):
        pack.control("01", body, **given)
        ended = audit(*args)
        return ended.results["ACME-TST-01"], ended

    return run


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_has_its_one_outcome(one, name):
    body, marks, outcome, reason = ENDINGS[name]
    result, ended = one(body, marks=marks)
    assert (outcome, reason) == (result["outcome"], result["reason"]), result["message"]
    assert ended.ledger == {"planned": 1, outcome: 1}
    assert {"passed": 0, "not_applicable": 10, "failed": 1, "error": 10}[outcome] == ended.code
    assert "Traceback" not in ended.text
    assert "INTERNALERROR" not in ended.text


def test_a_control_for_another_platform_does_not_apply(one):
    result, ended = one("assert False", extra='platforms=["windows"],')
    assert result["outcome"] == "not_applicable"
    assert result["reason"] == "the host is linux, the control is for windows"
    assert ended.code == 10


def test_a_comparison_shows_what_was_expected_and_what_was_observed(one):
    result, ended = one('assert host.check_output("echo a") == "b"')
    assert ("b", "a") == (result["expected"], result["observed"])
    assert 'expected: "b"' in ended.text
    assert "remediation: Mend it." in ended.text


def test_bytes_that_are_not_utf8_do_not_break_the_evidence(one):
    _, ended = one(r'assert host.check_output(r"printf \\377\\033[31m") == ""')
    assert ended.code == 1
    assert "\x1b[31m" not in ended.text
    for path in ended.bundle.rglob("*"):
        assert path.is_dir() or path.read_bytes().decode("utf-8")


def test_a_mistake_in_the_teardown_of_a_control_is_not_exit_0(one):
    head = '@pytest.fixture\ndef leaves():\n    yield\n    raise OSError("x")\n'
    result, ended = one('host.run("true")', head=head, marks='@pytest.mark.usefixtures("leaves")')
    assert result["outcome"] == "passed"
    assert ended.code == 1


def test_a_control_that_is_evaluated_twice_counts_with_its_worse_outcome(one):
    head = '@pytest.fixture(params=["a", "b"], autouse=True)\ndef word(request):\n    os.environ["WORD"] = request.param\n'
    result, ended = one('assert host.check_output("echo a") == os.environ["WORD"]', head=head)
    assert result["outcome"] == "failed"
    assert ended.ledger == {"planned": 1, "failed": 1}
    assert ended.code == 1


def test_python_that_drops_assertions_is_refused(audit, pack):
    pack.control("01", 'word = host.check_output("echo a")\nassert word == "b"')
    ended = audit("--assert=plain", python=["-O"])
    assert ended.code == 4
    assert "assert" in ended.problem
    assert not ended.bundle.exists()


def test_plain_assertions_judge_alike(one):
    result, ended = one('assert host.check_output("echo a") == "b"', "--assert=plain")
    assert result["outcome"] == "failed"
    assert ended.code == 1


@pytest.mark.parametrize("host", ["ssh://127.0.0.1:1", "ssh://nowhere.invalid", "paramiko://127.0.0.1:1"])
def test_a_dead_host_makes_all_its_controls_errors_at_once(audit, pack, host):
    for number in range(10):
        pack.control(f"{number:02}")
    ended = audit(f"--hosts={host}", "--aisec-connect-timeout=5")
    assert {(item["outcome"], item["reason"]) for item in ended.run["results"]} == {("error", "unreachable")}
    assert ended.ledger == {"planned": 10, "error": 10}
    assert ended.code == 10


def test_a_dead_host_does_not_hide_the_others(audit, pack):
    pack.control("01")
    ended = audit("--hosts=ssh://127.0.0.1:1,local://")
    assert {item["host"]: item["outcome"] for item in ended.run["results"]} == {
        "local://": "passed",
        "ssh://127.0.0.1:1": "error",
    }
    assert ended.code == 10
