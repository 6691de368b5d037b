"""Security groups of an AWS account: which networks they let in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pytest_aisec.facts.aws.client import Account, Call, rows
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = [
    "RESOURCE_ID",
    "Rule",
    "SecurityGroup",
    "attachments",
    "chunks",
    "malformed",
    "parse_group",
    "prefix_lists",
    "security_groups",
    "widest",
]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_AT_ONCE = 100
"""Ids in one call: a filter takes 200 values."""

_TCP = {"tcp", "6", "-1"}

RESOURCE_ID = re.compile(r"[a-z]+-[0-9a-z]+")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Networks and ports that a security group lets in over TCP."""

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


def malformed(operation: str, item: object) -> Unobservable:
    """Return the fault of an answer that is not as the API describes it."""
    return Unobservable("parse", f"aws ec2 {operation}: not as expected: {str(item)[:80]}")


def chunks(ids: Iterable[str]) -> Iterator[str]:
    """Yield ids, as many at a time as one call takes, joined by commas."""
    rest = iter(ids)
    while part := list(islice(rest, _AT_ONCE)):
        yield ",".join(part)


_GROUP = "SecurityGroups[].{GroupId:GroupId,GroupName:GroupName,IpPermissions:IpPermissions}"

_RANGES = ("IpRanges", "Ipv6Ranges", "PrefixListIds")
_INTERFACE = "NetworkInterfaces[].{Id:NetworkInterfaceId,Groups:Groups[].GroupId}"


@reads
def parse_group(item: Mapping[str, Any], *, region: str) -> SecurityGroup:
    """Return one security group of `aws ec2 describe-security-groups`.

    Raises:
        Unobservable: `parse`, when it is none.

    """
    permissions = item.get("IpPermissions")
    is_said = isinstance(permissions, list) and all(_has_types(each) for each in permissions)
    if not is_said or not RESOURCE_ID.fullmatch(str(item.get("GroupId"))):
        raise malformed("describe-security-groups", item)
    return SecurityGroup(
        region=region,
        id=str(item["GroupId"]),
        name=str(item.get("GroupName", "")),
        rules=tuple(_rule(each) for each in permissions or () if each["IpProtocol"] in _TCP),
    )


def _has_types(permission: object) -> bool:
    """Tell whether a permission names its protocol, and its ranges in lists as far as it has any."""
    return (
        isinstance(permission, dict)
        and isinstance(permission.get("IpProtocol"), str)
        and all(isinstance(permission.get(name, []), list) for name in _RANGES)
    )


def _rule(item: Mapping[str, Any]) -> Rule:
    try:
        networks = [
            *(ipaddress.ip_network(each["CidrIp"]) for each in item.get("IpRanges", [])),
            *(ipaddress.ip_network(each["CidrIpv6"]) for each in item.get("Ipv6Ranges", [])),
        ]
        lists = tuple(str(each["PrefixListId"]) for each in item.get("PrefixListIds", []))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise malformed("describe-security-groups", item) from None
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
        [Call.to(region, "ec2", "describe-security-groups", "--query", _GROUP) for region in account.regions]
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
            Call.to(region, "ec2", "get-managed-prefix-list-entries", "--prefix-list-id", name)
            for region, name in keys
        ]
    )
    try:
        return {
            key: [ipaddress.ip_network(item["Cidr"]) for item in rows(answer, "Entries")]
            for key, answer in zip(keys, answers, strict=True)
        }
    except (KeyError, ValueError) as error:
        raise malformed("get-managed-prefix-list-entries", error) from None


def attachments(account: Account, groups: Sequence[SecurityGroup]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the network interfaces that each group is attached to, keyed by region and group id."""
    ids: dict[str, list[str]] = {}
    for group in groups:
        ids.setdefault(group.region, []).append(group.id)
    asked = [(region, part) for region, found in ids.items() for part in chunks(found)]
    if not asked:
        return {}
    answers = account.ask(
        [
            Call.to(
                region,
                *("ec2", "describe-network-interfaces"),
                *("--filters", f"Name=group-id,Values={part}"),
                *("--query", _INTERFACE),
            )
            for region, part in asked
        ]
    )
    found_by: dict[tuple[str, str], set[str]] = {(group.region, group.id): set() for group in groups}
    for (region, part), answer in zip(asked, answers, strict=True):
        for item in rows(answer):
            held = item.get("Groups")
            if not isinstance(held, list) or not all(isinstance(each, str) for each in held):
                raise malformed("describe-network-interfaces", item)
            if not item.get("Id") or not {*part.split(",")} & {*held}:  # those are asked for
                raise malformed("describe-network-interfaces", item)
            for group_id in held:
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
