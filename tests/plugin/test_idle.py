import re
import subprocess
import sys

import pytest

HEAVY = (
    "pydantic",
    "jinja2",
    "yaml",
    "junit_xml",
    "click",
    "pytest_aisec.session.evaluator",
    "pytest_aisec.catalog",
    "pytest_aisec.observe",
)


def pytest_output(pytester, *args):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *args], cwd=pytester.path, capture_output=True, check=False
    )
    text = (done.stdout + done.stderr).decode()
    text = re.sub(r"0x[0-9a-f]+", "0xADDRESS", text)
    text = re.sub(r"in \d+\.\d+s", "in TIMEs", text)
    text = re.sub(r"=+( .* )=+", r"=\1=", text)
    return done.returncode, re.sub(r"(?m)^plugins: .*\n", "", text)


def test_without_a_profile_pytest_says_and_does_what_it_always_does(pytester):
    pytester.makeini("[pytest]\naddopts = -rA -p no:cacheprovider --strict-markers\nfilterwarnings = error")
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef word(): return 'w'")
    pytester.makepyfile(
        test_mine="""
        import pytest

        def test_passes(word): assert word == "w"
        def test_fails(word): assert word == {"a": 1}
        def test_breaks(nowhere): pass
        @pytest.mark.skip
        def test_skips(): pass
        @pytest.mark.xfail
        def test_xfails(): assert 0
        def test_on_a_host(host): assert host.run("exit 3").rc == 0
        """
    )
    assert pytest_output(pytester) == pytest_output(pytester, "-p", "no:aisec")
    left = {path.name for path in pytester.path.iterdir()} - {"__pycache__"}
    assert left == {"conftest.py", "test_mine.py", "tox.ini"}


def imported(pytester, *args):
    """The modules that a run of pytest imports."""
    pytester.makepyfile(test_mine="def test_mine(): pass")
    command = [sys.executable, "-X", "importtime", "-m", "pytest", "-p", "no:cacheprovider", *args]
    done = subprocess.run(command, cwd=pytester.path, capture_output=True, check=True)
    return {
        line.rpartition("|")[2].strip()
        for line in done.stderr.decode().splitlines()
        if line.startswith("import time:")
    }


def test_without_a_profile_nothing_heavy_is_imported(pytester):
    # hypothesis' plugin may import what it likes
    alone = ("-p", "no:hypothesispytest", "-p", "no:_hypothesis_pytestplugin")
    more = imported(pytester, *alone) - imported(pytester, "-p", "no:aisec", *alone)
    assert "pytest_aisec.options" in more
    assert [] == sorted(name for name in more if name.startswith((*HEAVY, "testinfra")))
    assert {name for name in more if not name.startswith("pytest_aisec")} == set()


@pytest.mark.parametrize("option", ["--help", "--version", "--markers", "--fixtures"])
def test_pytests_own_questions_are_answered_without_a_plan(pytester, option):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", option], cwd=pytester.path, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert [] == [path.name for path in pytester.path.iterdir() if path.name != ".pytest_cache"]


@pytest.mark.parametrize("option", ["--help", "--version", "--markers", "--fixtures", "--collect-only"])
def test_with_a_profile_a_question_to_pytest_asks_no_host_and_leaves_no_bundle(audit, pack, tmp_path, option):
    pack.control("01", f'host.run("touch {tmp_path}/asked")')
    ended = audit(option, new=True)
    assert ended.code == 0, ended.text
    assert not ended.bundle.exists()
    assert not (tmp_path / "asked").exists()
