"""Log groups of CloudWatch Logs, and the policies that let others write to them or read them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from pytest_aisec.facts.aws.client import Account, Call, rows
from pytest_aisec.facts.aws.policies import Statement, parse_policy
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = [
    "LogGroup",
    "LogGroupName",
    "PolicyStatement",
    "fits",
    "is_pattern",
    "log_groups",
    "log_groups_and_policies",
    "newest_events",
    "parse_log_group",
]

LogGroupName = Annotated[str, Field(pattern=r"^[\w./#*?\[\]-]+$")]
"""The name of a log group, in which `*`, `?` and `[…]` may stand for other characters."""

_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True, kw_only=True)
class LogGroup:
    """One log group."""

    region: str
    name: str
    arn: str
    """Without the `:*` at the end."""
    retention_days: int | None
    """`None` where logs are kept for ever."""
    kind: str
    """`STANDARD`, `INFREQUENT_ACCESS`, or `DELIVERY`, which keeps logs for days only; empty if unknown."""
    key: str | None
    """ARN of the customer's KMS key; without one, AWS encrypts with a key of its own."""
    masks_data: bool
    """Whether a data protection policy of its own or of the account is in force."""
    deletion_protected: bool | None
    """`None` where the CLI is too old to tell."""

    @property
    def where(self) -> str:
        """Region and name."""
        return f"{self.region} {self.name}"


@dataclass(frozen=True, kw_only=True)
class PolicyStatement:
    """A statement of an account-wide resource policy of CloudWatch Logs."""

    region: str
    policy: str
    statement: Statement


def is_pattern(name: str) -> bool:
    """Tell whether `name` may stand for several log groups."""
    return _WILDCARD.search(name) is not None


def fits(name: str, names: Sequence[str]) -> bool:
    """Tell whether the name of a log group is one of `names` or fits one with wildcards."""
    return any(fnmatch.fnmatchcase(name, one) for one in names)


@reads
def parse_log_group(item: Mapping[str, Any], *, region: str) -> LogGroup:
    """Return one log group of `aws logs describe-log-groups`.

    Raises:
        Unobservable: `parse`, when it has no name or a retention that is not a number.

    """
    name, days = item.get("logGroupName"), item.get("retentionInDays")
    arn = str(item.get("logGroupArn") or item.get("arn") or "").removesuffix(":*")
    if not isinstance(name, str) or not arn or not (days is None or isinstance(days, int)):
        raise Unobservable("parse", f"aws logs describe-log-groups: not a log group: {str(item)[:80]}")
    return LogGroup(
        region=region,
        name=name,
        arn=arn,
        retention_days=days,
        kind=str(item.get("logGroupClass", "")),
        key=item.get("kmsKeyId") or None,
        masks_data=item.get("dataProtectionStatus") == "ACTIVATED"
        or "ACCOUNT_DATA_PROTECTION" in item.get("inheritedProperties", []),
        deletion_protected=item.get("deletionProtectionEnabled"),
    )


def _calls(account: Account, names: Sequence[str]) -> list[tuple[str, Call]]:
    """Return a call for each region and beginning of a name: AWS compares beginnings only."""
    beginnings = dict.fromkeys(_WILDCARD.split(name, maxsplit=1)[0] for name in names)
    return [
        (
            region,
            Call.to(
                region,
                *("logs", "describe-log-groups"),
                *(("--log-group-name-prefix", beginning) if beginning else ()),
            ),
        )
        for region in account.regions
        for beginning in beginnings
    ]


def _read(calls: Sequence[tuple[str, Call]], answers: Sequence[Any], names: Sequence[str]) -> list[LogGroup]:
    found = {
        (group.region, group.name): group
        for (region, _), answer in zip(calls, answers, strict=True)
        for group in (parse_log_group(item, region=region) for item in rows(answer, "logGroups"))
        if fits(group.name, names)
    }
    return [found[key] for key in sorted(found)]


def log_groups(account: Account, names: Sequence[str]) -> list[LogGroup]:
    """Return the log groups whose whole name is one of `names` or fits it, by region and name."""
    calls = _calls(account, names)
    return _read(calls, account.ask([call for _, call in calls]), names)


def log_groups_and_policies(
    account: Account, names: Sequence[str]
) -> tuple[list[LogGroup], list[PolicyStatement]]:
    """Return likewise the log groups, and the statements of all account-wide resource policies."""
    calls = _calls(account, names)
    policies = [Call.to(region, "logs", "describe-resource-policies") for region in account.regions]
    answers = account.ask([*(call for _, call in calls), *policies])
    found = [
        PolicyStatement(region=region, policy=name, statement=statement)
        for region, answer in zip(account.regions, answers[len(calls) :], strict=True)
        for item in rows(answer, "resourcePolicies")
        for name in [str(item.get("policyName", "?"))]
        for statement in parse_policy(str(item.get("policyDocument")), where=f"{region} {name}")
    ]
    return _read(calls, answers[: len(calls)], names), found


def newest_events(account: Account, groups: Sequence[LogGroup]) -> dict[str, datetime | None]:
    """Return when each log group was last written to, `None` for never; AWS may lag an hour behind."""
    answers = account.ask(
        [
            Call.to(
                group.region,
                *("logs", "describe-log-streams"),
                *("--log-group-name", group.name, "--order-by", "LastEventTime", "--descending"),
                *("--max-items", "1", "--query", "logStreams"),
            )
            for group in groups
        ]
    )
    newest: dict[str, datetime | None] = {}
    for group, answer in zip(groups, answers, strict=True):
        times = [
            item[key]
            for item in rows(answer)
            for key in ("lastEventTimestamp", "lastIngestionTime")
            if isinstance(item.get(key), int)
        ]
        newest[group.where] = datetime.fromtimestamp(max(times) / 1000, UTC) if times else None
    return newest
