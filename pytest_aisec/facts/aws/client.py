"""An AWS account, asked through the `aws` CLI (1 or 2) with the credentials that the host has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import run_all
from pytest_aisec.observe.faults import Reason, Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Account", "AccountId", "Call", "Region", "account", "fault_of", "parse_region", "rows"]

Region = Annotated[str, Field(pattern=r"^[a-z]{2,}(-[a-z]+)+-\d+$")]
"""The name of an AWS region, such as `us-east-1`."""
AccountId = Annotated[str, Field(pattern=r"^\d{12}$")]
"""The number of an AWS account: 12 digits, quoted in YAML."""

_AWS = "env AWS_PAGER= AWS_CLI_AUTO_PROMPT=off aws"
_CONFIGURED_REGION = (
    f"seen=$({_AWS} configure list) || exit $?; printf '%s\\n' \"$seen\" | sed -n '/^ *region/p'"
)
"""The other lines show parts of the credentials: they do not leave the host."""
_REGION = re.compile(
    r"^[^\S\n]*region(?:[^\S\n]*+:)?[^\S\n]++([a-z]{2,}(?:-[a-z]+)+-\d+)(?:\s|$)", re.MULTILINE
)
_SERVICE_ERROR = re.compile(
    r"An error occurred \((?P<code>[\w.]+)\) when calling the \w+ operation(?: \([^)]*\))?:?\s*"
)
_CUT_OFF = ("NextToken", "nextToken", "NextMarker", "ContinuationToken", "NextContinuationToken")

_CODES: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (
        "privilege",
        re.compile(
            r"AccessDenied|UnauthorizedOperation|NotAuthorized|AuthorizationError|UnauthorizedAccess|Forbidden"
        ),
    ),
    (
        "auth",
        re.compile(
            r"ExpiredToken|RequestExpired|InvalidClientTokenId|UnrecognizedClient|AuthFailure|InvalidToken"
            r"|SignatureDoesNotMatch|InvalidAccessKeyId|TokenRefreshRequired|IncompleteSignature"
            r"|MissingAuthenticationToken|OptInRequired|InvalidSignature|NotSignedUp|AuthorizationHeaderMalformed"
        ),
    ),
    ("timeout", re.compile(r"RequestTimeout")),
)
_TEXTS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (
        "auth",
        re.compile(
            r"(?i)unable to locate credentials|partial credentials|config profile|sso (?:session|token)"
            r"|token has expired|error when retrieving (?:credentials|token)|refreshed credentials"
        ),
    ),
    ("timeout", re.compile(r"(?i)read timeout")),
    (
        "unreachable",
        re.compile(r"(?i)could not connect|connect timeout|connection was closed|ssl validation"),
    ),
    ("tool_missing", re.compile(r"(?i)invalid choice|unknown options|unrecognized arguments")),
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation of the `aws` CLI that reads."""

    words: tuple[str, ...]
    """Service, operation and options, without `--output`."""
    absent: tuple[str, ...] = ()
    """Codes of service errors by which AWS says that there is no such thing."""

    @classmethod
    def to(
        cls, region: str, service: str, operation: str, *options: str, absent: tuple[str, ...] = ()
    ) -> Call:
        """Return an operation of a service in one region."""
        return cls(words=(service, operation, "--region", region, *options), absent=absent)

    @property
    def name(self) -> str:
        """Service and operation, for people."""
        return " ".join(self.words[:2])


def fault_of(name: str, problem: str, status: int) -> Unobservable:
    """Return why a call of the CLI failed, from what it printed on standard error."""
    text = " ".join(problem.split())
    found = _SERVICE_ERROR.search(text)
    shapes, subject = (_CODES, found["code"]) if found else (_TEXTS, text)
    detail = f"{found['code']}: {text[found.end() :]}" if found else text or f"exit status {status}"
    for reason, shape in shapes:
        if shape.search(subject):
            return Unobservable(reason, f"aws {name}: {detail[:300]}")
    return Unobservable("unreadable", f"aws {name}: {detail[:300]}")


