"""S3 buckets: who may reach them, and with which key their objects are encrypted."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from pytest_aisec.facts.aws.client import Account, Call, rows
from pytest_aisec.facts.aws.policies import Statement, matches, parse_policy
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = [
    "BLOCKS",
    "Bucket",
    "BucketName",
    "BucketPattern",
    "Key",
    "Listing",
    "buckets",
    "list_buckets",
    "parse_blocks",
    "parse_listing",
    "requires_tls",
]

BucketName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{3,255}$")]
BucketPattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9._*?\[\]-]+$")]
"""The name of a bucket, in which `*`, `?` and `[…]` may stand for other characters."""

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
"""The settings that keep a bucket from being public, whatever its policy and its ACLs say."""

_KEY = re.compile(r"arn:aws[\w-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:(?:key|alias)/[\w/-]+|(?:alias/)?[\w/-]+")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Buckets of the account that are meant by name."""

    names: tuple[str, ...]
    """Those meant, sorted."""
    absent: tuple[str, ...]
    """Names that no bucket of the account has."""
    count: int
    """How many buckets the account has, in all regions."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """The KMS key that a bucket encrypts new objects with."""

    name: str
    """As the bucket names it: ARN, id or alias."""
    is_customers: bool
    """Whether the account's owner manages it, and decides who may use it."""
    state: str
    """Such as `Enabled` or `PendingDeletion`."""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket."""

    name: str
    blocks: frozenset[str]
    """Of `BLOCKS`, those in force through the bucket or the account."""
    policy: tuple[Statement, ...] | None
    """`None` where it has no policy."""
    algorithm: str
    """`AES256`, `aws:kms`, `aws:kms:dsse`, or empty."""
    key: Key | None
    """`None` where no key is named: AWS then uses one of its own."""
    ownership: str
    """`BucketOwnerEnforced` where ACLs are disabled; empty where none was set."""


def list_buckets(account: Account) -> Call:
    """Return the call that lists the account's buckets of all regions."""
    return Call.to(account.regions[0], "s3api", "list-buckets")


@reads
def parse_listing(answer: Any, *, names: Sequence[str], patterns: Sequence[str]) -> Listing:
    """Return which buckets of a listing have one of `names` or fit one of `patterns`.

    Raises:
        Unobservable: `parse`, when it is not a listing.

    """
    listed = rows(answer, "Buckets")
    if not all(isinstance(item.get("Name"), str) for item in listed):
        raise Unobservable("parse", "aws s3api list-buckets: a bucket without a name")
    have = [str(item["Name"]) for item in listed]
    meant = {name for name in have if any(fnmatch.fnmatchcase(name, shape) for shape in patterns)}
    return Listing(
        names=tuple(sorted(meant | (set(names) & set(have)))),
        absent=tuple(sorted(set(names) - set(have))),
        count=len(have),
    )


@reads
def parse_blocks(answer: Any) -> frozenset[str]:
    """Return the settings that are on in a public access block, which may be absent.

    Raises:
        Unobservable: `parse`, when it is no such answer.

    """
    if answer is None:
        return frozenset()
    found = answer.get("PublicAccessBlockConfiguration") if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise Unobservable("parse", "aws get-public-access-block: no configuration in the answer")
    return frozenset(setting for setting in BLOCKS if found.get(setting) is True)


def requires_tls(bucket: str, policy: Sequence[Statement]) -> bool:
    """Tell whether a bucket's policy refuses everybody everything without TLS, whatever the object."""
    covered = [
        resource
        for statement in policy
        if not statement.allows
        and "*" in {name.removeprefix("AWS ") for name in statement.principals}
        and {"*", "s3:*"} & {action.lower() for action in statement.actions}
        and [(test.operator, test.key, test.values) for test in statement.conditions]
        == [("bool", "aws:securetransport", ("false",))]
        for resource in statement.resources
    ]
    whole = [re.sub(r"^arn:aws[\w-]*:", "arn:aws:", resource) for resource in covered]
    arn = f"arn:aws:s3:::{bucket}"
    return any(matches(resource, arn) for resource in whole) and any(
        resource.endswith("*") and matches(resource, f"{arn}/") for resource in whole
    )


def _of_bucket(operation: str, account: Account, bucket: str, *absent: str) -> Call:
    return Call.to(account.regions[0], "s3api", operation, "--bucket", bucket, absent=absent)


