from typing import Any

from pytest_aisec import Host, Unobservable, control, not_applicable, together
from pytest_aisec.facts.windows.powershell import registry, system
from pytest_aisec.facts.windows.protection import (
    defender,
    device_guard,
    has_secure_boot,
    is_feature_enabled,
    preferences,
    protected_view,
)

_WITHOUT_APPLICATION_GUARD = 26100
"""Build of Windows 11 24H2, the first that Application Guard was removed from."""
_EDGE = r"SOFTWARE\Policies\Microsoft\Edge"
_SYSTEM = r"SOFTWARE\Policies\Microsoft\Windows\System"
_EDGE_PATH = r"SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\msedge.exe"
_LSA = r"SYSTEM\CurrentControlSet\Control\Lsa"
_BLOCK, _WARN = 1, 6
_HVCI = 2
_BASE_VIRTUALISATION = 1
_VBS_RUNNING = 2


@control(
    "AISEC-WIN-01",
    severity="high",
    platforms=("windows",),
    objectives=["secure_configuration"],
    nist_800_53=["CM-7", "SC-18", "SC-39", "SC-44"],
    iso_27001=["A.8.1", "A.8.7", "A.8.23"],
    cis_v8_1=["9.1", "9.3", "10.5"],
    soc2=["CC6.8"],
    atlas_techniques=["AML.T0011", "AML.T0078", "AML.T0112"],
    remediation=(
        "Set the policies, by Group Policy or with New-Item -Force and Set-ItemProperty -Type DWord: "
        "HKLM:\\SOFTWARE\\Policies\\Microsoft\\Edge EnhanceSecurityMode 2, SmartScreenEnabled 1, "
        "PreventSmartScreenPromptOverride 1; HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\System "
        "EnableSmartScreen 1 and ShellSmartScreenLevel Block (a string); remove the listed Disable… "
        "values of Office's Protected View. Before Windows 11 24H2 instead: "
        "Enable-WindowsOptionalFeature -Online -FeatureName Windows-Defender-ApplicationGuard, and "
        "restart"
    ),
    remediation_is_words="it is set by policy, in the firmware or with a restart",
)
def test_untrusted_content_is_isolated(host: Host, *, accept_legacy: bool = True) -> None:
    """Untrusted web and document content is isolated.

    A page or document that somebody sends runs code beside models, tokens and training data. Application
    Guard counts only before Windows 11 24H2 (build 26100), which no longer has it.
    """
    wanted = {
        _EDGE: ("EnhanceSecurityMode", "SmartScreenEnabled", "PreventSmartScreenPromptOverride"),
        _SYSTEM: ("EnableSmartScreen", "ShellSmartScreenLevel"),
        _EDGE_PATH: ("",),
    }
    (policies, windows), office = together(
        lambda: together(lambda: registry(host, wanted), lambda: system(host)), lambda: protected_view(host)
    )
    is_core = windows.installation == "Server Core"
    if is_core and policies[_EDGE_PATH, ""] is None and not office.is_installed:
        not_applicable("a Server Core without Edge and Office")
    has_guard = is_feature_enabled(host, "Windows-Defender-ApplicationGuard")
    if accept_legacy and has_guard and windows.build < _WITHOUT_APPLICATION_GUARD:
        return
    level = str(policies[_SYSTEM, "ShellSmartScreenLevel"])
    observed: dict[str, Any] = {
        "Edge EnhanceSecurityMode": policies[_EDGE, "EnhanceSecurityMode"] in (1, 2),
        "Edge SmartScreenEnabled": policies[_EDGE, "SmartScreenEnabled"] == 1,
        "Edge PreventSmartScreenPromptOverride": policies[_EDGE, "PreventSmartScreenPromptOverride"] == 1,
        "Windows EnableSmartScreen": policies[_SYSTEM, "EnableSmartScreen"] == 1,
        "Windows ShellSmartScreenLevel Block": level.lower() == "block",
        "Protected View off": list(office.off),
    }
    expected: dict[str, object] = {name: [] if name == "Protected View off" else True for name in observed}
    if observed == expected and office.is_installed and not office.users:
        raise Unobservable("unreadable", "no user's registry is loaded, so nobody's Protected View was seen")
    assert observed == expected


@control(
    "AISEC-WIN-06",
    severity="high",
    platforms=("windows",),
    objectives=["secure_configuration"],
    nist_800_53=["CM-7", "SC-39", "SI-7(9)", "SI-16"],
    iso_27001=["A.8.1"],
    cis_v8_1=["10.5"],
    soc2=["CC6.8"],
    atlas_techniques=["AML.T0090", "AML.T0112"],
    remediation=(
        "Turn on memory integrity and Secure Boot (firmware), Set-ItemProperty "
        "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa RunAsPPL 1 -Type DWord, then restart; for each "
        "missing rule: Add-MpPreference -AttackSurfaceReductionRules_Ids RULE "
        "-AttackSurfaceReductionRules_Actions Enabled (the rules: {asr_required})"
    ),
    remediation_is_words="it is set by policy, in the firmware or with a restart",
)
def test_virtualisation_based_security_is_on(
    host: Host,
    *,
    asr_required: list[str] = [
        "56a863a9-875e-4185-98a7-b882c64b5ce5",
        "5beb7efe-fd9a-4556-801d-275e5ffc04cc",
        "9e6c4e1f-7d60-472f-ba1a-a39ef669e4b2",
        "be9ba2d9-53ea-4cdc-84e5-9b1eeee46550",
        "d3e037e1-3eb8-44c8-a917-57927947596d",
        "d4f940ab-401b-4efc-aadc-ad5f3c50688a",
        "e6db77e5-3df2-4cf1-b95a-636979351e5b",
    ],
) -> None:
    """Virtualisation-based security, LSA protection and ASR rules are on.

    Without them, whoever becomes administrator once loads a driver, reads every password and token from
    memory and stays. Defender enforces its rules only while it protects in real time.
    """
    (guard, secure_boot), (values, antivirus, settings) = together(
        lambda: together(lambda: device_guard(host), lambda: has_secure_boot(host)),
        lambda: together(
            lambda: registry(host, {_LSA: ("RunAsPPL",)}), lambda: defender(host), lambda: preferences(host)
        ),
    )
    in_force = settings.rules if antivirus is not None and antivirus.real_time else {}
    is_capable = _BASE_VIRTUALISATION in guard.available or guard.status == _VBS_RUNNING
    wanted = sorted(rule.lower().strip("{}") for rule in asr_required)
    observed = {
        "LSA protection": values[_LSA, "RunAsPPL"] in (1, 2),
        "Secure Boot": secure_boot,
        "ASR rules that neither block nor warn": [
            rule for rule in wanted if in_force.get(rule) not in {_BLOCK, _WARN}
        ],
    }
    expected: dict[str, object] = {
        "LSA protection": True,
        "Secure Boot": True,
        "ASR rules that neither block nor warn": [],
    }
    if not is_capable and observed == expected:
        not_applicable("this hardware cannot run virtualisation-based security; all else is on")
    if is_capable:
        observed |= {
            "virtualisation-based security runs": guard.status == _VBS_RUNNING,
            "memory integrity runs": _HVCI in guard.running,
        }
        expected |= {"virtualisation-based security runs": True, "memory integrity runs": True}
    assert observed == expected
