"""What is ready to be copied into CI is valid, and does what it says, as far as that shows without the services.

The steps of the Action and the lines of the GitLab job are taken from their files and run under bash. Of the
Jenkinsfile, only the shell script is run; the rest is parsed. The playbook runs on this machine.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from tests.support.action_steps import CASES, Job, read, write_pack
from tests.support.github_runner import Runner

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout")]
ACTION = read(ROOT / "action.yml") if (ROOT / "action.yml").exists() else {}


def bash(script, *, cwd, env, shell=("bash", "--noprofile", "--norc", "-eo", "pipefail")):
    """Run a script in the way of a CI service; return its exit code and output."""
    path = cwd.parent / f"{cwd.name}-script.sh"
    path.write_text(script)
    done = subprocess.run(
        [*shell, str(path)],
        cwd=cwd,
        env={**base(), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout


def base():
    """What a machine of a CI service has in its environment; where packages come from is up to this one."""
    kept = ("HOME", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    return {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"} | {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.startswith("PIP_") or name.lower().endswith("_proxy")
    }


def tool(name):
    """Return the path of a program of the test environment; skip the test where it is not there."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return found or pytest.skip(f"needs {name}")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """What would be checked out, with what is changed and not committed yet."""
    copy = tmp_path_factory.mktemp("action") / "pytest-aisec"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    return copy


@pytest.fixture
def workspace(tmp_path):
    """A repository with controls and profiles of its own."""
    path = tmp_path / "work space"
    write_pack(path / "pack")
    return path


class Uploads:
    """Plays actions/upload-artifact: keeps a copy of what would be uploaded."""

    def __init__(self, place):
        self.place = place
        self.names = []

    def __call__(self, action, given):
        assert action.startswith("actions/upload-artifact@")
        assert Path(given["path"]).is_dir()
        self.names.append(given["name"])
        shutil.copytree(given["path"], self.place / given["name"])


def new_job(checkout, workspace, place):
    """A job that uses the action, with a runner's directories in `place`; `log` holds what its steps print."""
    runner = place / "runner"
    (runner / "temp").mkdir(parents=True)
    (runner / "files").mkdir()
    log = []

    def execute(script):
        code, text = bash(script.text, cwd=workspace, env=script.env)
        log.append(text)
        return code

    env = {
        "RUNNER_TEMP": str(runner / "temp"),
        "GITHUB_ACTION_PATH": str(checkout),
        "GITHUB_WORKSPACE": str(workspace),
        "XDG_CACHE_HOME": str(runner / "cache"),
    }
    made = Job(execute=execute, env=env, files=runner / "files", use=Uploads(place))
    made.log, made.place = log, place
    return made


@pytest.fixture
def job(checkout, workspace, tmp_path):
    return new_job(checkout, workspace, tmp_path)


@pytest.fixture(scope="session")
def whole_job(checkout, tmp_path_factory):
    """A job that was run from its first step to its last."""
    place = tmp_path_factory.mktemp("whole")
    write_pack(place / "work space" / "pack")
    return new_job(checkout, place / "work space", place).run(ACTION, {"profile": "fails", "path": "pack"})


@pytest.fixture(scope="session")
def installed(whole_job, tmp_path_factory):
    """The outputs of the step that installs: once is enough for most of what is tried here."""
    place = tmp_path_factory.mktemp("installed")
    (place / "venv").symlink_to(Path(whole_job.steps["install"]["place"]) / "venv")
    return {"install": {"place": str(place)}}


def test_the_action_from_its_first_step_to_its_last(whole_job):
    job = whole_job
    assert [
        "Install pytest-aisec",
        "Audit",
        "Upload the evidence",
        "End with the exit code of the gate",
    ] == job.ran
    assert 1 == job.code, job.log
    assert ("1", "failed") == (job.outputs["exit-code"], job.outputs["verdict"])
    assert job.summary.startswith("# Gate failed\n")
    assert job.summary == (job.place / "aisec-evidence/summary.md").read_text()
    assert "2.1.0" == json.loads(Path(job.outputs["sarif"]).read_text())["version"]
    assert (Path(job.outputs["bundle"]) / "manifest.json").exists()


