import fcntl
import os
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.support import forks

pytestmark = pytest.mark.slow

SIGNED = ["attestation.intoto.json", "audit.intoto.json"]


@pytest.fixture
def keys(tmp_path):
    """Write key pairs: name → private key; `<name>.pub` is the public one."""

    def write(name, private=None, passphrase=""):
        private = private or ed25519.Ed25519PrivateKey.generate()
        lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        path = tmp_path / name
        path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        path.with_name(f"{name}.pub").write_bytes(public)
        return path

    return write


def verify(bundle, *args):
    command = [sys.executable, "-m", "pytest_aisec.cli", "verify", str(bundle), *map(str, args)]
    done = forks.run(command, capture_output=True, text=True)
    text = done.stdout + done.stderr
    first = f"{bundle}: no key was given: anybody could have made this\n"
    assert text.startswith(first) is ("--key" not in args and done.returncode != 4)
    return done.returncode, text.removeprefix(first)


def test_an_unsigned_bundle_says_so_and_does_not_hold_against_a_key(audit, pack, keys):
    pack.control("01")
    bundle = audit().bundle
    assert (0, f"{bundle}: holds; it is not signed\n") == verify(bundle)
    code, text = verify(bundle, "--key", keys("k").with_name("k.pub"))
    assert 1 == code
    assert f"{bundle}: is not signed by a key" in text


def test_a_run_is_signed_once_by_the_controlling_process(audit, pack, keys, tmp_path):
    for number in ("01", "02", "03"):
        pack.control(number)
    key = keys("k", passphrase="secret")
    (tmp_path / "passphrase").write_text("secret\n")
    given = ("--aisec-sign-key", key, "--aisec-sign-passphrase-file", tmp_path / "passphrase")
    ended = audit("-n", "2", *given)
    assert 0 == ended.code, ended.text
    assert SIGNED == sorted(path.name for path in ended.bundle.glob("*.intoto.json"))
    public = tmp_path / "k.pub"
    signer = ended.run["run"]["signed_by"]
    assert (0, f"{ended.bundle}: holds; it is signed by the key in {public} ({signer})\n") == verify(
        ended.bundle, "--key", public
    )
    assert (
        0,
        f"{ended.bundle}: holds; it is signed by key {signer}, which was not checked: give --key\n",
    ) == (verify(ended.bundle))
    code, text = verify(ended.bundle, "--key", keys("other").with_name("other.pub"))
    assert 1 == code
    for name in SIGNED:
        assert f"{name}: is not signed by the key in {tmp_path}/other.pub" in text
    assert "secret" not in ended.text


def test_what_is_collected_and_what_is_replayed_is_signed(audit, pack, keys, tmp_path):
    pack.control("01")
    key = keys("k")
    observed = audit("--aisec-observe-only", "--aisec-sign-key", key, evidence=tmp_path / "observed")
    judged = audit(f"--aisec-replay={observed.bundle}", "--aisec-sign-key", key, evidence=tmp_path / "judged")
    assert (0, 0) == (observed.code, judged.code), observed.text + judged.text
    for ended in (observed, judged):
        assert 0 == verify(ended.bundle, "--key", tmp_path / "k.pub")[0]
    code, text = verify(observed.bundle, "--replay", "--path", pack.path)
    assert 0 == code, text
    assert text.endswith("; it has no results: nothing was judged\n")
    assert "not_run" not in text
    assert 0 == verify(judged.bundle, "--replay", "--path", pack.path)[0]


def test_a_narrowed_run_is_replayed_as_it_was(audit, pack):
    pack.control("01", severity="critical")
    pack.control("02", severity="low")
    pack.profile("controls: {ACME-TST-*: {}}\ngate: {fail_on: critical}")
    ended = audit("--aisec-select=low")
    assert 0 == ended.code, ended.text
    code, text = verify(ended.bundle, "--replay", "--path", pack.path)
    assert (0, f"{ended.bundle}: holds; it is not signed; its results follow from its transcripts\n") == (
        code,
        text,
    )


