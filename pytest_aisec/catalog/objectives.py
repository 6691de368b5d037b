"""Control objectives: the framework ids that always go together.

Several controls serve one objective, and one control may serve several. Which ids an objective has in each
framework is said here alone; `@control` adds to it what is special about a control.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

from pytest_aisec.errors import UsageProblem, nearest

Objective = Literal[
    "authenticated_access",
    "secure_configuration",
    "container_isolation",
    "limited_egress",
    "audit_logging",
    "log_retention",
    "attack_detection",
    "protected_credentials",
    "encryption_at_rest",
    "model_confidentiality",
    "model_integrity",
    "software_supply_chain",
    "known_vulnerabilities",
    "adversarial_testing",
    "training_data",
]
OBJECTIVES: Mapping[Objective, Mapping[str, Sequence[str]]] = {
    # Services answer only who has proved who they are, and only where they have to be reached.
    "authenticated_access": {
        "nist_800_53": ["AC-3", "AC-17", "IA-2", "SC-7"],
        "nist_csf": ["PR.AA-03", "PR.IR-01"],
        "nist_ai_rmf": ["MEASURE 2.7"],
        "nist_ai_600_1": ["MS-2.7-001"],
        "iso_27001": ["A.8.5", "A.8.20", "A.8.21"],
        "iso_42001": ["A.4.5", "A.6.2.5"],
        "cis_v8_1": ["4.4", "4.8"],
        "soc2": ["CC6.1", "CC6.6"],
        "atlas_mitigations": ["AML.M0019"],
        "atlas_techniques": ["AML.T0049"],
        "eu_ai_act": ["15.5"],
    },
    # Programs and the system run with hardened settings.
    "secure_configuration": {
        "nist_800_53": ["CM-6"],
        "nist_csf": ["PR.PS-01"],
        "nist_ai_rmf": ["MEASURE 2.7"],
        "nist_ai_600_1": ["MS-2.7-001"],
        "iso_27001": ["A.8.9"],
        "iso_42001": ["A.4.5"],
        "cis_v8_1": ["4.1"],
        "soc2": ["CC6.1"],
    },
    # What breaks out of a program in a container does not own the host.
    "container_isolation": {
        "nist_800_53": ["AC-6", "CM-6", "CM-7", "SC-39"],
        "nist_csf": ["PR.IR-01", "PR.PS-01"],
        "nist_ai_rmf": ["MEASURE 2.7"],
        "nist_ai_600_1": ["MS-2.7-001"],
        "iso_27001": ["A.8.9", "A.8.22"],
        "iso_42001": ["A.4.5", "A.6.2.5"],
        "cis_v8_1": ["4.1", "16.7"],
        "soc2": ["CC6.1", "CC6.8"],
        "atlas_techniques": ["AML.T0105"],
        "eu_ai_act": ["15.5"],
    },
    # Data leaves the host only on the ways that were meant for it.
    "limited_egress": {
        "nist_800_53": ["AC-4", "SC-7", "SC-7(5)", "SC-7(10)"],
        "nist_csf": ["DE.CM-01", "PR.IR-01"],
        "nist_ai_rmf": ["MEASURE 2.7"],
        "nist_ai_600_1": ["MP-2.2-002", "MS-2.7-001"],
        "iso_27001": ["A.8.12", "A.8.20", "A.8.22"],
        "iso_42001": ["A.4.5"],
        "cis_v8_1": ["4.4", "13.4"],
        "soc2": ["CC6.6", "CC6.7"],
        "owasp_llm": ["LLM02:2025"],
        "atlas_techniques": ["AML.T0025"],
        "eu_ai_act": ["15.5"],
    },
    # What happened can be told afterwards.
    "audit_logging": {
        "nist_800_53": ["AU-2", "AU-3", "AU-12"],
        "nist_csf": ["DE.CM-09", "PR.PS-04"],
        "nist_ai_rmf": ["MANAGE 4.1", "MEASURE 2.4"],
        "nist_ai_600_1": ["MG-4.1-002", "MS-2.7-004"],
        "iso_27001": ["A.8.15"],
        "iso_42001": ["A.6.2.8"],
        "cis_v8_1": ["8.2", "8.5"],
        "soc2": ["CC7.2"],
        "atlas_mitigations": ["AML.M0024"],
        "eu_ai_act": ["12.1", "15.5"],
    },
    # Logs are kept as long as they may be needed.
    "log_retention": {
        "nist_800_53": ["AU-4", "AU-11"],
        "nist_csf": ["PR.PS-04"],
        "nist_ai_rmf": ["MANAGE 4.1"],
        "nist_ai_600_1": ["GV-1.5-003"],
        "iso_27001": ["A.5.33", "A.8.15"],
        "iso_42001": ["A.6.2.8"],
        "cis_v8_1": ["8.3", "8.10"],
        "soc2": ["CC7.2"],
        "atlas_mitigations": ["AML.M0024"],
        "eu_ai_act": ["12.1", "15.5", "19", "26.6"],
    },
    # Attacks are noticed while they happen.
    "attack_detection": {
        "nist_800_53": ["AC-7", "AU-6", "SI-4"],
        "nist_csf": ["DE.AE-02", "DE.CM-01", "DE.CM-03"],
        "nist_ai_rmf": ["MEASURE 2.4"],
        "nist_ai_600_1": ["MS-2.7-004"],
        "iso_27001": ["A.8.15", "A.8.16"],
        "iso_42001": ["A.6.2.6"],
        "cis_v8_1": ["8.11", "13.1"],
        "soc2": ["CC7.2", "CC7.3"],
        "atlas_mitigations": ["AML.M0024"],
        "atlas_techniques": ["AML.T0012"],
        "eu_ai_act": ["26.5"],
    },
    # Credentials are read by nobody but those who need them.
    "protected_credentials": {
        "nist_800_53": ["IA-5", "IA-5(7)"],
        "nist_csf": ["PR.AA-01", "PR.DS-01"],
        "nist_ai_rmf": ["MEASURE 2.7"],
        "nist_ai_600_1": ["MS-2.7-001"],
        "iso_27001": ["A.5.17"],
        "iso_42001": ["A.4.5"],
        "cis_v8_1": ["3.3", "5.2"],
        "soc2": ["CC6.1"],
        "owasp_llm": ["LLM02:2025"],
        "atlas_techniques": ["AML.T0055"],
        "eu_ai_act": ["15.5"],
    },
    # A stolen disk, snapshot or backup tells nothing.
    "encryption_at_rest": {
        "nist_800_53": ["SC-12", "SC-13", "SC-28", "SC-28(1)"],
        "nist_csf": ["PR.DS-01"],
        "nist_ai_rmf": ["MEASURE 2.7"],
        "nist_ai_600_1": ["MS-2.7-001"],
        "iso_27001": ["A.8.24"],
        "iso_42001": ["A.4.5"],
        "cis_v8_1": ["3.11"],
        "soc2": ["C1.1", "CC6.1"],
        "atlas_mitigations": ["AML.M0012"],
        "atlas_techniques": ["AML.T0025"],
        "eu_ai_act": ["15.5"],
    },
    # Weights are read by nobody but those who need them.
    "model_confidentiality": {
        "nist_800_53": ["AC-3", "AC-6"],
        "nist_csf": ["PR.AA-05", "PR.DS-01"],
        "nist_ai_rmf": ["MEASURE 2.7"],
        "nist_ai_600_1": ["MS-2.7-001"],
        "iso_27001": ["A.5.15", "A.8.3"],
        "iso_42001": ["A.4.2", "A.4.5"],
        "cis_v8_1": ["3.3"],
        "soc2": ["C1.1", "CC6.1", "CC6.3"],
        "owasp_llm": ["LLM02:2025"],
        "atlas_mitigations": ["AML.M0005"],
        "atlas_techniques": ["AML.T0044", "AML.T0048.004"],
        "eu_ai_act": ["15.5", "55.1"],
    },
    # A model is the one that was approved, and loading it runs nothing else.
    "model_integrity": {
        "nist_800_53": ["SI-7", "SI-7(1)", "SR-4"],
        "nist_csf": ["ID.RA-09", "PR.DS-01"],
        "nist_ai_rmf": ["MANAGE 3.2", "MEASURE 2.7"],
        "nist_ai_600_1": ["MS-1.1-002", "MS-2.7-005"],
        "iso_27001": ["A.5.21", "A.8.24"],
        "iso_42001": ["A.6.2.4", "A.10.3"],
        "cis_v8_1": ["16.5"],
        "soc2": ["CC6.8", "CC7.1"],
        "owasp_llm": ["LLM03:2025", "LLM04:2025"],
        "atlas_mitigations": ["AML.M0013", "AML.M0014"],
        "atlas_techniques": ["AML.T0010.003", "AML.T0018"],
        "eu_ai_act": ["15.5"],
    },
    # What is installed is what was chosen, from where it was chosen.
    "software_supply_chain": {
        "nist_800_53": ["SI-7", "SR-3", "SR-4", "SR-11"],
        "nist_csf": ["GV.SC-05", "ID.RA-09"],
        "nist_ai_rmf": ["GOVERN 6.1", "MAP 4.1"],
        "nist_ai_600_1": ["MG-3.1-002", "MS-2.7-001"],
        "iso_27001": ["A.5.21", "A.8.19"],
        "iso_42001": ["A.4.4", "A.10.3"],
        "cis_v8_1": ["2.6", "16.4", "16.5"],
        "soc2": ["CC6.8", "CC8.1", "CC9.2"],
        "owasp_llm": ["LLM03:2025"],
        "atlas_techniques": ["AML.T0010.001"],
        "eu_ai_act": ["15.5"],
    },
    # Nothing with a published vulnerability stays in use.
    "known_vulnerabilities": {
        "nist_800_53": ["RA-5", "SI-2"],
        "nist_csf": ["ID.RA-01", "PR.PS-02"],
        "nist_ai_rmf": ["MANAGE 3.1", "MEASURE 2.7"],
        "nist_ai_600_1": ["MG-3.1-002", "MS-2.7-001"],
        "iso_27001": ["A.8.8"],
        "iso_42001": ["A.4.4", "A.10.3"],
        "cis_v8_1": ["7.4", "7.5", "7.7"],
        "soc2": ["CC7.1"],
        "owasp_llm": ["LLM03:2025"],
        "atlas_mitigations": ["AML.M0016"],
        "atlas_techniques": ["AML.T0010.001"],
        "eu_ai_act": ["15.5"],
    },
    # The model withstands those who want it to fail.
    "adversarial_testing": {
        "nist_800_53": ["CA-8", "SA-11", "SI-10"],
        "nist_csf": ["ID.IM-02", "ID.RA-01"],
        "nist_ai_rmf": ["MEASURE 2.6", "MEASURE 2.7"],
        "nist_ai_600_1": ["MS-2.6-007", "MS-2.7-007", "MS-4.2-001"],
        "iso_27001": ["A.8.29"],
        "iso_42001": ["A.6.2.4"],
        "cis_v8_1": ["16.13", "18.2"],
        "soc2": ["CC4.1", "CC7.1"],
        "eu_ai_act": ["15.4", "15.5", "55.1"],
    },
    # Training data is known, and changed by nobody else.
    "training_data": {
        "nist_800_53": ["SI-7", "SR-4"],
        "nist_csf": ["ID.AM-07", "PR.DS-01"],
        "nist_ai_rmf": ["MAP 4.2", "MEASURE 2.7"],
        "nist_ai_600_1": ["MG-2.2-002", "MG-4.1-006", "MS-2.5-005"],
        "iso_27001": ["A.5.9", "A.8.3"],
        "iso_42001": ["A.7.4", "A.7.5"],
        "cis_v8_1": ["3.2"],
        "soc2": ["CC7.1", "CC8.1"],
        "owasp_llm": ["LLM04:2025"],
        "atlas_mitigations": ["AML.M0025"],
        "atlas_techniques": ["AML.T0020", "AML.T0059"],
        "eu_ai_act": ["10.2", "15.5"],
    },
}
"""Objective → framework key → ids, in the framework's order."""


def merged(objectives: Iterable[Objective], own: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the ids of a control, by framework: those of its objectives and its own.

    Without an objective, the ids stay in the order of the author; otherwise they are in the framework's.

    Raises:
        UsageProblem: when there is no such objective.

    """
    found = {key: dict.fromkeys(ids) for key, ids in own.items()}
    if not (names := tuple(objectives)):
        return {key: tuple(ids) for key, ids in own.items()}
    for name in names:
        if name not in OBJECTIVES:
            raise UsageProblem(f"unknown objective {name!r}. {nearest(name, get_args(Objective))}")
        for key, ids in OBJECTIVES[name].items():
            found.setdefault(key, {}).update(dict.fromkeys(ids))
    return {key: tuple(sorted(ids, key=_in_order)) for key, ids in found.items()}


def _in_order(framework_id: str) -> list[tuple[int, str]]:
    """Return a key that sorts `AC-3` before `AC-17`."""
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", framework_id)
    ]
