from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.errors import EvidenceError, UsageProblem
from pytest_aisec.evidence.signing import keys, sigstore

GOOD = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
}
BAD = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "dsa": lambda: dsa.generate_private_key(2048),
    "x25519": x25519.X25519PrivateKey.generate,
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
}
STATEMENT = b'{"a":"\xc3\xa4"}'


def pair(directory: Path, private, *, passphrase: str = "", form=PrivateFormat.PKCS8) -> tuple[Path, Path]:
    """Write a key pair, and return the files of the private and the public key."""
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    key, public = directory / "key.pem", directory / "key.pub"
    key.write_bytes(private.private_bytes(Encoding.PEM, form, lock))
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return key, public


def no_prompt(_: str) -> str:
    raise AssertionError("asked for a passphrase")


@pytest.mark.parametrize("kind", GOOD)
def test_what_a_key_signs_its_public_key_confirms(tmp_path: Path, kind: str) -> None:
    key, public = pair(tmp_path, GOOD[kind]())
    signer = keys.load_signer(key, ask=no_prompt)
    envelope = signer.sign(STATEMENT)
    assert (STATEMENT, signer.name) == keys.read_envelope(envelope)
    assert keys.is_signed_by(envelope, keys.load_public_key(public))


@pytest.mark.parametrize("kind", GOOD)
def test_another_key_of_the_kind_does_not_confirm(tmp_path: Path, kind: str) -> None:
    key, _ = pair(tmp_path, GOOD[kind]())
    envelope = keys.load_signer(key).sign(STATEMENT)
    _, other = pair(tmp_path, GOOD[kind]())
    public = keys.load_public_key(other)
    assert not keys.is_signed_by(envelope, public)
    claimed = json.loads(envelope)
    claimed["signatures"][0]["keyid"] = public.keyid
    assert not keys.is_signed_by(json.dumps(claimed).encode(), public)


def test_an_envelope_is_what_others_read(tmp_path: Path) -> None:
    """openssl, with nothing of ours, confirms the signature over the text that DSSE says is signed."""
    from base64 import b64decode

    key, public = pair(tmp_path, GOOD["p256"]())
    found = json.loads(keys.load_signer(key).sign(STATEMENT))
    payload, kind = b64decode(found["payload"]), found["payloadType"].encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    (tmp_path / "signed").write_bytes(signed)
    (tmp_path / "signature").write_bytes(b64decode(found["signatures"][0]["sig"]))
    command = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", tmp_path / "signature"]
    assert subprocess.run([*command, tmp_path / "signed"], check=False, capture_output=True).returncode == 0
    (tmp_path / "signed").write_bytes(signed + b" ")
    assert subprocess.run([*command, tmp_path / "signed"], check=False, capture_output=True).returncode == 1


@pytest.fixture(scope="module")
def envelope(tmp_path_factory) -> tuple[bytes, object]:
    key, public = pair(tmp_path_factory.mktemp("keys"), GOOD["ed25519"]())
    return keys.load_signer(key).sign(STATEMENT), keys.load_public_key(public)


@given(place=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_an_envelope_with_a_bit_flipped_is_none_or_is_not_confirmed(envelope, place: int, bit: int) -> None:
    data, key = bytearray(envelope[0]), envelope[1]
    data[place % len(data)] ^= 1 << bit
    try:
        keys.read_envelope(bytes(data))
    except ValueError:
        return
    assert not keys.is_signed_by(bytes(data), key)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", b"\xff", b'{"payload": 3}', b'{"signatures": []}']
)
def test_what_is_no_envelope_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"is no signed envelope"):
        keys.read_envelope(text)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_passphrase_comes_from_a_file_or_is_asked_for(tmp_path: Path, form: PrivateFormat) -> None:
    key, _ = pair(tmp_path, GOOD["p256"](), passphrase="ä secret", form=form)
    (tmp_path / "passphrase").write_text("ä secret\n")
    from_file = keys.load_signer(key, tmp_path / "passphrase", ask=no_prompt)
    asked: list[str] = []
    answered = keys.load_signer(key, ask=lambda text: asked.append(text) or "ä secret")
    assert from_file.name == answered.name
    assert [f"Passphrase of {key}: "] == asked


