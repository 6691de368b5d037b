"""Sign statements about a bundle without a key, with the identity of a CI job. Needs a network."""

from __future__ import annotations

from base64 import b64decode
from importlib import import_module
from typing import Any

from pytest_aisec.errors import EvidenceError, UsageProblem
from pytest_aisec.evidence.files import load_json

KIND = "sigstore"
OPTION = "--aisec-sign-sigstore"
PREFIX = "sigstore: "
"""Begins what `run.json` has as the signer."""


class SigstoreSigner:
    """Signs with short-lived certificates for one identity: Sigstore bundles."""

    kind = KIND

    def __init__(self, context: Any) -> None:
        self._context = context
        self.name = f"{PREFIX}{_identity().identity}"

    def sign(self, statement: bytes) -> bytes:
        """Return the Sigstore bundle with a statement; raise `EvidenceError` when it cannot be signed."""
        try:
            # The identity that was there at the start may have expired by now.
            with self._context.signer(_identity()) as signer:
                signed = signer.sign_dsse(import_module("sigstore.dsse").Statement(statement))
            return (str(signed.to_json()) + "\n").encode()
        except Exception as error:  # the network, the service, the identity
            raise EvidenceError(f"evidence cannot be signed: {error!r}") from error


def load_signer() -> SigstoreSigner:
    """Return what signs with the identity that the surroundings, such as a CI job, give.

    Raises:
        UsageProblem: when the extra is missing, or there is no identity, or no way to the service.

    """
    try:
        sign, models = import_module("sigstore.sign"), import_module("sigstore.models")
    except ImportError:
        raise UsageProblem(f"{OPTION} needs the extra: pip install 'pytest-aisec[sigstore]'") from None
    try:
        return SigstoreSigner(sign.SigningContext.from_trust_config(models.ClientTrustConfig.production()))
    except UsageProblem:
        raise
    except Exception as error:  # noqa: BLE001 - the network, the service, the identity
        raise UsageProblem(f"{OPTION}: cannot sign: {error!r}") from None


def _identity() -> Any:
    oidc = import_module("sigstore.oidc")
    token = oidc.detect_credential()
    if token is None:
        raise UsageProblem(f"{OPTION}: there is no identity to sign with; the CI job has to allow id tokens")
    return oidc.IdentityToken(token)


def read_statement(data: bytes) -> bytes:
    """Return the statement in a Sigstore bundle, unchecked; raise `ValueError` where there is none."""
    try:
        return b64decode(load_json(data)["dsseEnvelope"]["payload"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"is no Sigstore bundle: {error!r}") from None
