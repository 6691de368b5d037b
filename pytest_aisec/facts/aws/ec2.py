"""EC2: instances with their addresses and disks, and security groups with what they let in."""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from pytest_aisec.facts.aws.client import Account, Call, rows
from pytest_aisec.facts.aws.security_groups import RESOURCE_ID, chunks, malformed
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Instance", "InstanceId", "InstanceType", "Volume", "instances", "parse_instance", "volumes"]

InstanceId = Annotated[str, Field(pattern=r"^i-[0-9a-f]+$")]
InstanceType = Annotated[str, Field(pattern=r"^[a-z0-9.*?\[\]-]+$")]
"""Such as `p5.48xlarge` or, of many types, `p*`."""


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


_INSTANCE = (
    "Reservations[].Instances[].{InstanceId:InstanceId,InstanceType:InstanceType,State:State.Name,"
    "MetadataOptions:MetadataOptions,PublicIpAddress:PublicIpAddress,Ipv6Address:Ipv6Address,"
    "Volumes:BlockDeviceMappings[].Ebs.VolumeId,Interfaces:NetworkInterfaces[].{Association:Association,"
    "Private:PrivateIpAddresses[].Association,Ipv6:Ipv6Addresses[].Ipv6Address}}"
)
_VOLUME = "Volumes[].{VolumeId:VolumeId,Encrypted:Encrypted,AttachedTo:Attachments[].InstanceId}"


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
        or not RESOURCE_ID.fullmatch(str(item.get("InstanceId")))
    ):
        raise malformed("describe-instances", item)
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
            Call.to(
                region,
                *("ec2", "describe-instances"),
                *("--filters", "Name=instance-state-name,Values=pending,running,stopping,stopped"),
                *("--query", _INSTANCE),
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
        raise malformed("describe-instances", item)
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
            Call.to(
                region,
                *("ec2", "describe-volumes"),
                *("--filters", f"Name=attachment.instance-id,Values={part}"),
                *("--query", _VOLUME),
            )
            for region, found in ids.items()
            for part in chunks(found)
        ]
    )
    found = {volume.id: volume for answer in answers for volume in map(_volume, rows(answer))}
    unseen = sorted({volume for instance in attached_to for volume in instance.volumes} - set(found))
    if unseen:
        raise Unobservable("unreadable", f"attached, but not among the volumes: {', '.join(unseen)}")
    return found


@reads
def _volume(item: Mapping[str, Any]) -> Volume:
    if not RESOURCE_ID.fullmatch(str(item.get("VolumeId"))) or not (
        isinstance(item.get("Encrypted"), bool) and isinstance(item.get("AttachedTo"), list)
    ):
        raise malformed("describe-volumes", item)
    return Volume(
        id=str(item["VolumeId"]), is_encrypted=item["Encrypted"], attached_to=tuple(item["AttachedTo"])
    )