@pytest.mark.parametrize("profile", CASES)
def test_the_verdict_and_its_exit_code_arrive_with_summary_sarif_and_bundle(
    job, installed, profile, tmp_path
):
    job.done = installed
    code, verdict = CASES[profile]
    job.run(ACTION, {"profile": profile, "path": "pack", "hosts": "local://", "evidence": "the evidence"})
    assert code == job.code, job.log
    assert (str(code), verdict) == (job.outputs["exit-code"], job.outputs["verdict"])
    assert job.summary.startswith(f"# Gate {verdict}\n")
    assert ["aisec-evidence"] == job.use.names
    assert str(tmp_path / "work space/the evidence") == job.outputs["bundle"]
    assert "2.1.0" == json.loads(Path(job.outputs["sarif"]).read_text())["version"]
    read_log = Runner("\n".join(job.log))
    assert "" == read_log.stopped
    assert {"passes": [], "fails": ["error"], "open": ["warning"]}[profile] == [
        item.name for item in read_log.named("error", "warning", "notice")
    ]


def test_every_input_reaches_the_run_as_it_is_and_none_becomes_part_of_a_script(job, installed, workspace):
    job.done = installed
    (workspace / "waivers").mkdir()
    (workspace / "waivers/a b.yaml").write_text(
        "- {id: W-1, control: ACME-TST-02, hosts: ['*'], reason: known, approved_by: a@example.com,\n"
        "   approved_on: 2026-01-01, expires: 2999-12-31}\n"
    )
    (workspace / "gate $(touch hit).yaml").write_text("fail_on: high\n")
    inputs = {
        "profile": "pack/profiles/both.yaml",
        "path": "pack\n",
        "hosts": "local://\n",
        "waivers": "waivers/a b.yaml\n",
        "gate": "gate $(touch hit).yaml",
        "fail-on": "medium",
        "args": '--aisec-param=x="$(touch hit)"; touch hit #\n-v\n',
        "artifact": "",
    }
    job.run(ACTION, inputs)
    assert 4 == job.code
    assert '"$(touch hit)"; touch hit #' in "".join(job.log)
    assert [] == job.use.names
    job.run(ACTION, {**inputs, "args": "-v"})
    assert 0 == job.code, job.log
    run = json.loads((Path(job.outputs["bundle"]) / "run.json").read_text())
    assert ["W-1"] == [item["id"] for item in run["waivers"]]
    assert "medium" == run["policy"]["fail_on"]
    assert not (workspace / "hit").exists()
    assert "WAIVED ACME-TST-02" in "".join(job.log)


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"profile": "nowhere"}, 4),
        ({"profile": "none", "path": "pack"}, 5),
        ({"profile": "passes", "path": "pack", "evidence": "pack"}, 12),
        ({"profile": "--collect-only"}, 4),
        ({"profile": "passes", "evidence": "a\nb"}, 4),
    ],
)
def test_where_nothing_was_judged_there_is_no_bundle_and_the_exit_code_arrives(job, installed, inputs, code):
    job.done = installed
    job.run(ACTION, inputs)
    assert code == job.code, job.log
    assert ["", "", ""] == [job.outputs[name] for name in ("verdict", "bundle", "sarif")]
    assert [] == job.use.names


def test_a_bundle_of_an_earlier_run_is_not_taken_for_that_of_this_one(job, installed):
    job.done = installed
    job.run(ACTION, {"profile": "passes", "path": "pack", "evidence": "kept"})
    before = dict(job.outputs)
    job.run(ACTION, {"profile": "fails", "path": "pack", "evidence": "kept"})
    assert ("passed", "") == (before["verdict"], job.outputs["verdict"])
    assert 12 == job.code


SETTINGS = 'profile = "both"\nhosts = ["local://"]\npath = ["pack"]\n'


