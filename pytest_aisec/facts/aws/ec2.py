"""EC2: instances with their addresses and disks, and security groups with what they let in."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from pytest_aisec.facts.aws.client import Account, Call, rows
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = [
    "Instance",
    "InstanceId",
    "InstanceType",
    "Rule",
    "SecurityGroup",
    "Volume",
    "attachments",
    "instances",
    "parse_group",
    "parse_instance",
    "prefix_lists",
    "security_groups",
    "volumes",
    "widest",
]

InstanceId = Annotated[str, Field(pattern=r"^i-[0-9a-f]+$")]
InstanceType = Annotated[str, Field(pattern=r"^[a-z0-9.*?\[\]-]+$")]
"""Such as `p5.48xlarge` or, of many types, `p*`."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_AT_ONCE = 100
"""Ids in one call: a filter takes 200 values."""
_TCP = {"tcp", "6", "-1"}
_ID = re.compile(r"[a-z]+-[0-9a-z]+")


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One instance that is not terminated."""

    region: str
    id: str
    type: str
    state: str
    """Such as `running` or `stopped`."""
    metadata_tokens: str
    """`required` for IMDSv2, `optional` for either version, `off` where there is no metadata service."""
    metadata_hops: int
    public_addresses: tuple[str, ...]
    """Addresses that the Internet can route to, IPv6 included."""
    volumes: tuple[str, ...]
    """Ids of attached EBS volumes."""

    @property
    def where(self) -> str:
        """Region, id and type."""
        return f"{self.region} {self.id} ({self.type})"


@dataclass(frozen=True, kw_only=True)
class Volume:
    """One EBS volume."""

    id: str
    is_encrypted: bool
    attached_to: tuple[str, ...]
    """Ids of instances."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a security group lets in over TCP."""

    first_port: int
    last_port: int
    networks: tuple[Network, ...]
    prefix_lists: tuple[str, ...]
    """Ids; see `prefix_lists`."""

    def reaches(self, ports: Iterable[int]) -> tuple[int, ...]:
        """Return those of `ports` that it lets in."""
        return tuple(sorted({port for port in ports if self.first_port <= port <= self.last_port}))


@dataclass(frozen=True, kw_only=True)
class SecurityGroup:
    """One security group."""

    region: str
    id: str
    name: str
    rules: tuple[Rule, ...]
    """Its rules for incoming TCP, or for all protocols."""

    @property
    def where(self) -> str:
        """Region, id and name."""
        return f"{self.region} {self.id} ({self.name})"


def _bad(operation: str, item: object) -> Unobservable:
    return Unobservable("parse", f"aws ec2 {operation}: not as expected: {str(item)[:80]}")


def _chunks(ids: Iterable[str]) -> Iterator[str]:
    rest = iter(ids)
    while part := list(islice(rest, _AT_ONCE)):
        yield ",".join(part)


_INSTANCE = (
    "Reservations[].Instances[].{InstanceId:InstanceId,InstanceType:InstanceType,State:State.Name,"
    "MetadataOptions:MetadataOptions,PublicIpAddress:PublicIpAddress,Ipv6Address:Ipv6Address,"
    "Volumes:BlockDeviceMappings[].Ebs.VolumeId,Interfaces:NetworkInterfaces[].{Association:Association,"
    "Private:PrivateIpAddresses[].Association,Ipv6:Ipv6Addresses[].Ipv6Address}}"
)
_VOLUME = "Volumes[].{VolumeId:VolumeId,Encrypted:Encrypted,AttachedTo:Attachments[].InstanceId}"
_GROUP = "SecurityGroups[].{GroupId:GroupId,GroupName:GroupName,IpPermissions:IpPermissions}"
_INTERFACE = "NetworkInterfaces[].{Id:NetworkInterfaceId,Groups:Groups[].GroupId}"


