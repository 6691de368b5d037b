"""Signed manifests of models: what a trusted key says which files belong to a model, and with which content.

Read are DSSE envelopes with an in-toto statement, alone or in a Sigstore bundle as OpenSSF model signing
writes it. The signature is verified here, on the controlling machine; the host only hashes.
"""

from __future__ import annotations

import base64
import binascii
import importlib.util
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Manifest", "TrustedKeys", "read_manifest", "trusted_keys"]

_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENTS = {"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}
_MODEL_SIGNING = "https://model_signing/signature/"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Contents of a signed manifest."""

    digests: Mapping[str, str]
    """SHA-256 by name, relative to where the model begins."""
    is_trusted: bool
    """Whether one of the trusted keys signed it."""


class NoManifest(Exception):
    """A file that is no signed manifest; what it lacks is the message."""


class TrustedKeys:
    """Public keys whose signatures count."""

    def __init__(self, pems: Sequence[bytes]) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - an extra, and slow
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
        from securesystemslib.signer import SSlibKey  # noqa: PLC0415

        try:
            self._keys = [SSlibKey.from_crypto(load_pem_public_key(pem)) for pem in pems]
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Unobservable("parse", f"a trusted key is no public key in PEM: {error}") from None

    def have_signed(self, message: bytes, signatures: Sequence[bytes]) -> bool:
        """Tell whether one of `signatures` over `message` is by one of these keys."""
        from securesystemslib.exceptions import UnverifiedSignatureError  # noqa: PLC0415
        from securesystemslib.signer import Signature  # noqa: PLC0415

        for key in self._keys:
            for signature in signatures:
                try:
                    key.verify_signature(Signature(key.keyid, signature.hex()), message)
                except UnverifiedSignatureError:
                    continue
                return True
        return False


def trusted_keys(paths: Sequence[str]) -> TrustedKeys | None:
    """Return the public keys in files of the controlling machine; `None` where none is named.

    Raises:
        Unobservable: `tool_missing` without the libraries for it, `unreadable` or `parse` for a bad file.

    """
    if not paths:
        return None
    missing = [
        name for name in ("securesystemslib", "cryptography") if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise Unobservable(
            "tool_missing",
            f"{' and '.join(missing)} not installed on the controlling machine: "
            "pip install 'pytest-aisec[models]'",
        )
    pems = []
    for path in paths:
        try:
            pems.append(Path(path).read_bytes())
        except OSError as error:
            raise Unobservable("unreadable", f"trusted key on the controlling machine: {error}") from None
    return TrustedKeys(pems)


@reads
def read_manifest(data: bytes, keys: TrustedKeys | None) -> Manifest:
    """Read a signed manifest.

    Raises:
        NoManifest: when it is none, or says nothing that can be compared.

    """
    try:
        envelope = json.loads(data)
        envelope = envelope.get("dsseEnvelope", envelope)
        payload = base64.b64decode(envelope["payload"], validate=True)
        kind = envelope["payloadType"]
        signatures = [base64.b64decode(item["sig"], validate=True) for item in envelope["signatures"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise NoManifest("not a DSSE envelope nor a Sigstore bundle with one") from None
    if kind != _PAYLOAD:
        raise NoManifest(f"signs a {kind!r}, not an in-toto statement")
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    try:
        digests = _digests(json.loads(payload))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoManifest("the signed statement names no files with SHA-256 digests") from None
    return Manifest(digests=digests, is_trusted=keys is not None and keys.have_signed(message, signatures))


def _digests(statement: Mapping[str, Any]) -> dict[str, str]:
    if statement["_type"] not in _STATEMENTS:
        raise ValueError("type")
    if str(statement.get("predicateType")).startswith(_MODEL_SIGNING):
        predicate = statement["predicate"]
        if predicate["serialization"]["method"] != "files":
            raise ValueError("method")
        entries = [
            (item["name"], item["digest"] if item["algorithm"] == "sha256" else "")
            for item in predicate["resources"]
        ]
    else:
        entries = [(item["name"], item["digest"]["sha256"]) for item in statement["subject"]]
    found: dict[str, str] = {}
    for name, digest in entries:
        plain = posixpath.normpath(name)
        if name.startswith("/") or plain == ".." or plain.startswith("../") or not _DIGEST.fullmatch(digest):
            raise ValueError("name or digest")
        if found.setdefault(plain, digest) != digest:
            raise ValueError("a name twice")
    if not found:
        raise ValueError("nothing")
    return found
