from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, control, not_applicable
from pytest_aisec.facts.aws.client import AccountId, Region, account
from pytest_aisec.facts.aws.ec2 import Instance, InstanceId, InstanceType, Volume, instances, volumes
from pytest_aisec.facts.aws.security_groups import (
    Network,
    Rule,
    attachments,
    prefix_lists,
    security_groups,
    widest,
)
from pytest_aisec.facts.system.sockets import Port

_INTERNET = {4: 7, 6: 16}
"""A range of addresses with a prefix of this length or a shorter one is the Internet."""


def _faults(
    instance: Instance, disks: Mapping[str, Volume], *, max_hops: int, may_be_public: bool
) -> Iterator[str]:
    if instance.metadata_tokens not in {"required", "off"}:
        yield "IMDSv1 answers"
    if instance.metadata_tokens != "off" and instance.metadata_hops > max_hops:
        yield f"metadata reaches {instance.metadata_hops} hops"
    if not may_be_public:
        yield from (f"public address {address}" for address in instance.public_addresses)
    attached = {disk.id for disk in disks.values() if instance.id in disk.attached_to}
    for name in sorted(attached | set(instance.volumes)):
        if not disks[name].is_encrypted:
            yield f"disk {name} not encrypted"


@control(
    "AISEC-CLD-09",
    severity="high",
    platforms=("linux", "darwin"),
    objectives=["secure_configuration", "protected_credentials", "encryption_at_rest"],
    nist_800_53=["AC-3", "SC-7"],
    nist_csf=["PR.AA-05"],
    iso_27001=["A.5.23"],
    atlas_techniques=["AML.T0075"],
    remediation=(
        'for i in INSTANCE; do aws ec2 modify-instance-metadata-options --instance-id "$i" '
        "--http-tokens required --http-put-response-hop-limit {max_hops}; done; aws ec2 "
        "enable-ebs-encryption-by-default  # take public addresses away (aws ec2 disassociate-address; "
        "subnets without --map-public-ip-on-launch) or list the instance in allow_public; replace open "
        "disks by encrypted copies (aws ec2 copy-snapshot --encrypted)"
    ),
)
def test_gpu_instances_are_closed(
    host: Host,
    *,
    regions: list[Region] = [],
    account_id: AccountId | None = None,
    instance_types: list[InstanceType] = ["p*", "g*", "trn*", "inf*", "dl*"],
    max_hops: Annotated[int, Field(ge=1, le=64)] = 1,
    allow_public: list[InstanceId] = [],
) -> None:
    """GPU instances use IMDSv2, private addresses and encrypted disks.

    One forged request to the old metadata service gives a stranger the instance's role, and with it weights
    and data. A routable IPv6 address counts as public.
    """
    aws = account(host, regions=regions, account_id=account_id)
    found = instances(aws, instance_types)
    if not found:
        kinds, places = ", ".join(instance_types), ", ".join(aws.regions)
        not_applicable(f"no instance of types {kinds} in {places}", claims=["instance_types"])
    disks = volumes(aws, found)
    wrong = {}
    for instance in found:
        faults = list(_faults(instance, disks, max_hops=max_hops, may_be_public=instance.id in allow_public))
        if faults:
            wrong[instance.where] = faults
    assert wrong == {}


def _open(rule: Rule, listed: Mapping[str, list[Network]]) -> list[str]:
    """Return the ranges of the Internet that a rule lets in."""
    networks = [*rule.networks, *(network for name in rule.prefix_lists for network in listed[name])]
    return [str(network) for network in widest(networks) if network.prefixlen <= _INTERNET[network.version]]


@control(
    "AISEC-CLD-10",
    severity="critical",
    platforms=("linux", "darwin"),
    objectives=["authenticated_access", "secure_configuration"],
    nist_csf=["PR.AA-05"],
    iso_27001=["A.5.23", "A.8.22"],
    cis_v8_1=["12.2"],
    atlas_techniques=["AML.T0006"],
    remediation=(
        "aws ec2 revoke-security-group-ingress --group-id GROUP --protocol tcp --port PORT --cidr "
        "0.0.0.0/0  # likewise for ::/0 and for rules of all protocols; then "
        "authorize-security-group-ingress with the addresses that need it"
    ),
)
def test_security_groups_expose_no_ai_service(
    host: Host,
    *,
    ai_ports: list[Port] = [
        *(22, 2375, 3000, 3389, 4040, 5000, 5678, 6006, 6333, 6379, 7860, 8000, 8001, 8002, 8080, 8081),
        *(8082, 8188, 8265, 8501, 8786, 8787, 8888, 9090, 9400, 10001, 11434, 19530),
    ],
    regions: list[Region] = [],
    account_id: AccountId | None = None,
    attached_only: bool = True,
) -> None:
    """Security groups expose no AI service port to the Internet.

    Notebooks, model servers and dashboards ask for no password by default: a port that is open to everyone
    is found within hours. Judges TCP, IPv4 and IPv6, prefix lists included.
    """
    aws = account(host, regions=regions, account_id=account_id)
    groups = security_groups(aws)
    if not groups:
        not_applicable(f"no security group in {', '.join(aws.regions)}")
    wanted = [
        (group.region, name)
        for group in groups
        for rule in group.rules
        if rule.reaches(ai_ports)
        for name in rule.prefix_lists
    ]
    listed = prefix_lists(aws, wanted)
    exposed = {}
    for group in groups:
        of_region = {name: networks for (region, name), networks in listed.items() if region == group.region}
        ways = [
            f"{', '.join(map(str, ports))} from {', '.join(sources)}"
            for rule in group.rules
            if (ports := rule.reaches(ai_ports)) and (sources := _open(rule, of_region))
        ]
        if ways:
            exposed[group] = ways
    used = attachments(aws, list(exposed)) if attached_only else {}
    wrong = {}
    for group, ways in exposed.items():
        interfaces = used.get((group.region, group.id), ())
        if interfaces or not attached_only:
            wrong[group.where] = ways + ([f"attached to {', '.join(interfaces)}"] if interfaces else [])
    assert wrong == {}