@reads
def parse_instance(item: Mapping[str, Any], *, region: str) -> Instance:
    """Return one instance from an answer in which it has been reduced to what is judged.

    Raises:
        Unobservable: `parse`, when any of that is not there.

    """
    options, found, interfaces = item.get("MetadataOptions"), item.get("Volumes"), item.get("Interfaces")
    if (
        not isinstance(options, dict)
        or not {"HttpTokens", "HttpPutResponseHopLimit"} <= set(options)
        or not isinstance(found, list)
        or not isinstance(interfaces, list)
        or not _ID.fullmatch(str(item.get("InstanceId")))
    ):
        raise _bad("describe-instances", item)
    return Instance(
        region=region,
        id=str(item["InstanceId"]),
        type=str(item.get("InstanceType")),
        state=str(item.get("State")),
        metadata_tokens="off" if options.get("HttpEndpoint") == "disabled" else str(options["HttpTokens"]),
        metadata_hops=int(options["HttpPutResponseHopLimit"]),
        public_addresses=tuple(dict.fromkeys(_public(item, interfaces))),
        volumes=tuple(str(volume) for volume in found),
    )


def _public(item: Mapping[str, Any], interfaces: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from filter(None, [item.get("PublicIpAddress")])
    own = [item["Ipv6Address"]] if item.get("Ipv6Address") else []
    for interface in interfaces:
        for association in (interface.get("Association"), *(interface.get("Private") or [])):
            for kind in ("PublicIp", "CarrierIp"):
                yield from filter(None, [(association or {}).get(kind)])
        own += interface.get("Ipv6") or []
    yield from (address for address in own if not ipaddress.ip_address(address).is_private)


def instances(account: Account, types: Sequence[str]) -> list[Instance]:
    """Return the account's instances whose type is one of `types` or fits it, by region and id."""
    answers = account.ask(
        [
            Call(
                words=(
                    *("ec2", "describe-instances", "--region", region),
                    *("--filters", "Name=instance-state-name,Values=pending,running,stopping,stopped"),
                    *("--query", _INSTANCE),
                )
            )
            for region in account.regions
        ]
    )
    found = [
        parse_instance(item, region=region)
        for region, answer in zip(account.regions, answers, strict=True)
        for item in rows(answer)
        if any(fnmatch.fnmatchcase(_type(item), shape) for shape in types)
    ]
    return sorted(found, key=lambda instance: (instance.region, instance.id))


@reads
def _type(item: Mapping[str, Any]) -> str:
    if not isinstance(item.get("InstanceType"), str):
        raise _bad("describe-instances", item)
    return str(item["InstanceType"])


def volumes(account: Account, attached_to: Sequence[Instance]) -> dict[str, Volume]:
    """Return the EBS volumes that are attached to the instances, by id.

    Raises:
        Unobservable: `unreadable`, when an instance has a volume that is not among them.

    """
    ids: dict[str, list[str]] = {}
    for instance in attached_to:
        ids.setdefault(instance.region, []).append(instance.id)
    answers = account.ask(
        [
            Call(
                words=(
                    *("ec2", "describe-volumes", "--region", region),
                    *("--filters", f"Name=attachment.instance-id,Values={part}"),
                    *("--query", _VOLUME),
                )
            )
            for region, found in ids.items()
            for part in _chunks(found)
        ]
    )
    found = {volume.id: volume for answer in answers for volume in map(_volume, rows(answer))}
    unseen = sorted({volume for instance in attached_to for volume in instance.volumes} - set(found))
    if unseen:
        raise Unobservable("unreadable", f"attached, but not among the volumes: {', '.join(unseen)}")
    return found


@reads
def _volume(item: Mapping[str, Any]) -> Volume:
    if not _ID.fullmatch(str(item.get("VolumeId"))) or not (
        isinstance(item.get("Encrypted"), bool) and isinstance(item.get("AttachedTo"), list)
    ):
        raise _bad("describe-volumes", item)
    return Volume(
        id=str(item["VolumeId"]), is_encrypted=item["Encrypted"], attached_to=tuple(item["AttachedTo"])
    )


@reads
def parse_group(item: Mapping[str, Any], *, region: str) -> SecurityGroup:
    """Return one security group of `aws ec2 describe-security-groups`.

    Raises:
        Unobservable: `parse`, when it is none.

    """
    permissions = item.get("IpPermissions")
    if not isinstance(permissions, list) or not _ID.fullmatch(str(item.get("GroupId"))):
        raise _bad("describe-security-groups", item)
    return SecurityGroup(
        region=region,
        id=str(item["GroupId"]),
        name=str(item.get("GroupName", "")),
        rules=tuple(_rule(each) for each in permissions if str(each.get("IpProtocol")) in _TCP),
    )


def _rule(item: Mapping[str, Any]) -> Rule:
    try:
        networks = [
            *(ipaddress.ip_network(each["CidrIp"]) for each in item.get("IpRanges") or []),
            *(ipaddress.ip_network(each["CidrIpv6"]) for each in item.get("Ipv6Ranges") or []),
        ]
        lists = tuple(str(each["PrefixListId"]) for each in item.get("PrefixListIds") or [])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _bad("describe-security-groups", item) from None
    first, last = item.get("FromPort"), item.get("ToPort")
    is_all = item.get("IpProtocol") == "-1" or first in {None, -1} or last in {None, -1}
    return Rule(
        first_port=0 if is_all else int(str(first)),
        last_port=65535 if is_all else int(str(last)),
        networks=tuple(networks),
        prefix_lists=lists,
    )


def security_groups(account: Account) -> list[SecurityGroup]:
    """Return all security groups, by region and id."""
    answers = account.ask(
        [
            Call(words=("ec2", "describe-security-groups", "--region", region, "--query", _GROUP))
            for region in account.regions
        ]
    )
    found = [
        parse_group(item, region=region)
        for region, answer in zip(account.regions, answers, strict=True)
        for item in rows(answer)
    ]
    return sorted(found, key=lambda group: (group.region, group.id))


def prefix_lists(account: Account, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Network]]:
    """Return the networks in prefix lists, given and keyed by region and id."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    answers = account.ask(
        [
            Call(
                words=(
                    *("ec2", "get-managed-prefix-list-entries", "--region", region),
                    *("--prefix-list-id", name),
                )
            )
            for region, name in keys
        ]
    )
    try:
        return {
            key: [ipaddress.ip_network(item["Cidr"]) for item in rows(answer, "Entries")]
            for key, answer in zip(keys, answers, strict=True)
        }
    except (KeyError, ValueError) as error:
        raise _bad("get-managed-prefix-list-entries", error) from None


def attachments(account: Account, groups: Sequence[SecurityGroup]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the network interfaces that each group is attached to, keyed by region and group id."""
    ids: dict[str, list[str]] = {}
    for group in groups:
        ids.setdefault(group.region, []).append(group.id)
    asked = [(region, part) for region, found in ids.items() for part in _chunks(found)]
    if not asked:
        return {}
    answers = account.ask(
        [
            Call(
                words=(
                    *("ec2", "describe-network-interfaces", "--region", region),
                    *("--filters", f"Name=group-id,Values={part}"),
                    *("--query", _INTERFACE),
                )
            )
            for region, part in asked
        ]
    )
    found_by: dict[tuple[str, str], set[str]] = {(group.region, group.id): set() for group in groups}
    for (region, _), answer in zip(asked, answers, strict=True):
        for item in rows(answer):
            if not isinstance(item.get("Groups"), list) or not item.get("Id"):
                raise _bad("describe-network-interfaces", item)
            for group_id in item["Groups"]:
                if (region, group_id) in found_by:
                    found_by[region, group_id].add(str(item["Id"]))
    return {key: tuple(sorted(names)) for key, names in found_by.items()}


def widest(networks: Iterable[Network]) -> list[Network]:
    """Return the ranges that `networks` come to together, those of IPv4 first, neighbours joined."""
    listed = list(networks)
    return [
        *ipaddress.collapse_addresses(n for n in listed if isinstance(n, ipaddress.IPv4Network)),
        *ipaddress.collapse_addresses(n for n in listed if isinstance(n, ipaddress.IPv6Network)),
    ]
