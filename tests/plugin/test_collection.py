import textwrap

import pytest

from tests.plugin.conftest import FAILS

RAISES = 'raise SystemExit("this must not be executed")\n'


@pytest.fixture(autouse=True)
def _two_controls(pack):
    pack.control("01")
    pack.control("02")


def test_an_empty_directory_is_enough(audit, pytester):
    ended = audit()
    assert ended.outcomes == {"01": "passed", "02": "passed"}
    assert ended.code == 0
    assert {".pytest_cache"} >= {path.name for path in pytester.path.iterdir()}


def test_only_planned_controls_are_evaluated(audit, pack):
    pack.control("03", "pathlib.Path('ran').touch()")
    pack.profile("controls: {ACME-TST-02: {}}")
    ended = audit()
    assert ended.outcomes == {"02": "passed"}
    assert not (pack.path / "ran").exists()


def test_a_plain_test_beside_the_controls_of_a_pack_is_not_run(audit, pack, pytester):
    (pack.path / "controls" / "tst" / "test_plain.py").write_text(
        f"import pathlib\ndef test_plain(): pathlib.Path({str(pytester.path / 'ran')!r}).touch()\n"
    )
    assert audit().code == 0
    assert not (pytester.path / "ran").exists()


@pytest.mark.parametrize(("more", "times"), [((), 1), (("-n", "2"), 3)], ids=["alone", "two workers"])
def test_a_control_file_is_executed_once_in_each_process(audit, pack, tmp_path, more, times):
    """Before: twice, by the catalog and by pytest."""
    note = f"with open({str(tmp_path / 'executed')!r}, 'a') as log: log.write('x')"
    pack.control("01", head=f"{note}\nimport warnings; warnings.warn('old things')")
    ended = audit(*more)
    assert {"01": "passed", "02": "passed"} == ended.outcomes
    assert times * "x" == (tmp_path / "executed").read_text()
    assert "UserWarning: old things" in ended.text


def test_what_fails_says_what_was_compared(audit, pack):
    """Assertions of controls are rewritten, and a comparison is one of the control that is evaluated."""
    pack.control("01", 'assert host.check_output("echo a").split() == ["b"]')
    for args in ((), ("--aisec-no-waves",)):
        ended = audit(*args, evidence=pack.path / "".join(["bundle", *args]))
        assert (["a"], ["b"]) == tuple(ended.results["ACME-TST-01"][key] for key in ("observed", "expected"))


def test_of_our_controls_those_of_the_plan_alone_are_imported(audit, pack):
    names = "sorted(pathlib.Path(m.__file__).name for m in sys.modules.values() if '/controls/' in str(getattr(m, '__file__', '')))"
    pack.control("01", f'host.run("true")\nassert {names} == []', head="import sys")
    pack.profile("controls: {ACME-TST-01: {}, AISEC-HST-02: {}}")
    found = audit(new=True).results["ACME-TST-01"]["observed"]
    assert ["test_acme_01.py", "test_acme_02.py", "test_core_dumps.py"] == found


def test_files_of_one_name_in_two_packs_are_collected_as_two(audit, pack, tmp_path):
    second = type(pack)(tmp_path / "second")
    path = second.control("03", FAILS)
    path.rename(path.with_name("test_acme_01.py"))
    ended = audit(f"--aisec-path={second.path}")
    assert {"01": "passed", "02": "passed", "03": "failed"} == ended.outcomes


def test_a_second_audit_in_one_process_evaluates_what_the_file_says_now(pack, pytester):
    code = f"""
        import pathlib, pytest
        path = pathlib.Path({str(pack.path / "controls/tst/test_acme_01.py")!r})
        run = ["--aisec-profile=acme", "--aisec-path={pack.path}", "-v", "--aisec-evidence"]
        first = pytest.main([*run, "first"])
        path.write_text(path.read_text().replace('== "a"', '!= "a"'))
        print(first.value if hasattr(first, "value") else first, int(pytest.main([*run, "second"])))
    """
    ended = pytester.runpython(pytester.makepyfile(twice=textwrap.dedent(code)))
    assert "0 1" == ended.outlines[-1]


