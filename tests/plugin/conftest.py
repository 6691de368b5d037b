"""A small control pack of one's own, and audits with it in processes of their own; see support/forks.py."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import forks

PASSES = 'assert host.check_output("echo a") == "a"'
FAILS = 'assert host.check_output("echo a") == "b"'


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _no_worker_of_someone_else(monkeypatch):
    """What a run inside a test sees is not that the tests themselves are run by workers."""
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        monkeypatch.delenv(name)


class Pack:
    """A directory of controls and profiles, as `--aisec-path` takes it."""

    def __init__(self, path):
        self.path = path
        (path / "controls" / "tst").mkdir(parents=True)
        (path / "profiles").mkdir()

    def control(self, number, body=PASSES, *, head="", params="", marks="", extra="", severity="high"):
        """Write the control ACME-TST-<number>."""
        signature = f"host: Host, *, {params}" if params else "host: Host"
        text = f"""\
import os
import pathlib
import pytest
from pytest_aisec import Host, Mode, Unobservable, control, not_applicable
{textwrap.dedent(head)}
{marks}
@control("ACME-TST-{number}", severity="{severity}", remediation="Mend it.", {extra})
def test_acme_tst_{number}({signature}) -> None:
    \"\"\"Secure condition {number} holds.

    Whoever finds it open walks in.
    \"\"\"
{textwrap.indent(textwrap.dedent(body), "    ")}
"""
        path = self.path / "controls" / "tst" / f"test_acme_{number}.py"
        path.write_text(text)
        return path

    def profile(self, text="controls: {ACME-TST-*: {}}", *, name="acme"):
        """Write a profile."""
        path = self.path / "profiles" / f"{name}.yaml"
        path.write_text(f'id: {name}\ntitle: Acme\nversion: "1"\n{textwrap.dedent(text)}\n')
        return path


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What one run left."""

    code: int
    text: str
    bundle: Path

    @property
    def run(self):
        return json.loads((self.bundle / "run.json").read_text(encoding="utf-8"))

    @property
    def results(self):
        """ACME-TST-01 → its result; of one host."""
        return {item["control"]: item for item in self.run["results"]}

    @property
    def outcomes(self):
        """01 → passed."""
        return {key.removeprefix("ACME-TST-"): item["outcome"] for key, item in self.results.items()}

    @property
    def ledger(self):
        """The counts that are not zero."""
        return {key: number for key, number in self.run["ledger"].items() if number}

    @property
    def problem(self):
        """What stands on the terminal when the run ended before it began: one message and no more."""
        return "\n".join(line for line in self.text.splitlines() if line.strip())


@pytest.fixture(scope="session", autouse=True)
def _compiled(tmp_path_factory):
    """Compile the package once, instead of in each process that a test starts: those write no bytecode."""
    made = Pack(tmp_path_factory.mktemp("compiled") / "pack")
    made.control("01")
    made.profile()
    command = [sys.executable, "-m", "pytest", "--aisec-profile=acme", f"--aisec-path={made.path}"]
    command += ["-p", "no:cacheprovider", f"--aisec-evidence={made.path}/evidence", "--aisec-cache=none"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = forks.run(command, cwd=made.path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def pack(tmp_path):
    """A pack with a profile `acme` that selects all controls of the pack."""
    made = Pack(tmp_path / "pack")
    made.profile()
    return made


@pytest.fixture
def audit(pytester, pack, tmp_path):
    """Run pytest with the pack in a process of its own, in pytester's directory, and return what it left.

    `new` is for what only an interpreter that really starts can show.
    """

    def run(*args, profile="acme", evidence=None, python=(), cwd=None, module="pytest", env=None, new=False):
        bundle = evidence or tmp_path / "evidence"
        given = ["run", profile] if module == "pytest_aisec" else [f"--aisec-profile={profile}"]
        command = [sys.executable, *python, "-m", module, *given]
        command += [f"--aisec-path={pack.path}", f"--aisec-evidence={bundle}", *map(str, args)]
        done = (subprocess if new else forks).run(
            command,
            cwd=cwd or pytester.path,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
            capture_output=True,
            timeout=120,
            check=False,
        )
        text = (done.stdout + done.stderr).decode(errors="surrogateescape")
        return Audited(code=done.returncode, text=text, bundle=bundle)

    return run


@pytest.fixture
def interrupt(pytester, pack, tmp_path):
    """Start an audit, press Ctrl-C as soon as `marker` is there, and return what is left."""

    def run(marker, *args):
        bundle = tmp_path / "evidence"
        command = [sys.executable, "-m", "pytest", "--aisec-profile=acme", f"--aisec-path={pack.path}"]
        log = tmp_path / "log"
        with log.open("wb") as stream:
            started = subprocess.Popen(
                [*command, f"--aisec-evidence={bundle}", *args],
                cwd=pytester.path,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                # A shell's background job ignores Ctrl-C, and would hand that on.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
            )
            try:
                until = time.monotonic() + 60
                while not marker.exists():
                    assert time.monotonic() < until, "the control never began"
                    assert started.poll() is None, log.read_text()
                    time.sleep(0.02)
                os.killpg(started.pid, signal.SIGINT)
                code = started.wait(timeout=30)
            except subprocess.TimeoutExpired:
                started.send_signal(signal.SIGABRT)  # pytest's faulthandler says where each thread is
                started.wait()
                raise AssertionError(f"30 s after Ctrl-C it still runs:\n{log.read_text()}") from None
            finally:
                if started.poll() is None:
                    os.killpg(started.pid, signal.SIGKILL)
                    started.wait()
        return Audited(code=code, text=log.read_text(), bundle=bundle)

    return run


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """Two signed bundles, and what is needed to check them."""
    from tests.support.signed import Signed

    return Signed(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def copy(signed, tmp_path):
    """A copy of the signed bundle that a test may touch."""
    return Path(shutil.copytree(signed.bundle, tmp_path / "bundle"))
