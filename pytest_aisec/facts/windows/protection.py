"""Protection of a Windows host: Defender, isolation, boot and drive encryption."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.windows.powershell import ask, ask_unless, items, only
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "Antivirus",
    "Defender",
    "DeviceGuard",
    "Preferences",
    "ProtectedView",
    "Volume",
    "antiviruses",
    "defender",
    "device_guard",
    "fixed_drives",
    "has_secure_boot",
    "is_feature_enabled",
    "is_virtual",
    "preferences",
    "protected_view",
    "volumes",
]

_DEFENDER = "{D68DDC3A-831F-4FAE-9E44-DA132C1ACF46}"
_VIRTUAL = re.compile(
    r"virtual|vmware|kvm|qemu|xen|hvm domu|bochs|amazon ec2|google compute|parallels|nutanix", re.IGNORECASE
)


def _flag(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    if not isinstance(value, bool):
        raise Unobservable("parse", f"{name} is {value!r}")
    return value


@dataclass(frozen=True, kw_only=True)
class Defender:
    """State in which Microsoft Defender Antivirus runs."""

    service: bool
    real_time: bool
    tamper_protected: bool
    signature_age: int
    """Days; 65535 or more where there never was a signature."""


def defender(host: Host) -> Defender | None:
    """Return how Defender runs; `None` where its service or its management is not installed."""
    found = ask_unless(
        "0x800106BA|0x8004100E|0x80070424",
        host,
        "ConvertTo-Json -Compress -InputObject @(Get-MpComputerStatus | Select-Object AMServiceEnabled,"
        "RealTimeProtectionEnabled,IsTamperProtected,AntivirusSignatureAge)",
    )
    if found is None:
        return None
    row = only(found, "Defender")
    age = row.get("AntivirusSignatureAge")
    if not isinstance(age, int):
        raise Unobservable("parse", f"AntivirusSignatureAge is {age!r}")
    return Defender(
        service=_flag(row, "AMServiceEnabled"),
        real_time=_flag(row, "RealTimeProtectionEnabled"),
        tamper_protected=_flag(row, "IsTamperProtected"),
        signature_age=age,
    )


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """Settings of Defender."""

    exclusions: tuple[str, ...]
    """Paths, processes and extensions that are not scanned."""
    rules: Mapping[str, int]
    """Attack surface reduction rule (GUID in lower case) → 0 off, 1 block, 2 audit, 6 warn."""


def preferences(host: Host) -> Preferences:
    """Return how Defender is set.

    Raises:
        Unobservable: `privilege` where exclusions are hidden from the account that asks.

    """
    found = ask(
        host,
        "ConvertTo-Json -Compress -Depth 3 -InputObject @(Get-MpPreference | Select-Object ExclusionPath,"
        "ExclusionProcess,ExclusionExtension,AttackSurfaceReductionRules_Ids,"
        "AttackSurfaceReductionRules_Actions)",
    )
    row = only(found, "Defender's settings")
    kinds = ("ExclusionPath", "ExclusionProcess", "ExclusionExtension")
    exclusions = [str(value) for kind in kinds for value in items(row.get(kind))]
    hidden = [value for value in exclusions if value.startswith("N/A")]
    if hidden:
        raise Unobservable("privilege", hidden[0])
    rules, actions = (items(row.get(f"AttackSurfaceReductionRules_{part}")) for part in ("Ids", "Actions"))
    if len(rules) != len(actions) or not all(isinstance(action, int) for action in actions):
        raise Unobservable("parse", "attack surface reduction rules and their actions do not match")
    return Preferences(
        exclusions=tuple(sorted(exclusions)),
        rules={str(rule).lower(): action for rule, action in zip(rules, actions, strict=True)},
    )


@dataclass(frozen=True, kw_only=True)
class Antivirus:
    """A product that is registered with the Security Center."""

    name: str
    is_defender: bool
    is_on: bool


def antiviruses(host: Host) -> tuple[Antivirus, ...]:
    """Return the registered products; none on servers, which have no Security Center."""
    found = ask_unless(
        "0x8004100E",
        host,
        "ConvertTo-Json -Compress -InputObject @(Get-CimInstance -Namespace 'root/SecurityCenter2' "
        "-ClassName AntiVirusProduct | Select-Object displayName,instanceGuid,productState)",
    )
    products = []
    for row in found or []:
        state = row.get("productState")
        if not isinstance(state, int):
            raise Unobservable("parse", f"productState is {state!r}")
        products.append(
            Antivirus(
                name=str(row.get("displayName") or ""),
                is_defender=str(row.get("instanceGuid") or "").upper() == _DEFENDER,
                is_on=state & 0xF000 == 0x1000,
            )
        )
    return tuple(sorted(products, key=lambda product: product.name))


@dataclass(frozen=True, kw_only=True)
class DeviceGuard:
    """Virtualisation-based security."""

    status: int
    """0 off, 1 set but not running, 2 running."""
    running: frozenset[int]
    """1 Credential Guard, 2 memory integrity (HVCI)."""
    available: frozenset[int]
    """What the hardware offers; 1 is what all else needs."""


def device_guard(host: Host) -> DeviceGuard:
    """Return whether virtualisation-based security runs, and what of it."""
    found = ask(
        host,
        r"ConvertTo-Json -Compress -Depth 3 -InputObject @("
        r"Get-CimInstance -Namespace 'root\Microsoft\Windows\DeviceGuard' "
        "-ClassName Win32_DeviceGuard | Select-Object VirtualizationBasedSecurityStatus,"
        "SecurityServicesRunning,AvailableSecurityProperties)",
    )
    row = only(found, "virtualisation-based security")
    status = row.get("VirtualizationBasedSecurityStatus")
    lists = [items(row.get(name)) for name in ("SecurityServicesRunning", "AvailableSecurityProperties")]
    if not isinstance(status, int) or not all(isinstance(item, int) for part in lists for item in part):
        raise Unobservable("parse", f"virtualisation-based security is described as {row}")
    return DeviceGuard(status=status, running=frozenset(lists[0]), available=frozenset(lists[1]))


def has_secure_boot(host: Host) -> bool:
    """Tell whether Secure Boot is on; false, too, where the firmware knows none."""
    found = ask_unless(
        "PlatformNotSupported|0xC0000002",
        host,
        "$answer=New-Object psobject -Property @{on=[bool](Confirm-SecureBootUEFI)};"
        "ConvertTo-Json -Compress -InputObject @($answer)",
    )
    return False if found is None else _flag(only(found, "Secure Boot"), "on")


def is_feature_enabled(host: Host, feature: str) -> bool:
    """Tell whether an optional feature of Windows is on; false, too, where there is no such feature."""
    found = ask_unless(
        "0x800F080C",
        host,
        "$found=Get-WindowsOptionalFeature -Online -FeatureName %s;"
        "$answer=New-Object psobject -Property @{state=[string]$found.State};"
        "ConvertTo-Json -Compress -InputObject @($answer)",
        feature,
    )
    return found is not None and only(found, feature).get("state") == "Enabled"


@dataclass(frozen=True, kw_only=True)
class ProtectedView:
    """Settings by which Office opens what comes from elsewhere without its Protected View."""

    is_installed: bool
    """Whether Office is."""
    users: int
    """How many users' registries are loaded: those of users who are logged on."""
    off: tuple[str, ...]
    """The values that turn it off."""