def refusal(*args, **kwargs) -> str:
    with pytest.raises(UsageProblem) as caught:
        keys.load_signer(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("answer", ["wrong", ""])
def test_a_wrong_passphrase_is_refused(tmp_path: Path, answer: str) -> None:
    key, _ = pair(tmp_path, GOOD["ed25519"](), passphrase="right")
    assert f"--aisec-sign-key {key}: " in refusal(key, ask=lambda _: answer)


def test_a_wrong_passphrase_file_is_refused(tmp_path: Path) -> None:
    key, _ = pair(tmp_path, GOOD["ed25519"](), passphrase="right")
    (tmp_path / "wrong").write_text("wrong")
    (tmp_path / "empty").write_text("\n")
    assert f"--aisec-sign-key {key}: a wrong passphrase" in refusal(key, tmp_path / "wrong", ask=no_prompt)
    assert f"--aisec-sign-passphrase-file {tmp_path / 'empty'}: is empty" == refusal(key, tmp_path / "empty")
    assert "absent: cannot be read: No such file" in refusal(key, tmp_path / "absent")


def test_a_passphrase_that_is_not_needed_is_refused(tmp_path: Path) -> None:
    key, _ = pair(tmp_path, GOOD["ed25519"]())
    (tmp_path / "passphrase").write_text("secret")
    assert f"--aisec-sign-key {key}: needs no --aisec-sign-passphrase-file" == refusal(
        key, tmp_path / "passphrase"
    )


@pytest.mark.parametrize("kind", BAD)
def test_a_key_of_another_kind_is_refused(tmp_path: Path, kind: str) -> None:
    key, public = pair(tmp_path, BAD[kind]())
    assert f"--aisec-sign-key {key}: is not an Ed25519 or ECDSA" in refusal(key)
    with pytest.raises(UsageProblem, match=rf"--key {public}: is n"):
        keys.load_public_key(public)


@pytest.mark.parametrize(
    "text", ["", "key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    assert f"--aisec-sign-key {path}: is no private key in PEM" in refusal(path, ask=no_prompt)
    with pytest.raises(UsageProblem, match=f"--key {path}: is "):
        keys.load_public_key(path)


def test_public_and_private_key_are_not_taken_for_one_another(tmp_path: Path) -> None:
    key, public = pair(tmp_path, GOOD["ed25519"]())
    assert "is no private key in PEM" in refusal(public)
    with pytest.raises(UsageProblem, match=r"is a private key; give the public one"):
        keys.load_public_key(key)


@pytest.mark.parametrize("load", [keys.load_signer, keys.load_public_key])
def test_a_key_that_cannot_be_read_is_named(tmp_path: Path, load) -> None:
    with pytest.raises(UsageProblem, match=r"absent: cannot be read: No such file"):
        load(tmp_path / "absent")
    with pytest.raises(UsageProblem, match=r"cannot be read: Is a directory"):
        load(tmp_path)


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib.signer", None)
    assert "pip install 'pytest-aisec[signing]'" in refusal(tmp_path / "key")
    monkeypatch.setitem(sys.modules, "sigstore.sign", None)
    with pytest.raises(UsageProblem, match=r"pip install 'pytest-aisec\[sigstore\]'"):
        sigstore.load_signer()


def test_a_failure_to_sign_is_no_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = keys.load_signer(pair(tmp_path, GOOD["ed25519"]())[0])

    def fail(*_: object) -> None:
        raise RuntimeError("the token is gone")

    monkeypatch.setattr("securesystemslib.dsse.Envelope.sign", fail)
    with pytest.raises(EvidenceError, match=r"evidence cannot be signed: .*the token is gone"):
        signer.sign(STATEMENT)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b'{"dsseEnvelope": {"payload": "?"}}'])
def test_what_is_no_sigstore_bundle_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"is no Sigstore bundle"):
        sigstore.read_statement(text)