@pytest.mark.parametrize("case", ["absent", "rsa", "locked", "unused", "both"])
def test_a_key_that_cannot_sign_ends_the_run_before_a_host_is_asked(audit, pack, keys, tmp_path, case):
    pack.control("01", f'host.run("touch {tmp_path}/asked")')
    (tmp_path / "wrong").write_text("wrong")
    locked = keys("locked", passphrase="right")
    cases = {
        "absent": (["--aisec-sign-key=absent.pem"], "absent.pem: cannot be read"),
        "rsa": (
            [f"--aisec-sign-key={keys('rsa', rsa.generate_private_key(65537, 2048))}"],
            "rsa: is not an Ed",
        ),
        "locked": (
            [f"--aisec-sign-key={locked}", f"--aisec-sign-passphrase-file={tmp_path}/wrong"],
            "locked: a wrong passphrase",
        ),
        "unused": ([f"--aisec-sign-passphrase-file={tmp_path}/wrong"], "is for --aisec-sign-key"),
        "both": ([f"--aisec-sign-key={locked}", "--aisec-sign-sigstore"], "cannot be given together"),
    }
    args, message = cases[case]
    ended = audit(*args)
    assert 4 == ended.code
    assert message in ended.problem
    assert "Traceback" not in ended.text
    assert 1 == len(ended.problem.splitlines())
    assert not (tmp_path / "asked").exists()
    assert not ended.bundle.exists()


def test_a_locked_key_without_a_terminal_is_refused(audit, pack, keys):
    pack.control("01")
    # Each audit of a test is in a session of its own, which has none.
    ended = audit("--aisec-sign-key", keys("locked", passphrase="right"))
    assert 4 == ended.code
    assert "there is no terminal to ask for it; give --aisec-sign-passphrase-file FILE" in " ".join(
        ended.text.split()
    )


def test_the_passphrase_is_asked_for_on_the_terminal(pytester, pack, keys, tmp_path):
    pack.control("01")
    key = keys("locked", passphrase="right")
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "pytest", "--aisec-profile=acme", f"--aisec-path={pack.path}"]
    command += [f"--aisec-evidence={tmp_path}/evidence", f"--aisec-sign-key={key}"]
    started = subprocess.Popen(
        command,
        cwd=pytester.path,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
    )
    os.close(theirs)
    shown = b""
    while b"Passphrase of" not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, b"right\n")
    said, _ = started.communicate(timeout=60)
    os.close(ours)
    assert 0 == started.returncode, said
    assert 0 == verify(tmp_path / "evidence", "--key", tmp_path / "locked.pub")[0]


BREAKS = """
from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence.signing.keys import KeySigner

def fail(self, statement):
    raise EvidenceError("evidence cannot be signed: the token is gone")

KeySigner.sign = fail
"""


def test_a_failure_to_sign_at_the_end_is_exit_12_and_leaves_nothing(audit, pack, keys, pytester, tmp_path):
    pack.control("01")
    (pytester.path / "breaks.py").write_text(BREAKS)
    environment = {"PYTHONPATH": str(pytester.path)}
    ended = audit("-p", "breaks", "--aisec-sign-key", keys("k"), env=environment)
    assert 12 == ended.code
    assert "NO EVIDENCE" in ended.text
    assert "the token is gone" in " ".join(ended.text.split())
    assert not ended.bundle.exists()
    assert [] == [path for path in tmp_path.iterdir() if path.name.startswith(".evidence")]


def test_a_missing_extra_is_named(audit, pack, keys, pytester):
    pack.control("01")
    hidden = pytester.path / "hidden" / "securesystemslib"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError")
    ended = audit("--aisec-sign-key", keys("k"), env={"PYTHONPATH": str(hidden.parent)})
    assert 4 == ended.code
    assert "pip install 'pytest-aisec[signing]'" in ended.problem


def test_only_listing_controls_asks_for_no_passphrase(audit, pack, keys):
    pack.control("01")
    ended = audit("--collect-only", "-q", "--aisec-sign-key", keys("locked", passphrase="right"))
    assert 0 == ended.code, ended.text
    assert "test_acme_tst_01" in ended.text


def test_options_for_a_replay_need_one(audit, pack):
    pack.control("01")
    bundle = audit().bundle
    assert (4, "ERROR: --path is for --replay\n") == verify(bundle, "--path", pack.path)
    code, text = verify(bundle, "--key", Path("absent.pub"))
    assert (4, True) == (code, "--key absent.pub: cannot be read" in text)
