import re
from typing import Annotated, Literal

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, not_applicable, together
from pytest_aisec.facts.windows.protection import (
    antiviruses,
    defender,
    fixed_drives,
    is_virtual,
    preferences,
    volumes,
)

_STRENGTH = {"XtsAes128": 1, "XtsAes256": 2}


@control(
    "AISEC-WIN-05",
    severity="high",
    platforms=("windows",),
    objectives=["secure_configuration"],
    nist_800_53=["CM-7", "SI-3"],
    iso_27001=["A.8.1", "A.8.7"],
    cis_v8_1=["10.1", "10.2"],
    soc2=["CC6.8"],
    atlas_techniques=["AML.T0112"],
    remediation=(
        "Turn on real-time and tamper protection in Windows Security (or Intune); Update-MpSignature; "
        "for each exclusion that is not allowed: Remove-MpPreference -ExclusionPath PATH"
    ),
    remediation_is_words="it is set by policy, in the firmware or with a restart",
)
def test_defender_is_active(
    host: Host,
    *,
    max_age_days: Annotated[int, Field(ge=0)] = 3,
    allow_exclusions: list[str] = [],
) -> None:
    """Microsoft Defender is active, current and tamper-protected.

    An excluded directory is where malware goes, and model caches hold files that run code when loaded.
    """
    products, found = together(lambda: antiviruses(host), lambda: defender(host))
    others = sorted(product.name for product in products if product.is_on and not product.is_defender)
    if others and (found is None or not found.real_time):
        not_applicable(f"another product protects this host: {', '.join(others)}")
    if found is None:
        raise Unobservable("tool_missing", "Defender is not there, and no other product is on")
    if not (found.service and found.real_time):
        excluded: list[str] = []  # Defender does not scan at all
    else:
        allowed = {entry.lower().rstrip("\\") for entry in allow_exclusions}
        excluded = [
            entry for entry in preferences(host).exclusions if entry.lower().rstrip("\\") not in allowed
        ]
    observed = {
        "runs": found.service,
        "protects in real time": found.real_time,
        "tamper-protected": found.tamper_protected,
        f"signatures of the last {max_age_days} days": found.signature_age <= max_age_days,
        "exclusions that are not allowed": excluded,
    }
    expected: dict[str, object] = {**dict.fromkeys(observed, True), "exclusions that are not allowed": []}
    assert observed == expected


@control(
    "AISEC-WIN-08",
    severity="high",
    platforms=("windows",),
    objectives=["secure_configuration", "encryption_at_rest"],
    nist_800_53=["CM-7"],
    iso_27001=["A.8.1"],
    cis_v8_1=["3.6"],
    soc2=["CC6.8"],
    atlas_techniques=["AML.T0112"],
    remediation=(
        "For each drive: Enable-BitLocker -MountPoint DRIVE -EncryptionMethod {min_method} "
        "-RecoveryPasswordProtector; for the system's drive also Add-BitLockerKeyProtector "
        "-TpmProtector; after a suspension: Resume-BitLocker -MountPoint DRIVE"
    ),
    remediation_is_words="it is set by policy, in the firmware or with a restart",
)
def test_drives_are_encrypted(
    host: Host,
    *,
    min_method: Literal["XtsAes128", "XtsAes256"] = "XtsAes128",
    host_encrypts: bool = False,
) -> None:
    """Drives are encrypted.

    Whoever takes the machine or its disk has models, data and every token on it. `host_encrypts` declares
    that the disks of a virtual desktop are encrypted below it; on a physical machine it changes nothing.
    """
    if host_encrypts and is_virtual(host):
        not_applicable("a virtual machine, and the profile declares that its host encrypts the disks")
    drives, known = together(lambda: fixed_drives(host), lambda: volumes(host))
    found = {volume.mount_point.upper().rstrip("\\"): volume for volume in known}
    # A letter that is no built-in drive is a stick; a path is a volume in a directory; the rest has no files.
    folders = [point for point in found if re.match(r"[A-Z]:\\.", point)]
    system = [point for point, volume in found.items() if volume.is_system]
    wrong: dict[str, str] = {}
    for name in sorted({*drives, *folders, *system}):
        volume = found.get(name)
        if volume is None:
            wrong[name] = "BitLocker does not know it"
        elif volume.protection != "On" or volume.status != "FullyEncrypted":
            wrong[name] = f"protection {volume.protection}, {volume.status}"
        elif _STRENGTH.get(volume.method, 0) < _STRENGTH[min_method]:
            wrong[name] = volume.method
        elif volume.is_system and not any(kind.startswith("Tpm") for kind in volume.protectors):
            wrong[name] = f"no TPM: {', '.join(volume.protectors) or 'no protector'}"
    if not system:
        wrong["the system's drive"] = "BitLocker does not know it"
    assert wrong == {}
