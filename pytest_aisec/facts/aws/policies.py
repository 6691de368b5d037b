"""Policies of AWS resources: whom they let in, and whom they keep out."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Condition", "Statement", "matches", "parse_policy"]

_WIDEST = {4: 8, 6: 32}
"""Prefix lengths: wider than this, a range of addresses is the Internet (as S3 sees it)."""
_KEEPS_TO_SOMEBODY = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
}
_COMPARES = {
    "stringequals",
    "stringequalsignorecase",
    "stringlike",
    "arnequals",
    "arnlike",
    "foranyvalue:stringequals",
    "foranyvalue:stringlike",
}
"""Operators that a missing key does not satisfy."""
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One test of a statement; it holds when any of the values fits."""

    operator: str
    """In lower case."""
    key: str
    """In lower case."""
    values: tuple[str, ...]

    @property
    def keeps_to_somebody(self) -> bool:
        """Whether only requests from named accounts, organizations, networks or resources satisfy it."""
        if not self.values:
            return False
        if self.operator == "ipaddress" and self.key == "aws:sourceip":
            return all(_is_narrow(value) for value in self.values)
        return (
            self.operator in _COMPARES
            and self.key in _KEEPS_TO_SOMEBODY
            and all(_is_fixed(value) for value in self.values)
        )


def _is_narrow(cidr: str) -> bool:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= _WIDEST[network.version]


def _is_fixed(value: str) -> bool:
    if "${" in value:
        return False
    if not re.search(r"[*?]", value):
        return True
    parts = value.split(":")
    if parts[0] == "arn" and len(parts) > 4:
        return _ACCOUNT.fullmatch(parts[4]) is not None
    return re.match(r"o-[a-z0-9]{10,32}/", value) is not None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy; names and wildcards as they are written."""

    sid: str
    """Its own name, otherwise its number from 1."""
    allows: bool
    principals: tuple[str, ...]
    """`*` or `AWS arn:…`, `Service …`; empty where the statement is for all but some."""
    actions: tuple[str, ...]
    """Empty where the statement is for all but some."""
    resources: tuple[str, ...]
    """Likewise."""
    all_but_principals: bool
    conditions: tuple[Condition, ...]

    @property
    def names_everyone(self) -> bool:
        """Whether any principal at all fits, or all but some."""
        return self.all_but_principals or any("*" in name for name in self.principals)

    @property
    def opens_to_everyone(self) -> bool:
        """Whether it allows something to principals that no name and no condition keeps to somebody."""
        return (
            self.allows
            and self.names_everyone
            and not any(condition.keeps_to_somebody for condition in self.conditions)
        )


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern of a policy, with `*` and `?`, fits the whole of `text`."""
    shape = "".join({"*": ".*", "?": "."}.get(letter) or re.escape(letter) for letter in pattern)
    return re.fullmatch(shape, text, re.DOTALL) is not None


@reads
def parse_policy(text: str, *, where: str) -> tuple[Statement, ...]:
    """Return the statements of a policy.

    Args:
        text: JSON.
        where: whose policy it is, for people.

    Raises:
        Unobservable: `parse`, when it is not a policy.

    """
    try:
        document = json.loads(text)
        statements = document["Statement"]
        listed = statements if isinstance(statements, list) else [statements]
        return tuple(_statement(item, number) for number, item in enumerate(listed, 1))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unobservable("parse", f"{where}: not a policy: {text[:80]!r}") from None


def _statement(item: Mapping[str, Any], number: int) -> Statement:
    if item["Effect"] not in {"Allow", "Deny"}:
        raise ValueError(item["Effect"])
    return Statement(
        sid=str(item.get("Sid") or f"statement {number}"),
        allows=item["Effect"] == "Allow",
        principals=tuple(_principals(item.get("Principal", {}))),
        all_but_principals="NotPrincipal" in item,
        actions=_texts(item.get("Action", [])),
        resources=_texts(item.get("Resource", [])),
        conditions=tuple(_conditions(item.get("Condition", {}))),
    )


def _texts(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(str(item).lower() if isinstance(item, bool) else _text(item) for item in listed)


def _text(value: object) -> str:
    if not isinstance(value, str | int):
        raise TypeError(value)
    return str(value)


def _principals(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        return
    if not isinstance(value, dict):
        raise TypeError(value)
    for kind, names in value.items():
        for name in _texts(names):
            yield name if name == "*" else f"{kind} {name}"


def _conditions(value: Mapping[str, Mapping[str, object]]) -> Iterator[Condition]:
    for operator, tests in value.items():
        for key, values in tests.items():
            yield Condition(operator=operator.lower(), key=key.lower(), values=_texts(values))