@reads
def parse_region(text: str) -> str:
    """Return the region in what `aws configure list` prints of it.

    Raises:
        Unobservable: `unreadable`, when none is configured.

    """
    found = _REGION.search(text)
    if found is None:
        raise Unobservable(
            "unreadable", "aws is configured for no region; name those to look at with the parameter regions"
        )
    return found[1]


def _answer(call: Call, status: int, stdout: str, stderr: str) -> Any:
    if status != 0:
        found = _SERVICE_ERROR.search(stderr)
        if found and found["code"] in call.absent:
            return None
        raise fault_of(call.name, stderr, status)
    try:
        answer = json.loads(stdout)
    except (ValueError, RecursionError):
        raise Unobservable("parse", f"aws {call.name}: no JSON, but {stdout[:80]!r}") from None
    if isinstance(answer, dict) and (
        any(answer.get(key) for key in _CUT_OFF) or answer.get("IsTruncated") is True
    ):
        raise Unobservable("truncated", f"aws {call.name}: only the first part of the answer")
    return answer


@reads
def rows(answer: Any, key: str | None = None) -> list[Mapping[str, Any]]:
    """Return the list of objects in an answer, under `key` or the answer itself.

    Raises:
        Unobservable: `parse`, when it is not there: a list without members would be.

    """
    found = answer
    if key is not None:
        found = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unobservable("parse", f"aws: no list {key or ''} in the answer".replace("  ", " "))
    return found


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account that the host's credentials belong to, in the regions to be looked at."""

    host: Host
    regions: tuple[str, ...]
    """At least one."""
    claimed: str | None
    """The number that the account is said to have."""

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """Return the answers to calls that do not depend on one another, `None` for what is absent.

        Raises:
            Unobservable: when one was not answered whole: `auth` without valid credentials or when they are
                of another account, `privilege` when the call is denied, `tool_missing`, `unreachable`,
                `timeout`, `truncated`, `parse`, otherwise `unreadable`.

        """
        return self._answers(calls)[1]

    @property
    def number(self) -> str:
        """The account's 12 digits."""
        return self._answers(())[0]

    def _answers(self, calls: Sequence[Call]) -> tuple[str, list[Any]]:
        who = Call.to(self.regions[0], "sts", "get-caller-identity")
        asked = [Call(words=(*call.words, "--output", "json"), absent=call.absent) for call in (who, *calls)]
        results = run_all(self.host, [(_AWS + " %s" * len(call.words), *call.words) for call in asked])
        identity, *answers = [
            _answer(call, result.rc, result.stdout, result.stderr)
            for call, result in zip(asked, results, strict=True)
        ]
        return self._check(identity), answers

    def _check(self, identity: Any) -> str:
        number = identity.get("Account") if isinstance(identity, dict) else None
        if not isinstance(number, str) or not re.fullmatch(r"\d{12}", number):
            raise Unobservable("parse", "aws sts get-caller-identity names no account")
        if self.claimed is not None and number != self.claimed:
            raise Unobservable("auth", f"the credentials are of account {number}, not of {self.claimed}")
        return number


def account(host: Host, *, regions: Sequence[str], account_id: str | None) -> Account:
    """Return the account to be asked.

    Args:
        host: where the `aws` CLI runs.
        regions: to be looked at; without any, the one that the CLI is configured for.
        account_id: the account that it must be, if that was said.

    Raises:
        Unobservable: `tool_missing` without the CLI; `unreadable` without any region.

    """
    named = tuple(dict.fromkeys(regions))
    if not named:
        result = host.run(_CONFIGURED_REGION)
        if result.rc != 0:
            raise fault_of("configure list", result.stderr, result.rc)
        named = (parse_region(result.stdout),)
    return Account(host=host, regions=named, claimed=account_id)