CONFIGURATIONS = {
    "pytest.ini": """
        [pytest]
        testpaths = mine
        python_files = check_*.py
        python_functions = check_*
        python_classes = Check
        norecursedirs = * controls tst
        addopts = mine -p no:cacheprovider
    """,
    "tox.ini": """
        [pytest]
        testpaths = mine
        addopts = mine/test_mine.py --import-mode=prepend --ignore-glob=*
    """,
    "setup.cfg": """
        [tool:pytest]
        testpaths = mine
        python_files = *.txt
        addopts = --doctest-modules mine
    """,
    "pyproject.toml": """
        [tool.pytest.ini_options]
        testpaths = ["mine"]
        addopts = ["mine", "--strict-markers", "--strict-config"]
        filterwarnings = ["error"]
        xfail_strict = true
    """,
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_no_configuration_file_changes_what_is_collected(audit, pytester, name):
    (pytester.path / name).write_text(textwrap.dedent(CONFIGURATIONS[name]))
    mine = pytester.mkdir("mine")
    (mine / "test_mine.py").write_text(RAISES)
    (mine / "conftest.py").write_text(RAISES)
    (pytester.path / "conftest.py").write_text(RAISES + "collect_ignore_glob = ['*']\n")
    (pytester.path / "test_here.py").write_text(RAISES)
    ended = audit()
    assert ended.outcomes == {"01": "passed", "02": "passed"}, ended.text
    assert ended.code == 0


def test_from_a_subdirectory_the_configuration_above_changes_nothing(audit, pytester):
    pytester.makeini("[pytest]\ntestpaths = mine\naddopts = mine")
    (pytester.path / "conftest.py").write_text(RAISES)
    below = pytester.mkdir("below")
    (below / "conftest.py").write_text(RAISES)
    (below / "test_here.py").write_text(RAISES)
    assert audit(cwd=below).outcomes == {"01": "passed", "02": "passed"}


def test_a_pack_inside_of_the_project_is_collected_without_the_projects_conftests(audit, pack, pytester):
    inside = pytester.path / "security"
    pack.path.rename(inside)
    pack.path = inside
    for directory in (pytester.path, inside, inside / "controls", inside / "controls" / "tst"):
        (directory / "conftest.py").write_text(RAISES)
    assert audit().outcomes == {"01": "passed", "02": "passed"}


@pytest.mark.parametrize("sign", ["pyvenv.cfg", "conda-meta/history", "bin/activate"])
def test_a_pack_inside_of_a_virtual_environment_is_collected(audit, pack, pytester, sign):
    inside = pytester.mkdir(".venv")
    marker = inside / sign
    marker.parent.mkdir(exist_ok=True)
    marker.touch()
    pack.path = pack.path.rename(inside / "pack")
    ended = audit()
    assert ended.outcomes == {"01": "passed", "02": "passed"}, ended.text


@pytest.mark.parametrize("name", ["build", "dist", "node_modules", ".hidden", "a b", "venv"])
def test_a_pack_in_a_directory_that_pytest_skips_is_collected(audit, pack, pytester, name):
    pack.path = pack.path.rename(pytester.path / name)
    assert audit().outcomes == {"01": "passed", "02": "passed"}


def test_a_named_control_file_wins_and_the_rest_is_not_run(audit, pack):
    ended = audit(pack.path / "controls" / "tst" / "test_acme_02.py")
    assert ended.outcomes == {"01": "not_run", "02": "passed"}
    assert ended.ledger == {"planned": 2, "passed": 1, "not_run": 1}
    assert ended.code == 10


def test_a_named_control_wins_and_the_rest_is_not_run(audit, pack):
    ended = audit(f"{pack.path}/controls/tst/test_acme_02.py::test_acme_tst_02")
    assert ended.outcomes == {"01": "not_run", "02": "passed"}


def test_ones_own_tests_run_with_their_conftest_when_they_are_named(audit, pytester):
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef word(): return 'w'")
    named = pytester.makepyfile(
        test_named="import pathlib\ndef test_named(word, host): pathlib.Path(word).write_text(host.backend.NAME)"
    )
    pytester.makepyfile(test_other=RAISES)
    ended = audit(named)
    assert ended.outcomes == {"01": "not_run", "02": "not_run"}
    assert (pytester.path / "w").read_text() == "observing"
    assert ended.code == 10


def test_ones_own_tests_run_beside_the_controls_when_both_are_named(audit, pytester, pack):
    named = pytester.makepyfile(test_named="import pathlib\ndef test_named(): pathlib.Path('w').touch()")
    ended = audit(named, pack.path / "controls")
    assert ended.outcomes == {"01": "passed", "02": "passed"}
    assert (pytester.path / "w").exists()
    assert ended.code == 0


def test_parameters_reach_the_controls_and_their_defaults_are_not_shared(audit, pack, tmp_path):
    body = 'words.append(host.check_output("echo b"))\nassert words == []'
    pack.control("03", body, params='words: list[str] = ["a"], mode: Mode = "0700"')
    pack.control("04", body, params='words: list[str] = ["a"]')
    pack.profile(
        """\
        params: {words: [x, y]}
        controls:
          ACME-TST-03: {}
          ACME-TST-04: {params: {words: [z]}}
        """
    )
    results = audit().results
    assert results["ACME-TST-03"]["observed"] == ["x", "y", "b"]
    assert results["ACME-TST-04"]["observed"] == ["z", "b"]
    given = ("--aisec-param=words=p,q", "--aisec-param=ACME-TST-04.words=r")
    results = audit(*given, evidence=tmp_path / "second").results
    assert results["ACME-TST-03"]["observed"] == ["p", "q", "b"]
    assert results["ACME-TST-04"]["observed"] == ["r", "b"]


def test_a_control_without_the_profile_still_runs_as_an_ordinary_test(pack, pytester):
    pack.control("03", 'assert host.check_output("echo a") == word', params='word: str = "b"')
    result = pytester.runpytest_subprocess(pack.path / "controls", "--hosts=local://")
    result.assert_outcomes(passed=2, failed=1)
