import subprocess

import pytest

from pytest_aisec.cli import main
from tests.support import forks


@pytest.fixture
def aisec(pytester, monkeypatch):
    """Run the `aisec` command."""

    def run(*args, **env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        command = [forks.AISEC, *map(str, args)]
        return forks.run(command, cwd=pytester.path, capture_output=True, text=True, timeout=120)

    return run


RAISES = 'raise SystemExit("this must not be executed")\n'


def test_run_reads_nothing_of_where_it_is_and_writes_nothing_but_evidence(aisec, pack, pytester, tmp_path):
    pack.control("01")
    pytester.makeini("[pytest]\naddopts = --no-such-option\ntestpaths = mine\nminversion = 999")
    pytester.makeconftest(RAISES)
    pytester.makepyfile(test_mine=RAISES, mine=RAISES)
    before = {path.name for path in pytester.path.iterdir()}
    done = aisec(
        "run",
        "acme",
        f"--aisec-path={pack.path}",
        PYTEST_ADDOPTS="--no-such-option -k nothing",
        PYTEST_PLUGINS="mine",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in pytester.path.iterdir()} == before | {"aisec-evidence"}
    assert "1 passed" in done.stdout


def test_run_takes_pytests_options(aisec, pack, tmp_path):
    pack.control("01")
    pack.control("02")
    done = aisec(
        "run",
        "acme",
        f"--aisec-path={pack.path}",
        "-k",
        "tst_02",
        "-v",
        "-n",
        "2",
        "--aisec-evidence",
        tmp_path / "evidence",
    )
    assert done.returncode == 10, done.stdout + done.stderr
    assert "PASS    ACME-TST-02" in done.stdout
    assert (tmp_path / "evidence" / "run.json").exists()


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["run"], "nothing says what to audit"),
        (["run", "acm"], "'acm'"),
        (["run", "linux-base", "--aisec-path=/nowhere"], "/nowhere"),
        (["rum", "acme"], "rum"),
        (["verify"], "BUNDLE"),
        (["schema", "nothing"], "nothing"),
        (["profiles", "--path=/nowhere"], "/nowhere"),
    ],
)
def test_a_wrong_command_is_one_message_and_exit_4(aisec, args, part):
    done = aisec(*args)
    assert done.returncode == 4
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_profiles_and_controls_list_ones_own(aisec, pack):
    pack.control("01")
    assert "acme                 1        Acme\n" in aisec("profiles", "--path", pack.path).stdout
    assert (
        "ACME-TST-01    high      Secure condition 01 holds\n"
        in aisec("controls", "--path", pack.path).stdout
    )


def test_verify_tells_what_is_no_bundle(aisec, tmp_path):
    done = aisec("verify", tmp_path)
    assert done.returncode == 4
    assert f"ERROR: {tmp_path}: is no bundle: manifest.json: is missing\n" == done.stderr
    assert aisec("verify", tmp_path / "nowhere").returncode == 4


STARTS = {
    "advisories": (["advisories", "show", "--path", "nowhere"], 4),
    "catalog": (["catalog"], 0),
    "collect": (["collect", "acme", "--aisec-path=pack", "--aisec-evidence=observed"], 0),
    "collect-script": (["collect-script", "acme", "--aisec-path=pack"], 0),
    "config": (["config"], 0),
    "controls": (["controls", "--path=pack"], 0),
    "diff": (["diff", "bundle", "bundle"], 0),
    "explain": (["explain", "ACME-TST-01", "--path=pack"], 0),
    "import": (["import", "acme", "nowhere", "--aisec-path=pack"], 4),
    "init": (["init", "project"], 0),
    "lint": (["lint", "pack"], 0),
    "new": (["new", "control", "ACME-TST-02", "--path=pack"], 0),
    "profiles": (["profiles", "--path=pack"], 0),
    "report": (["report", "bundle", "--format=html"], 0),
    "run": (["run", "acme", "--aisec-path=pack", "--aisec-evidence=again"], 0),
    "schema": (["schema", "run"], 0),
    "test": (["test", "pack"], 4),
    "verify": (["verify", "bundle"], 0),
    "waive": (["waive", "nowhere"], 4),
    "waivers": (["waivers", "nowhere"], 4),
}


@pytest.mark.parametrize("name", sorted(main.commands))
def test_each_command_starts_in_an_interpreter_of_its_own(audit, pack, tmp_path, name):
    pack.control("01")
    (tmp_path / "aisec.toml").write_text('profile = "acme"\npath = ["pack"]\n')
    args, code = STARTS[name]
    if {"bundle", "collect-script"} & {*args}:
        assert audit(evidence=tmp_path / "bundle").code == 0
    done = subprocess.run([forks.AISEC, *args], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (code, True) == (done.returncode, bool(done.stdout + done.stderr)), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
