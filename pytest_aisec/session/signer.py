"""The signer of this run's evidence, checked by the controlling process before a host is contacted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aisec.errors import UsageProblem
from pytest_aisec.session.request import AuditRequest

if TYPE_CHECKING:
    # Connections begin before anything of that size is loaded.
    from pytest_aisec.evidence.signing.keys import Signer


def prepare(request: AuditRequest) -> Signer | None:
    """Make ready to sign, where the command line asks for it.

    Raises:
        pytest.UsageError: exit code 4, with one message.

    """
    asked = request.sign_key or request.sign_passphrase_file or request.sign_sigstore
    if not asked or request.is_worker or request.only_asks_pytest:
        return None
    try:
        return _signer(request)
    except UsageProblem as problem:
        request.refuse(str(problem))


def _signer(request: AuditRequest) -> Signer:
    from pytest_aisec.evidence.signing import keys, sigstore  # noqa: PLC0415 - only where something is signed

    if request.sign_sigstore and request.sign_key:
        raise UsageProblem(f"{keys.OPTION} and {sigstore.OPTION} cannot be given together")
    if request.sign_sigstore and not request.sign_passphrase_file:
        return sigstore.load_signer()
    if request.sign_key is None:
        raise UsageProblem(f"{keys.FILE_OPTION} is for {keys.OPTION}, which is not given")
    return keys.load_signer(request.sign_key, request.sign_passphrase_file)
