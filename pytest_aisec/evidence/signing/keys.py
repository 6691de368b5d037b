"""Sign statements about a bundle with your own key, and check such signatures."""

from __future__ import annotations

import getpass
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from pytest_aisec.errors import EvidenceError, UsageProblem
from pytest_aisec.evidence.files import load_json
from pytest_aisec.evidence.signing.intoto import PAYLOAD_TYPE

KIND = "intoto"
OPTION = "--aisec-sign-key"
FILE_OPTION = "--aisec-sign-passphrase-file"
_KEYS = "an Ed25519 or ECDSA (P-256, P-384, P-521) key"


class Signer(Protocol):
    """Signer of the statements about a bundle."""

    kind: str
    """Part of the names of the files: `attestation.<kind>.json`."""
    name: str
    """Who signs, as `run.json` and the reports say it."""

    def sign(self, statement: bytes) -> bytes:
        """Return a file with statement and signature; raise `EvidenceError` when it cannot be signed."""
        ...


class KeySigner:
    """Signs with a private key: DSSE envelopes."""

    kind = KIND

    def __init__(self, signer: Any) -> None:
        self._signer = signer
        self.name = str(signer.public_key.keyid)

    def sign(self, statement: bytes) -> bytes:
        """Return the envelope around a statement; raise `EvidenceError` when it cannot be signed."""
        try:
            envelope = import_module("securesystemslib.dsse").Envelope(statement, PAYLOAD_TYPE, {})
            envelope.sign(self._signer)
            return _written(envelope.to_dict())
        except Exception as error:  # whatever goes wrong in there, the bundle is not signed
            raise EvidenceError(f"evidence cannot be signed: {error!r}") from error


def load_signer(
    key: Path, passphrase_file: Path | None = None, *, ask: Callable[[str], str] | None = None
) -> KeySigner:
    """Return what signs with the private key in the file `key`.

    Args:
        key: PEM; Ed25519 or ECDSA.
        passphrase_file: holds the passphrase of an encrypted key.
        ask: gives the passphrase of an encrypted key where there is no file; by default the terminal does.

    Raises:
        UsageProblem: when the extra is missing, or the key is not readable, of another kind or locked.

    """
    signers, serialization = _libraries(OPTION)
    data = _read(key, OPTION)
    passphrase = None if passphrase_file is None else _passphrase(passphrase_file)
    if passphrase is None and _is_encrypted(serialization, data):
        passphrase = (ask or _prompt)(f"Passphrase of {key}: ").encode()
    try:
        private = serialization.load_pem_private_key(data, passphrase or None)
    except TypeError:
        why = "needs a passphrase" if passphrase_file is None else f"needs no {FILE_OPTION}"
        raise UsageProblem(f"{OPTION} {key}: {why}") from None
    except Exception as error:  # noqa: BLE001 - the library has many, and none of them is a key
        why = "is no private key in PEM" if passphrase is None else "a wrong passphrase, or damaged"
        raise UsageProblem(f"{OPTION} {key}: {why}: {_first_line(error)}") from None
    try:
        signer = signers.CryptoSigner(private)
        is_ours = signer.public_key.keytype in {"ed25519", "ecdsa"}
    except Exception:  # noqa: BLE001 - likewise
        is_ours = False
    if not is_ours:
        raise UsageProblem(f"{OPTION} {key}: is not {_KEYS}")
    return KeySigner(signer)


def load_public_key(path: Path) -> Any:
    """Return the public key in the file `path` (PEM).

    Raises:
        UsageProblem: when the extra is missing, or the file is not readable or holds something else.

    """
    signers, serialization = _libraries("--key")
    data = _read(path, "--key")
    if b"PRIVATE KEY-----" in data:
        raise UsageProblem(f"--key {path}: is a private key; give the public one")
    try:
        key = signers.SSlibKey.from_crypto(serialization.load_pem_public_key(data))
    except Exception as error:  # noqa: BLE001 - the library has many, and none of them is a key
        raise UsageProblem(f"--key {path}: is no public key in PEM: {_first_line(error)}") from None
    if key.keytype not in {"ed25519", "ecdsa"}:
        raise UsageProblem(f"--key {path}: is not {_KEYS}")
    return key


def read_envelope(data: bytes) -> tuple[bytes, str]:
    """Return the statement in an envelope and the id of the key that is said to have signed it.

    Raises:
        ValueError: when it is not, to the byte, an envelope as `KeySigner` writes it.

    """
    try:
        found = load_json(data)
        (signature,) = found["signatures"]
        statement, name = b64decode(found["payload"], validate=True), str(signature["keyid"])
        signed = b64decode(signature["sig"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"is no signed envelope: {error!r}") from None
    plain = {
        "payload": b64encode(statement).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": name, "sig": b64encode(signed).decode()}],
    }
    if _written(plain) != data:
        raise ValueError("is not as it was written")
    return statement, name


def is_signed_by(data: bytes, key: Any) -> bool:
    """Tell whether `key` signed the envelope `data`, which `read_envelope` can read."""
    envelope = import_module("securesystemslib.dsse").Envelope.from_dict(json.loads(data))
    try:
        envelope.verify([key], 1)
    except import_module("securesystemslib.exceptions").VerificationError:
        return False
    return True


def _libraries(option: str) -> tuple[Any, Any]:
    try:
        serialization = import_module("cryptography.hazmat.primitives.serialization")
        return import_module("securesystemslib.signer"), serialization
    except ImportError:
        raise UsageProblem(f"{option} needs the extra: pip install 'pytest-aisec[signing]'") from None


def _is_encrypted(serialization: Any, data: bytes) -> bool:
    try:
        serialization.load_pem_private_key(data, None)
    except TypeError:
        return True
    except Exception:  # noqa: BLE001 - what it is instead is said where it is loaded
        return False
    return False


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageProblem(f"{option} {path}: cannot be read: {error.strerror}") from None


def _passphrase(path: Path) -> bytes:
    found = _read(path, FILE_OPTION).removesuffix(b"\n").removesuffix(b"\r")
    if not found:
        raise UsageProblem(f"{FILE_OPTION} {path}: is empty")
    return found


def _prompt(text: str) -> str:
    try:
        with Path("/dev/tty").open("rb"):
            pass
    except OSError:
        raise UsageProblem(
            f"{OPTION}: the key has a passphrase, and there is no terminal to ask for it; "
            f"give {FILE_OPTION} FILE"
        ) from None
    return getpass.getpass(text)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _written(envelope: Mapping[str, Any]) -> bytes:
    return (json.dumps(envelope, indent=2) + "\n").encode()
