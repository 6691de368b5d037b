from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.system.elsewhere import elsewhere
from pytest_aisec.facts.system.volumes import Volume, volumes


@control(
    "AISEC-DAT-04",
    severity="high",
    objectives=["encryption_at_rest"],
    iso_42001=["A.4.3"],
    owasp_llm=["LLM02:2025"],
    atlas_techniques=["AML.T0037"],
    remediation=(
        "Move the data to a volume made with cryptsetup luksFormat and luksOpen, or encrypt the "
        "directory with fscrypt; mount NFS with sec=krb5p or xprtsec=tls and CIFS with seal; what a "
        "cloud encrypts, declare in encrypted_elsewhere, for example /mnt/ai_training_data: ebs-kms"
    ),
    remediation_is_words="data are moved to another volume, with a passphrase that is nobody else's",
)
def test_training_data_is_on_encrypted_volumes(
    host: Host,
    *,
    data_dirs: list[str] = ["/mnt/ai_training_data"],
    accept_declared: list[str] = ["ebs-kms", "fsx-kms"],
    encrypted_elsewhere: Annotated[dict[str, str], Field()] = {},
) -> None:
    """Training data is stored on encrypted volumes.

    Who gets hold of a disk, a snapshot or a backup can read what lies there in the clear.
    """
    if not data_dirs:
        not_applicable("no data directory is named", claims=["data_dirs"])
    seen = volumes(host, data_dirs)
    plain: dict[str, str] = {}
    if is_declared("data_dirs"):
        plain = dict.fromkeys(seen.absent, "declared, but absent")
    for directory, kind in encrypted_elsewhere.items():
        if kind not in accept_declared:
            plain[directory] = f"declared as {kind}, which is not accepted"
    for volume in seen.volumes:
        declared = encrypted_elsewhere.get(volume.directory, encrypted_elsewhere.get(volume.target, ""))
        if not _is_encrypted(volume, declared=declared in accept_declared):
            inside = volume.target.startswith(volume.directory)
            plain[volume.target if inside else volume.directory] = volume.why
    unknown = [
        fault
        for directory, fault in seen.faults.items()
        if encrypted_elsewhere.get(directory) not in accept_declared or fault.reason == "privilege"
    ]
    raise_unless(plain, unknown)
    if not plain and len(seen.absent) == len(data_dirs):
        not_applicable(
            f"there is no directory {', '.join(data_dirs)}",
            claims=["data_dirs"],
            elsewhere=elsewhere(host, "data", "data_dirs", data_dirs),
        )
    assert plain == {}


def _is_encrypted(volume: Volume, *, declared: bool) -> bool:
    if volume.is_encrypted is None:
        return declared and volume.is_encrypted_in_transit
    return volume.is_encrypted or declared
