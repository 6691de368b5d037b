"""CloudTrail: which trails there are, and what each of them records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_aisec.facts.aws.client import Account, Call, rows
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Recorded", "Trail", "parse_selectors", "trails"]

S3_OBJECTS = "AWS::S3::Object"
_HIDDEN = ("TrailNotFoundException", "AccessDeniedException", "AccessDenied")
"""What a member of an organization is told of the organization's trail."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Events that one selector has a trail record."""

    category: str
    """`Management` or `Data`."""
    accesses: frozenset[str]
    """Of `read` and `write`."""
    all_but: frozenset[str] = frozenset()
    """Services whose management events are left out."""
    within: tuple[str, ...] | None = ()
    """Data: beginnings of the ARNs of S3 objects; `None` for those of every bucket."""
    without: tuple[str, ...] = ()
    """Data: beginnings of the ARNs that are left out."""

    def covers(self, bucket: str) -> bool:
        """Tell whether events of every object in the bucket are recorded."""
        start = f":s3:::{bucket}/"
        if any(_overlap(_tail(beginning), start) for beginning in self.without):
            return False
        return self.within is None or any(start.startswith(_tail(beginning)) for beginning in self.within)


def _tail(arn: str) -> str:
    """Return an ARN without its partition, so that `arn:aws:` and `arn:aws-cn:` are alike."""
    parts = arn.split(":", 2)
    return f":{parts[2]}" if len(parts) == 3 and parts[0] == "arn" else arn


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


@dataclass(frozen=True, kw_only=True)
class Trail:
    """One trail, as seen from the regions that were looked at."""

    name: str
    arn: str
    seen_from: frozenset[str]
    is_multi_region: bool
    records_global_services: bool
    validates_log_files: bool
    key: str | None
    """The KMS key that log files are encrypted with; without one, S3's own."""
    is_logging: bool | None
    """`None` where that is shown to the account of the organization's trail alone."""
    delivery_error: str
    """Empty while files are delivered."""
    recorded: tuple[Recorded, ...] | None
    """`None` likewise."""

    @property
    def is_unseen(self) -> bool:
        """Whether a part of it is not shown to the account."""
        return self.is_logging is None or self.recorded is None


def parse_selectors(answer: Any) -> Iterator[Recorded]:
    """Yield what the selectors in an answer of `aws cloudtrail get-event-selectors` record.

    A selector that picks events by anything else than what `Recorded` can say yields nothing: part of the
    events is not all of them.

    Raises:
        Unobservable: `parse`, when it is no such answer.

    """
    if not isinstance(answer, dict) or not {"EventSelectors", "AdvancedEventSelectors"} & set(answer):
        raise Unobservable("parse", "aws cloudtrail get-event-selectors: no selectors in the answer")
    for selector in answer.get("EventSelectors") or []:
        yield from _basic(selector)
    for selector in answer.get("AdvancedEventSelectors") or []:
        yield from _advanced(rows(selector, "FieldSelectors"))


def _basic(selector: Mapping[str, Any]) -> Iterator[Recorded]:
    kinds = {"All": {"read", "write"}, "ReadOnly": {"read"}, "WriteOnly": {"write"}}
    accesses = frozenset(kinds.get(str(selector.get("ReadWriteType", "All")), set()))
    if selector.get("IncludeManagementEvents", True) is True:
        left_out = frozenset(selector.get("ExcludeManagementEventSources") or [])
        yield Recorded(category="Management", accesses=accesses, all_but=left_out)
    for resource in selector.get("DataResources") or []:
        if resource.get("Type") == S3_OBJECTS:
            yield Recorded(category="Data", accesses=accesses, within=tuple(resource.get("Values") or []))


