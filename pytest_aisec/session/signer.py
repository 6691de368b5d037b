"""What signs the evidence of this run: checked before a host is contacted, by the controlling process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.session import hosts
from pytest_aisec.session.keys import SIGNER

if TYPE_CHECKING:
    # Connections begin before anything of that size is loaded.
    from pytest_aisec.evidence.signing.keys import Signer


def prepare(config: pytest.Config) -> None:
    """Make ready to sign, where the command line asks for it.

    Raises:
        pytest.UsageError: exit code 4, with one message.

    """
    option = config.option
    asked = option.aisec_sign_key or option.aisec_sign_passphrase_file or option.aisec_sign_sigstore
    if not asked or hasattr(config, "workerinput") or hosts.only_asks_pytest(config):
        return
    try:
        config.stash[SIGNER] = _signer(config)
    except UsageProblem as problem:
        if option.aisec_exit == "simple":
            pytest.exit(str(problem), returncode=1)
        raise pytest.UsageError(str(problem)) from None


def _signer(config: pytest.Config) -> Signer:
    from pytest_aisec.evidence.signing import keys, sigstore  # noqa: PLC0415 - only where something is signed

    option, here = config.option, config.invocation_params.dir
    if option.aisec_sign_sigstore and option.aisec_sign_key:
        raise UsageProblem(f"{keys.OPTION} and {sigstore.OPTION} cannot be given together")
    if option.aisec_sign_passphrase_file and not option.aisec_sign_key:
        raise UsageProblem(f"{keys.FILE_OPTION} is for {keys.OPTION}, which is not given")
    if option.aisec_sign_sigstore:
        return sigstore.load_signer()
    passphrase = option.aisec_sign_passphrase_file
    return keys.load_signer(
        here / Path(option.aisec_sign_key).expanduser(),
        here / Path(passphrase).expanduser() if passphrase else None,
    )