def test_without_a_profile_each_service_audits_what_the_settings_say(job, installed, ready):
    (ready / "aisec.toml").write_text(SETTINGS)
    job.done = installed
    job.run(ACTION, {"evidence": "by settings"})
    assert (1, "failed") == (job.code, job.outputs["verdict"]), job.log
    lines, variables, _ = gitlab(ready)
    code, text = bash("\n".join(lines[2:]), cwd=ready, env=variables)
    assert 1 == code, text
    assert ["both"] == [json.loads((ready / "aisec-evidence/run.json").read_text())["run"]["profile"]]


def test_no_script_of_the_action_has_an_expression_in_it():
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert 3 == len(scripts)
    assert [] == [script for script in scripts if "${{" in script]


def test_every_input_is_used_and_every_action_of_others_is_pinned():
    text = (ROOT / "action.yml").read_text()
    assert set(ACTION["inputs"]) == set(re.findall(r"inputs\.([\w-]+)", text))
    used = [step["uses"] for step in ACTION["runs"]["steps"] if "uses" in step]
    assert [] == [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)]


@pytest.mark.parametrize(
    ("schema", "file"), [("vendor.github-actions", "action.yml"), ("vendor.gitlab-ci", "ci/gitlab-ci.yml")]
)
def test_the_file_fits_the_published_schema(schema, file):
    pytest.importorskip("check_jsonschema", reason="has the schemas")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(ROOT / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


def test_what_looks_for_holes_in_actions_finds_none():
    zizmor = shutil.which("zizmor", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if zizmor is None:
        pytest.skip("needs zizmor")
    command = [
        zizmor,
        "--offline",
        "--no-progress",
        "--persona=pedantic",
        "--no-config",
        str(ROOT / "action.yml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


def gitlab(workspace):
    """The script of the GitLab job and its variables, put together as a runner does."""
    loaded = yaml.safe_load((ROOT / "ci/gitlab-ci.yml").read_text())
    job = {**loaded[loaded["aisec"]["extends"]], **loaded["aisec"]}
    return [*job["before_script"], *job["script"]], {**job["variables"], "CI": "true"}, job["artifacts"]


@pytest.fixture
def ready(installed, workspace):
    """The environment that the other services install into."""
    (workspace / ".aisec").symlink_to(Path(installed["install"]["place"]) / "venv")
    return workspace


def test_the_gitlab_job_from_its_first_line_to_its_last(checkout, workspace):
    lines, variables, artifacts = gitlab(workspace)
    given = {"AISEC_PACKAGE": str(checkout), "AISEC_PROFILE": "fails", "AISEC_ARGS": "--aisec-path=pack -v"}
    code, text = bash("\n".join(lines), cwd=workspace, env={**variables, **given})
    assert 1 == code, text
    tree = ET.parse(workspace / artifacts["reports"]["junit"])
    assert ["ACME-TST-02"] == [case.get("name").partition(" ")[0] for case in tree.iter("testcase")]
    assert ["aisec-evidence/"] == artifacts["paths"]
    assert "always" == artifacts["when"]
    assert (workspace / "aisec-evidence/manifest.json").exists()


@pytest.mark.parametrize("shell", [("bash", "-eo", "pipefail"), ("sh", "-e")])
@pytest.mark.parametrize("profile", CASES)
def test_the_exit_code_of_the_gitlab_job_is_that_of_the_gate(ready, profile, shell):
    lines, variables, _ = gitlab(ready)
    audit = [line for line in lines if "pip" not in line and "-m venv" not in line]
    assert 2 == len(lines) - len(audit)
    given = {"AISEC_PROFILE": profile, "AISEC_ARGS": "--aisec-path=pack --aisec-select=ACME-*"}
    code, text = bash("\n".join(audit), cwd=ready, env={**variables, **given}, shell=shell)
    assert CASES[profile][0] == code, text


def test_an_inconclusive_gitlab_job_warns_where_that_is_wanted():
    loaded = yaml.safe_load((ROOT / "ci/gitlab-ci.yml").read_text())
    assert {"exit_codes": [10]} == loaded[".aisec-inconclusive-warns"]["allow_failure"]
    assert "allow_failure" not in {**loaded[".aisec"], **loaded["aisec"]}


JENKINSFILE = ROOT / "ci/Jenkinsfile"


def test_the_jenkinsfile_can_be_parsed():
    tree_sitter = pytest.importorskip("tree_sitter")
    groovy = pytest.importorskip("tree_sitter_groovy")
    parser = tree_sitter.Parser(tree_sitter.Language(groovy.language()))
    assert not parser.parse(JENKINSFILE.read_bytes()).root_node.has_error


@pytest.mark.parametrize("profile", CASES)
def test_the_script_of_the_jenkinsfile_ends_with_the_exit_code_of_the_gate(ready, profile):
    text = JENKINSFILE.read_text()
    (script,) = re.findall(r"'''(.*?)'''", text, re.DOTALL)
    defaults = dict(re.findall(r"name: '(\w+)', defaultValue: '([^']*)'", text))
    audit = "\n".join(
        line for line in script.splitlines() if "pip install" not in line and "-m venv" not in line
    )
    # A backslash at the end of a line reaches the shell as it is: Groovy takes it for the end of a line, too.
    audit = audit.replace("\\\n", "")
    given = {**defaults, "AISEC_PROFILE": profile, "AISEC_ARGS": "--aisec-path=pack"}
    code, said = bash(audit, cwd=ready, env=given, shell=("sh", "-xe"))
    assert CASES[profile][0] == code, said
    assert ET.parse(ready / "aisec-evidence/junit.xml").getroot() is not None


@pytest.fixture
def playbook(installed, workspace, tmp_path):
    """Runs the playbook on this machine, as an inventory of one or more; returns its exit code and output."""
    command = tool("ansible-playbook")

    def run(*args, inventory="gpu-1 ansible_connection=local\n"):
        hosts = tmp_path / "inventory"
        hosts.write_text(inventory)
        argv = [command, "-i", str(hosts), str(ROOT / "ci/ansible-collect.yml"), *args]
        env = {
            **base(),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "a"),
            "ANSIBLE_REMOTE_TEMP": str(tmp_path / "b"),
        }
        env |= {"ANSIBLE_NOCOLOR": "1", "PWD": str(workspace), "ANSIBLE_HOME": str(tmp_path / "c")}
        done = subprocess.run(argv, cwd=workspace, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_playbook_brings_back_what_aisec_import_judges(playbook, installed, workspace, tmp_path):
    aisec = Path(installed["install"]["place"]) / "venv/bin/aisec"
    env = {**base(), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def ask(*args):
        command = [str(aisec), *args]
        return subprocess.run(command, cwd=workspace, env=env, capture_output=True, text=True, check=False)

    assert 0 == ask("collect", "fails", "--aisec-path=pack", "--hosts=local://").returncode
    script = ask("collect-script", "fails", "--aisec-path=pack")
    assert 0 == script.returncode, script.stderr
    (workspace / "the script.sh").write_text(script.stdout)
    code, text = playbook("-e", '{"aisec_script": "the script.sh", "aisec_become": false}')
    assert 0 == code, text
    (output,) = (workspace / "aisec-output").iterdir()
    assert ("gpu-1.txt", 0o600) == (output.name, output.stat().st_mode & 0o777)
    judged = ask("import", "fails", str(output), "--aisec-path=pack")
    assert 1 == judged.returncode, judged.stdout
    assert "FAIL ACME-TST-02" in judged.stdout


def test_the_playbook_tells_which_machine_did_not_come_to_the_end_and_shows_no_answer(playbook, workspace):
    (workspace / "audit.sh").write_text("echo secret; exit 3\n")
    code, text = playbook(
        "-v", "-e", '{"aisec_script": "audit.sh", "aisec_become": false, "aisec_output": "brought back"}',
        inventory="bad ansible_connection=local\ngone ansible_host=127.0.0.1 ansible_port=1\n",
    )  # fmt: skip
    assert 4 == code, text
    assert "The script did not come to its end (exit status 3)." in text
    assert re.search(r"(?m)^gone +: .*unreachable=1", text)
    assert "secret" not in text
    assert ["bad.txt"] == [path.name for path in (workspace / "brought back").iterdir()]
