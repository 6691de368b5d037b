"""One file that says what to audit: `pytest --aisec`, `aisec run` without a profile, `aisec config`."""

import json
import sys

import pytest

from tests.plugin.conftest import FAILS, Audited
from tests.support import forks

pytestmark = pytest.mark.slow

ROOT = "chroot:///"
"""This machine again, under another name."""


@pytest.fixture
def settings(tmp_path, pack):
    """Write aisec.toml, in a directory that is then the current one."""
    pack.control("01", "assert host.run('true').rc == 0")
    pack.control("02", "assert host.check_output('echo %s', word) == 'good'", params='word: str = "good"')
    pack.control("03", FAILS, severity="low")
    pack.profile("controls: {ACME-TST-01: {}, ACME-TST-02: {}}", name="web")
    pack.profile("controls: {ACME-TST-02: {}, ACME-TST-03: {}}", name="gpu")

    def write(text, name="aisec.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


TWO = f"""\
name = "acme-fleet"
title = "All of Acme"
path = ["pack"]
evidence = "evidence"

[groups.web]
profile = "web"
hosts = ["local://"]

[groups.gpu]
profile = "gpu"
hosts = ["{ROOT}"]
params = {{ word = "bad" }}
"""


@pytest.fixture
def fleet(tmp_path, settings):
    """Run something in the directory of aisec.toml."""
    settings(TWO)

    def run(*args, module="pytest"):
        head = ["--aisec"] if module == "pytest" else []
        done = forks.run(
            [sys.executable, "-m", module, *head, *map(str, args)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        bundles = sorted((tmp_path / "evidence").glob("*"))
        return Audited(
            code=done.returncode, text=done.stdout + done.stderr, bundle=bundles[-1] if bundles else None
        )

    return run


def outcomes(run):
    return {(item["host"], item["control"][-2:]): item["outcome"] for item in run["results"]}


EXPECTED = {
    ("local://", "01"): "passed",
    ("local://", "02"): "passed",
    (ROOT, "02"): "failed",
    (ROOT, "03"): "failed",
}


def test_each_group_is_judged_by_its_profile_and_its_parameters(fleet) -> None:
    done = fleet()
    assert (1, EXPECTED) == (done.code, outcomes(done.run))
    assert {"planned": 4, "passed": 2, "failed": 2} == done.ledger
    run = done.run
    assert [("web", "web"), ("gpu", "gpu")] == [(item["name"], item["profile"]) for item in run["groups"]]
    assert {"local://": "web", ROOT: "gpu"} == {item["name"]: item["group"] for item in run["hosts"]}
    assert "acme-fleet" == run["run"]["profile"]
    assert done.bundle.name.endswith("Z-acme-fleet")
    assert {"web": "good", "gpu": "bad"} == {
        item["group"]: item["params"]["word"] for item in run["controls"] if item["id"] == "ACME-TST-02"
    }
    for line in ("2 groups of acme-fleet, 3 controls on 2 hosts", "web: profile web 1, 1 host"):
        assert line in done.text


@pytest.mark.parametrize("more", [(), ("--aisec-no-waves",)])
def test_a_host_is_asked_nothing_but_what_its_group_needs(fleet, more) -> None:
    done = fleet(*more)
    again = fleet(*more)
    for bundle in {done.bundle, again.bundle}:
        asked = {
            name: (bundle / "transcripts" / file).read_text()
            for name, file in (("web", "local.jsonl"), ("gpu", "chroot__-17bbd065.jsonl"))
        }
        assert {"web": (True, True, False), "gpu": (False, True, True)} == {
            name: ('"true"' in text, "echo good" in text or "echo bad" in text, '"echo a"' in text)
            for name, text in asked.items()
        }
        assert ("echo bad" in asked["web"], "echo good" in asked["gpu"]) == (False, False)


@pytest.mark.parametrize("more", [("-n", "2"), ("--aisec-no-waves",), ("-p", "no:randomly", "-v")])
def test_workers_and_single_questions_give_the_same(fleet, more) -> None:
    assert EXPECTED == outcomes(fleet(*more).run)


def test_aisec_run_without_a_profile_is_the_same_audit(fleet) -> None:
    # aisec run reads no configuration of pytest; the settings are not among that
    done = fleet("run", module="pytest_aisec.cli")
    assert (1, EXPECTED) == (done.code, outcomes(done.run))


def test_the_bundle_of_a_fleet_holds_and_gives_the_same_verdicts_again(fleet) -> None:
    bundle = fleet().bundle
    for more in ((), ("--replay", "--path", "pack")):
        done = fleet("verify", bundle, *more, module="pytest_aisec.cli")
        assert 0 == done.code, done.text
    done = fleet(f"--aisec-replay={bundle}")
    assert (1, EXPECTED) == (done.code, outcomes(done.run))


def test_a_fleet_may_be_observed_now_and_judged_later(fleet, tmp_path) -> None:
    done = fleet("collect", module="pytest_aisec.cli")
    assert (0, {"not_run"}) == (done.code, set(outcomes(done.run).values()))
    later = fleet("run", f"--aisec-replay={done.bundle}", module="pytest_aisec.cli")
    assert (1, EXPECTED) == (later.code, outcomes(later.run))


def test_hosts_of_the_file_give_way_to_those_of_a_bundle(fleet, settings) -> None:
    text = 'profile = "web"\nhosts = ["local://"]\npath = ["pack"]\nevidence = "evidence"\n'
    settings(text)
    bundle = fleet().bundle
    done = fleet("run", f"--aisec-replay={bundle}", module="pytest_aisec.cli")
    assert (0, ["local://"]) == (done.code, [host["name"] for host in done.run["hosts"]])
    # a bundle without groups says nothing of who is in which
    settings(TWO)
    done = fleet(f"--aisec-replay={bundle}")
    assert (4, True) == (done.code, "recorded host local:// is in no group of the settings" in done.problem)


def test_a_changed_group_of_a_host_is_found(fleet) -> None:
    bundle = fleet().bundle
    path = bundle / "run.json"
    path.write_text(path.read_text().replace('"group": "gpu"', '"group": "web"', 1))
    done = fleet("verify", bundle, module="pytest_aisec.cli")
    assert 1 == done.code
    assert "run.json" in done.text


def test_hosts_of_the_command_line_narrow_the_groups(fleet) -> None:
    done = fleet("--hosts=local://")
    assert (0, {"local://"}) == (done.code, {host for host, _ in outcomes(done.run)})
    assert ["web"] == [item["name"] for item in done.run["groups"]]


def test_a_host_in_no_group_is_refused(fleet) -> None:
    done = fleet("--hosts=ssh://gpu-7")
    assert 4 == done.code
    assert "--hosts ssh://gpu-7: no group of " in done.text
    assert None is done.bundle


def test_parameters_of_the_command_line_reach_the_groups_that_have_them(fleet) -> None:
    assert "passed" == outcomes(fleet("--aisec-param=word=good").run)[ROOT, "02"]
    done = fleet("--aisec-param=wort=good")
    assert (4, True) == (done.code, "unknown parameter 'wort'" in done.text)


def test_a_selection_may_leave_a_group_with_nothing(fleet) -> None:
    done = fleet("--aisec-select=ACME-TST-01")
    assert {("local://", "01"): "passed"} == outcomes(done.run)
    # what one group lacks takes nothing from another that has the rest
    done = fleet("--aisec-select=ACME-TST-01,ACME-TST-02")
    assert {key: value for key, value in EXPECTED.items() if key[1] != "03"} == outcomes(done.run)
    done = fleet("--aisec-select=ACME-TST-01,ACME-TST-99")
    assert (4, True) == (done.code, "--aisec-select ACME-TST-99" in done.text)
    done = fleet("--aisec-select=ACME-TST-99")
    assert (4, True) == (done.code, "--aisec-select ACME-TST-99" in done.text)


def test_a_host_in_two_groups_is_refused(fleet, settings) -> None:
    settings(TWO.replace(ROOT, "local://"))
    done = fleet()
    assert 4 == done.code
    assert "host local:// is in the groups web and gpu" in done.problem


def test_gates_of_profiles_that_differ_need_one_for_all(fleet, settings, pack) -> None:
    pack.profile("controls: {ACME-TST-03: {}}\ngate: {fail_on: critical, min_score: 0.1}", name="gpu")
    text = TWO.replace('params = { word = "bad" }\n', "")
    settings(text)
    done = fleet()
    assert 4 == done.code
    assert "the gates of groups web (profile 'web') and gpu (profile 'gpu') differ" in done.problem
    settings(text + '[gate]\nfail_on = "critical"\nmin_score = 0.5\n')
    done = fleet()
    assert (0, 0.5) == (done.code, done.run["policy"]["min_score"])


def test_one_profile_for_all_hosts_needs_no_groups(fleet, settings) -> None:
    settings('profile = "gpu"\npath = ["pack"]\nevidence = "evidence"\n[params]\nword = "bad"\n')
    done = fleet()
    assert (1, []) == (done.code, done.run["groups"])
    assert {("local://", "02"): "failed", ("local://", "03"): "failed"} == outcomes(done.run)
    assert "passed" == outcomes(fleet("--aisec-param=word=good").run)["local://", "02"]
    # the command line beats the file, and what the file sets for its own profile is then a mistake
    done = fleet("--aisec-profile=web", "--aisec-param=word=good")
    assert (0, {"01", "02"}) == (done.code, {control for _, control in outcomes(done.run)})


def test_pyproject_may_hold_the_settings(fleet, settings, tmp_path) -> None:
    (tmp_path / "aisec.toml").unlink()
    text = TWO.replace("[groups.", "[tool.pytest-aisec.groups.")
    settings(f'[project]\nname = "x"\n[tool.pytest-aisec]\n{text}', "pyproject.toml")
    assert EXPECTED == outcomes(fleet().run)


def test_waivers_of_the_file_hold_for_the_fleet(fleet, settings, tmp_path) -> None:
    settings(TWO.replace("evidence =", 'waivers = ["waivers.yaml"]\nevidence ='))
    waiver = "- {id: W-1, control: ACME-TST-02, hosts: ['*'], reason: r, approved_by: a@example.com, "
    (tmp_path / "waivers.yaml").write_text(waiver + "approved_on: 2026-01-01, expires: 2999-01-01}\n")
    run = fleet().run
    (waived,) = run["waivers"]
    assert ("active", 1, 1) == (waived["state"], waived["excuses"], waived["passes"])


def test_config_says_where_each_value_came_from(fleet, tmp_path) -> None:
    done = fleet("config", "--aisec-timeout=5", module="pytest_aisec.cli")
    assert 0 == done.code
    lines = done.text.splitlines()
    shown = dict(zip(lines[::2], (line.strip() for line in lines[1::2]), strict=True))
    at = f"{tmp_path}/aisec.toml"
    assert f"{at}:12" in shown['groups.gpu.params.word = "bad"'].replace(f"{at}:13", f"{at}:12")
    assert shown['groups.web.profile = "web"'].startswith(f"{at}:7")
    assert shown["timeout = 5.0"] == "--aisec-timeout"
    assert None is done.bundle


def test_nothing_to_audit_is_said_with_where_it_was_looked_for(fleet, tmp_path) -> None:
    (tmp_path / "aisec.toml").unlink()
    done = fleet()
    assert 4 == done.code
    assert "there is neither aisec.toml nor a pyproject.toml with [tool.pytest-aisec]" in done.problem


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('profile = "gpu"', 'profile = "gpo"'), ("aisec.toml:11", "unknown profile 'gpo'", "gpu")),
        (('word = "bad"', 'wort = "bad"'), ("aisec.toml:13", "'wort'", "word")),
        (("evidence =", "evidense ="), ("aisec.toml:4", "evidense", "evidence")),
        (("[groups.gpu]", "[groups.gpu"), ("aisec.toml:10", "not valid TOML")),
        ((f'hosts = ["{ROOT}"]', "hosts = []"), ("aisec.toml:12", "groups.gpu.hosts", "at least 1 item")),
        ((f'"{ROOT}"', '"sssh://x"'), ("aisec.toml:12", "sssh", "ssh")),
        (
            ('path = ["pack"]', 'path = ["pakc"]'),
            ("aisec.toml:3", "path: 'pakc'", "there is no such", "Did you mean pack?"),
        ),
        (
            ("[groups.web]\nprofile = ", "[groups.web]\nprofil = "),
            ("aisec.toml:7", "groups.web.profil", "profile"),
        ),
        (('name = "acme-fleet"', 'hosts = ["local://"]'), ("aisec.toml:1", "where there are groups")),
        (('name = "acme-fleet"', "params = {a = 1}"), ("aisec.toml:1", "where there are groups")),
        (('name = "acme-fleet"', 'gate = {fail_on = "lo"}'), ("aisec.toml:1", "fail_on", "'lo'")),
    ],
)
def test_a_mistake_in_the_file_names_line_value_and_choices(fleet, settings, change, expected) -> None:
    settings(TWO.replace(*change))
    done = fleet()
    assert 4 == done.code
    assert "Traceback" not in done.text
    for text in expected:
        assert text in done.problem
    assert None is done.bundle


def test_without_the_option_the_file_is_not_read(tmp_path, settings) -> None:
    settings("not TOML at all")
    (tmp_path / "test_x.py").write_text("def test_x(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "test_x.py"]
    done = forks.run(command, cwd=tmp_path, capture_output=True)
    assert 0 == done.returncode


def test_a_fleet_is_compared_with_an_earlier_run_host_by_host(fleet, tmp_path) -> None:
    first = fleet().bundle
    done = fleet(f"--aisec-baseline={first}", "--aisec-fail-on=regression", "--aisec-param=word=good")
    assert 0 == done.code
    (eased,) = done.run["comparison"]["eased"]
    assert ("ACME-TST-02", ROOT) == (eased["control"], eased["host"])
    assert [{"what": "ACME-TST-02.word", "before": "bad", "now": "good", "note": ""}] == [
        item for item in done.run["comparison"]["parameters"] if item["before"] != item["now"]
    ]
    assert json.loads((first / "inputs/plan.json").read_text())["members"] == {"local://": "web", ROOT: "gpu"}