def protected_view(host: Host) -> ProtectedView:
    """Return where Office's Protected View is off, for the users whose registry is loaded."""
    row = only(
        ask(
            host,
            r"$office=@('SOFTWARE\Microsoft\Office\ClickToRun\Configuration',"
            r"'SOFTWARE\Microsoft\Office\16.0\Common\InstallRoot',"
            r"'SOFTWARE\WOW6432Node\Microsoft\Office\16.0\Common\InstallRoot') | "
            "Where-Object {[Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($_)};"
            "$users=[Microsoft.Win32.Registry]::Users;"
            "$sids=@($users.GetSubKeyNames() | Where-Object {$_ -match '^S-1-(5-21|12-1)-[0-9-]+$'});"
            "$found=@(foreach($sid in $sids){foreach($app in 'Word','Excel','PowerPoint'){"
            r"foreach($root in 'Software\Policies\Microsoft\Office\16.0','Software\Microsoft\Office\16.0'){"
            r"$path=$sid+'\'+$root+'\'+$app+'\Security\ProtectedView';$key=$users.OpenSubKey($path);"
            "if($key){foreach($name in $key.GetValueNames()){"
            "if($name -like 'Disable*' -and $key.GetValue($name) -ne 0)"
            r"{$path+'\'+$name}}}}}});"
            "$answer=New-Object psobject -Property @{installed=[bool]$office;users=$sids.Count;off=$found};"
            "ConvertTo-Json -Compress -Depth 3 -InputObject @($answer)",
        ),
        "Protected View",
    )
    users = row.get("users")
    if not isinstance(users, int):
        raise Unobservable("parse", f"users is {users!r}")
    return ProtectedView(
        is_installed=_flag(row, "installed"),
        users=users,
        off=tuple(sorted(str(item) for item in items(row.get("off")))),
    )


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume that BitLocker knows."""

    mount_point: str
    is_system: bool
    protection: str
    """`On`, `Off` or `Unknown`."""
    status: str
    """Such as `FullyEncrypted`."""
    method: str
    """Such as `XtsAes128`."""
    protectors: tuple[str, ...]
    """Such as `Tpm`, `RecoveryPassword`."""


def volumes(host: Host) -> tuple[Volume, ...]:
    """Return the volumes that BitLocker knows, without any key."""
    found = ask(
        host,
        "$rows=@(foreach($volume in Get-BitLockerVolume){New-Object psobject -Property @{"
        "mount=[string]$volume.MountPoint;kind=[string]$volume.VolumeType;"
        "protection=[string]$volume.ProtectionStatus;status=[string]$volume.VolumeStatus;"
        "method=[string]$volume.EncryptionMethod;"
        "protectors=@($volume.KeyProtector | ForEach-Object{[string]$_.KeyProtectorType})}});"
        "ConvertTo-Json -Compress -Depth 4 -InputObject @($rows)",
    )
    return tuple(
        Volume(
            mount_point=str(row.get("mount")),
            is_system=row.get("kind") == "OperatingSystem",
            protection=str(row.get("protection")),
            status=str(row.get("status")),
            method=str(row.get("method")),
            protectors=tuple(sorted(str(item) for item in items(row.get("protectors")) if item)),
        )
        for row in sorted(found, key=lambda row: str(row.get("mount")))
    )


def fixed_drives(host: Host) -> tuple[str, ...]:
    """Return the letters of the drives that are built in, such as `C:`.

    Raises:
        Unobservable: where none is shown: every Windows has one.

    """
    found = ask(
        host,
        "ConvertTo-Json -Compress -InputObject @(Get-CimInstance -ClassName Win32_LogicalDisk "
        "-Filter 'DriveType=3' | Select-Object DeviceID)",
    )
    if not found:
        raise Unobservable("parse", "no built-in drive is shown")
    return tuple(sorted(str(row.get("DeviceID")).upper() for row in found))


def is_virtual(host: Host) -> bool:
    """Tell whether the host says that it is a virtual machine."""
    found = ask(
        host,
        "ConvertTo-Json -Compress -InputObject @(Get-CimInstance -ClassName Win32_ComputerSystem | "
        "Select-Object Manufacturer,Model)",
    )
    row = only(found, "the machine")
    return _VIRTUAL.search(f"{row.get('Manufacturer')} {row.get('Model')}") is not None