def _calls(account: Account, bucket: str) -> list[Call]:
    return [
        _of_bucket("get-public-access-block", account, bucket, "NoSuchPublicAccessBlockConfiguration"),
        _of_bucket("get-bucket-policy", account, bucket, "NoSuchBucketPolicy"),
        _of_bucket(
            "get-bucket-encryption", account, bucket, "ServerSideEncryptionConfigurationNotFoundError"
        ),
        _of_bucket("get-bucket-ownership-controls", account, bucket, "OwnershipControlsNotFoundError"),
        _of_bucket("get-bucket-location", account, bucket),
    ]


def buckets(account: Account, names: Sequence[str]) -> list[Bucket]:
    """Return the buckets of these names, in their order."""
    whole = Call.to(
        account.regions[0],
        *("s3control", "get-public-access-block"),
        *("--account-id", account.number),
        absent=("NoSuchPublicAccessBlockConfiguration",),
    )
    answers = account.ask([whole, *(call for name in names for call in _calls(account, name))])
    everywhere = parse_blocks(answers[0])
    by_bucket = {name: answers[1 + 5 * index : 6 + 5 * index] for index, name in enumerate(names)}
    encryption = {name: _encryption(found[2]) for name, found in by_bucket.items()}
    keys = _keys(account, {name: (encryption[name][1], _home(found[4])) for name, found in by_bucket.items()})
    return [
        Bucket(
            name=name,
            blocks=everywhere | parse_blocks(found[0]),
            policy=_policy(found[1], name),
            algorithm=encryption[name][0],
            key=keys[name],
            ownership=_ownership(found[3]),
        )
        for name, found in by_bucket.items()
    ]


@reads
def _home(answer: Any) -> str:
    if not isinstance(answer, dict) or "LocationConstraint" not in answer:
        raise Unobservable("parse", "aws s3api get-bucket-location names no region")
    place = answer["LocationConstraint"]
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(place, str(place))


@reads
def _policy(answer: Any, bucket: str) -> tuple[Statement, ...] | None:
    if answer is None:
        return None
    if not isinstance(answer, dict) or not isinstance(answer.get("Policy"), str):
        raise Unobservable("parse", f"aws s3api get-bucket-policy: no policy of {bucket} in the answer")
    return parse_policy(answer["Policy"], where=bucket)


@reads
def _ownership(answer: Any) -> str:
    if answer is None:
        return ""
    controls = answer.get("OwnershipControls") if isinstance(answer, dict) else None
    rules = rows(controls, "Rules")
    return str(rules[0].get("ObjectOwnership", "")) if rules else ""


@reads
def _encryption(answer: Any) -> tuple[str, str | None]:
    """Return algorithm and key of what new objects get by default."""
    if answer is None:
        return "", None
    settings = answer.get("ServerSideEncryptionConfiguration") if isinstance(answer, dict) else None
    for rule in rows(settings, "Rules"):
        default: Mapping[str, Any] = rule.get("ApplyServerSideEncryptionByDefault") or {}
        if default:
            return str(default.get("SSEAlgorithm", "")), default.get("KMSMasterKeyID") or None
    return "", None


def _keys(account: Account, named: Mapping[str, tuple[str | None, str]]) -> dict[str, Key | None]:
    """Return the keys by bucket, given the key's name and the bucket's region."""
    calls: dict[str, Call] = {}
    for bucket, (key, home) in named.items():
        shape = _KEY.fullmatch(key or "")
        if key is not None and shape is None:
            raise Unobservable("parse", f"the key of bucket {bucket} is no name of a KMS key: {key[:80]!r}")
        if key is not None and shape is not None:
            region = shape["region"] or home
            calls[bucket] = Call.to(region, "kms", "describe-key", "--key-id", key)
    asked = list(dict.fromkeys(calls.values()))
    answers = dict(zip(asked, account.ask(asked), strict=True)) if asked else {}
    return {
        bucket: _key(str(key), answers[calls[bucket]]) if bucket in calls else None
        for bucket, (key, _) in named.items()
    }


@reads
def _key(name: str, answer: Any) -> Key:
    found = answer.get("KeyMetadata") if isinstance(answer, dict) else None
    if not isinstance(found, dict) or "KeyManager" not in found:
        raise Unobservable("parse", "aws kms describe-key does not tell whose key it is")
    return Key(
        name=name, is_customers=found["KeyManager"] == "CUSTOMER", state=str(found.get("KeyState", "?"))
    )