def _advanced(fields: Sequence[Mapping[str, Any]]) -> Iterator[Recorded]:
    category = ""
    accesses = frozenset({"read", "write"})
    left_out: frozenset[str] = frozenset()
    within: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    types: Sequence[str] = ()
    for field in fields:
        tests = {key: tuple(value) for key, value in field.items() if key != "Field" and value}
        name = field.get("Field")
        if name == "eventCategory" and set(tests) == {"Equals"}:
            category = tests["Equals"][0]
        elif name == "resources.type" and set(tests) == {"Equals"}:
            types = tests["Equals"]
        elif name == "readOnly" and set(tests) == {"Equals"}:
            accesses = frozenset("read" if value == "true" else "write" for value in tests["Equals"])
        elif name == "eventSource" and set(tests) == {"NotEquals"}:
            left_out = frozenset(tests["NotEquals"])
        elif name == "resources.ARN" and set(tests) <= {"StartsWith", "NotStartsWith", "NotEquals"}:
            within = tests.get("StartsWith")
            without = (*tests.get("NotStartsWith", ()), *tests.get("NotEquals", ()))
        else:
            return
    if category == "Management" and not types and within is None and not without:
        yield Recorded(category="Management", accesses=accesses, all_but=left_out)
    elif category == "Data" and tuple(types) == (S3_OBJECTS,) and not left_out:
        yield Recorded(category="Data", accesses=accesses, within=within, without=without)


def trails(account: Account, alongside: Sequence[Call] = ()) -> tuple[list[Trail], list[Any]]:
    """Return the trails that record events of any of the account's regions, wherever they are kept.

    Args:
        account: to be asked.
        alongside: further calls that do not depend on these.

    Returns:
        The trails by name, and the answers to `alongside`.

    """
    listings = [Call.to(region, "cloudtrail", "describe-trails") for region in account.regions]
    answers = account.ask([*listings, *alongside])
    items: dict[str, Mapping[str, Any]] = {}
    seen: dict[str, set[str]] = {}
    for region, answer in zip(account.regions, answers, strict=False):
        for item in rows(answer, "trailList"):
            arn = str(item.get("TrailARN", ""))
            if not arn.startswith("arn:"):
                raise Unobservable("parse", f"aws cloudtrail describe-trails: not a trail: {str(item)[:80]}")
            items[arn] = item
            seen.setdefault(arn, set()).add(region)
    details = iter(account.ask(list(_details(items, account.number))))
    found = [_trail(item, frozenset(seen[arn]), next(details), next(details)) for arn, item in items.items()]
    return sorted(found, key=lambda trail: (trail.name, trail.arn)), answers[len(listings) :]


@reads
def _details(items: Mapping[str, Mapping[str, Any]], own: str) -> Iterable[Call]:
    for arn, item in items.items():
        home = str(item.get("HomeRegion") or arn.split(":")[3])
        hidden = () if arn.split(":")[4] == own else _HIDDEN
        for operation, option in (("get-trail-status", "--name"), ("get-event-selectors", "--trail-name")):
            yield Call.to(home, "cloudtrail", operation, option, arn, absent=hidden)


@reads
def _trail(item: Mapping[str, Any], seen_from: frozenset[str], status: Any, selectors: Any) -> Trail:
    if status is not None and (not isinstance(status, dict) or not isinstance(status.get("IsLogging"), bool)):
        raise Unobservable("parse", "aws cloudtrail get-trail-status does not say whether it logs")
    return Trail(
        name=str(item.get("Name", "?")),
        arn=str(item["TrailARN"]),
        seen_from=seen_from,
        is_multi_region=item.get("IsMultiRegionTrail") is True,
        records_global_services=item.get("IncludeGlobalServiceEvents") is True,
        validates_log_files=item.get("LogFileValidationEnabled") is True,
        key=item.get("KmsKeyId") or None,
        is_logging=status["IsLogging"] if status else None,
        delivery_error=str(status.get("LatestDeliveryError") or "") if status else "",
        recorded=None if selectors is None else tuple(parse_selectors(selectors)),
    )
