"""Which password a release of MLflow brings, by the basic_auth.ini beside the program that runs."""

import shlex
import subprocess
from pathlib import Path

import pytest

from pytest_aisec.facts.system.rights import ROOT
from pytest_aisec.facts.system.services import Service
from pytest_aisec.facts.web import mlflow
from pytest_aisec.observe.faults import Unobservable

OLD = "[mlflow]\nadmin_username = admin\nadmin_password = password1234\n"
NEW = """[mlflow]
admin_username = admin
# MLflow ships no default admin password. The first time the auth app starts against an empty
# user store it creates `admin_username` with the password from `admin_password` below or from
# the MLFLOW_AUTH_ADMIN_PASSWORD environment variable, and refuses to start if neither is set.
# admin_password =
"""


class Machine:
    """Runs what is asked in a shell here; what the tools say is `complaint` where one is missing."""

    def __init__(self, complaint=""):
        self.complaint = complaint

    def run(self, command, *arguments):
        text = command % tuple(map(shlex.quote, arguments))
        answer = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)
        answer.stderr += self.complaint
        return answer


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Tells of a program of `env`, beside which these texts lie by their place."""
    monkeypatch.setattr(mlflow, "given_file", lambda _, path, *__, root: Path(path).read_text())

    def tell(texts, *, program="env/bin/mlflow", machine=None):
        for place, text in texts.items():
            auth = tmp_path / place / "mlflow/server/auth"
            auth.mkdir(parents=True)
            (auth / "basic_auth.ini").write_text(text)
        service = Service(
            kind="mlflow",
            pid=0,
            name="mlflow",
            arguments=("python3", f"{tmp_path}/{program}", "server"),
            uid=0,
            environment={},
            listeners=(),
            rights=ROOT,
        )
        return mlflow.brings_password(machine or Machine(), service)

    return tell


SITE, OTHER = "env/lib/python3.11/site-packages", "env/lib64/python3.12/dist-packages"


@pytest.mark.parametrize(
    ("expected", "texts"),
    [
        (True, {SITE: OLD}),
        (False, {SITE: NEW}),
        (False, {OTHER: NEW, SITE: NEW}),
        (None, {SITE: NEW, OTHER: OLD}),
        (None, {"elsewhere/lib/python3.11/site-packages": OLD}),
        (None, {}),
    ],
)
def test_the_file_beside_the_program_tells(told, expected, texts):
    assert expected is told(texts)


def test_a_program_without_a_place_tells_nothing(told):
    assert told({SITE: OLD}, program="mlflow") is None


def test_a_missing_tool_is_no_release(told):
    with pytest.raises(Unobservable, match="sed: not found"):
        told({SITE: NEW}, machine=Machine("sh: 1: sed: not found"))
