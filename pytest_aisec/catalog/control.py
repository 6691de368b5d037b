"""The `@control` decorator and what it records about a test."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from pytest_aisec.catalog import frameworks
from pytest_aisec.catalog.context import is_declared
from pytest_aisec.catalog.objectives import Objective, merged
from pytest_aisec.catalog.types import Mode
from pytest_aisec.errors import UsageProblem, nearest

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the most to the least severe."""

Platform = Literal["linux", "darwin", "windows", "freebsd", "openbsd", "netbsd"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)

CONTROL_ID = re.compile(r"(?P<pack>[A-Z][A-Z0-9]*)-(?P<family>[A-Z][A-Z0-9]{1,7})-(?P<number>\d{2,4})")
PLACEHOLDER = re.compile(r"(?<!\{)\{([a-z_][a-z0-9_]*)\}(?!\})")
"""A parameter's name in a remediation."""
ATTRIBUTE = "__aisec_control__"
"""Where `@control` leaves the metadata on the test function."""

Test = TypeVar("Test", bound=Callable[..., None])


class NotApplicable(pytest.skip.Exception):  # type: ignore[name-defined,misc]
    """The thing that a control judges does not exist on this host, and that was observed."""


class NotReviewed(pytest.skip.Exception):  # type: ignore[name-defined,misc]
    """The thing that a control judges has not been looked at: a person has to, or has to allow it."""

    outcome = "not_reviewed"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a control: a keyword-only argument of its function."""

    name: str
    type_name: str
    """The annotation for people, without the rules of its values."""
    default: Any
    """As it stands in the signature."""
    value: Any
    """The default as the annotation's type."""
    hint: Callable[[], Any] = field(compare=False, repr=False)
    """Gives the type hint with its pydantic metadata; of an indexed control, by executing its file."""

    def validate(self, value: object) -> Any:
        """Return `value` as the annotation's type; raise pydantic's `ValidationError` when it is not one."""
        return self._adapter().validate_python(value, strict=False)

    def _adapter(self) -> TypeAdapter[Any]:
        hint = self.hint()
        try:
            # Types that are equal may still differ in order: `int | str` equals `str | int`.
            return _cached_adapter(hint, repr(hint))
        except TypeError:
            return _adapter(hint)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameter's values."""
        return self._adapter().json_schema()


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=ConfigDict(extra="forbid"))
    except Exception:  # noqa: BLE001 - a model brings its own configuration, and pydantic says so in its own way
        return TypeAdapter(annotation)


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    """Return a parameter; raise pydantic's `ValidationError` when the default does not fit."""
    typed = Parameter(
        name=name, type_name=_type_name(annotation), default=default, value=None, hint=lambda: annotation
    )
    return replace(typed, value=typed.validate(copy.deepcopy(default)))


@lru_cache(maxsize=1024)
def _cached_adapter(annotation: Any, _text: str) -> TypeAdapter[Any]:
    return _adapter(annotation)


def _type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return "Mode" if annotation == Mode else _type_name(arguments[0])
    if origin is Literal:
        return " | ".join(map(repr, arguments))
    if origin in {Union, UnionType}:
        return " | ".join(map(_type_name, arguments))
    if origin is not None:
        name = _type_name(origin)
        return f"{name}[{', '.join('...' if each is ... else _type_name(each) for each in arguments)}]"
    return "None" if annotation is NoneType else getattr(annotation, "__name__", str(annotation))


@dataclass(frozen=True, kw_only=True)
class Control:
    """One security requirement, written as one pytest test."""

    id: str
    """Such as `AISEC-ART-03`: pack, family, number."""
    title: str
    """The secure condition, stated as if it held."""
    rationale: str
    """Gain of an attacker when the control fails; at most a few lines."""
    severity: Severity
    platforms: tuple[Platform, ...]
    frameworks: Mapping[str, tuple[str, ...]]
    """Framework key → ids, sorted by key: those of its objectives and its own."""
    remediation: str
    """How to reach the secure condition; `{name}` stands for the parameter of that name."""
    remediation_is_words: str = ""
    """Why nobody can run the remediation as it stands; empty where it is text for a shell, run by root."""
    parameters: Mapping[str, Parameter]
    source: Callable[[], Callable[..., None]] = field(compare=False, repr=False)
    """Gives the function; of an indexed control, its file is executed for that."""
    path: Path
    """The file that defines the control."""
    line: int
    speculate: bool = True
    """True if the control may be called early, and more than once, to find out what it will ask."""
    needs_running: bool = False
    """Whether it judges only what runs, so that it does not apply to a directory in which nothing does."""

    @property
    def function(self) -> Callable[..., None]:
        """The test that judges a host."""
        return self.source()

    @property
    def family(self) -> str:
        """The middle part of the id, such as `ART`."""
        return self.id.split("-")[1]


def _where(function: Callable[..., None]) -> tuple[Path, int]:
    """Return file and line; of code that was compiled before its file was moved, where that lies now."""
    plain: Any = inspect.unwrap(function)
    compiled, file = Path(plain.__code__.co_filename), plain.__globals__.get("__file__")
    path = Path(file) if file and Path(file).name == compiled.name else compiled
    return path, plain.__code__.co_firstlineno


def _title_and_rationale(
    function: Callable[..., None], problem: Callable[[str], UsageProblem]
) -> tuple[str, str]:
    text = inspect.getdoc(function) or ""
    title, _, rationale = text.partition("\n")
    if not title.strip():
        raise problem("has no docstring: its first line is the control's title")
    if title.lower().startswith(("ensure ", "verify ", "check ")):
        raise problem(f"title {title!r} should state the secure condition itself, not begin with an order")
    return title.strip().removesuffix("."), rationale.strip()


def _parameters(
    function: Callable[..., None], problem: Callable[[str], UsageProblem]
) -> dict[str, Parameter]:
    signature = inspect.signature(function)
    first = next(iter(signature.parameters.values()), None)
    if first is None or first.name != "host" or first.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        raise problem("must take `host` first and nothing else by position")
    hints = get_type_hints(function, include_extras=True)
    parameters: dict[str, Parameter] = {}
    for item in list(signature.parameters.values())[1:]:
        if item.kind is not inspect.Parameter.KEYWORD_ONLY or item.default is inspect.Parameter.empty:
            raise problem(f"parameter {item.name!r} must be keyword-only and have a default")
        if item.name not in hints:
            raise problem(f"parameter {item.name!r} has no type annotation, so its values cannot be checked")
        try:
            parameter = _parameter(item.name, hints[item.name], item.default)
        except ValidationError as error:
            raise problem(
                f"default of parameter {item.name!r} does not fit its annotation: {error}"
            ) from None
        parameters[item.name] = parameter
    return parameters


def _check_remediation(
    text: str, parameters: Mapping[str, Parameter], problem: Callable[[str], UsageProblem]
) -> None:
    for name in PLACEHOLDER.findall(text):
        if name not in parameters:
            raise problem(f"remediation names {{{name}}}, which is no parameter. {nearest(name, parameters)}")


def control(  # noqa: PLR0913 - each is one thing that an author says of a control
    control_id: str,
    *,
    severity: Severity,
    remediation: str,
    remediation_is_words: str = "",
    platforms: Sequence[Platform] = ("linux",),
    speculate: bool = True,
    needs_running: bool = False,
    objectives: Sequence[Objective] = (),
    **framework_ids: Sequence[str],
) -> Callable[[Test], Test]:
    """Declare a pytest test to be the control `control_id`.

    The function takes `host` and keyword-only parameters, each annotated and with a default: its signature
    is the schema of the parameters that a profile may set. Its docstring gives title and rationale.

    Args:
        control_id: pack, family and number, such as `AISEC-ART-03`; unique in the catalog.
        severity: `critical`, `high`, `medium` or `low`; a profile may override it.
        remediation: how to reach the secure condition; `{name}` is replaced by the parameter's value, and a
            word in capitals stands for what the message names.
        remediation_is_words: why the remediation is words; without it, it is text for a shell that root can
            run as it stands, and values in it are quoted.
        platforms: where the control applies; elsewhere it is not applicable.
        speculate: false for a control that must not be called before it is evaluated, because a call does
            more than ask the host through testinfra; its questions are then asked one by one.
        needs_running: true for a control that judges processes, sockets or the kernel's rules alone, and no
            file: it is not applicable to a directory (`chroot://`) in which nothing runs.
        objectives: the control objectives that it serves (`["audit_logging"]`), with their framework ids.
        framework_ids: for each framework key (`nist_800_53=["AC-3"]`), what the control covers besides.

    Raises:
        UsageProblem: when id, signature, docstring or framework ids are wrong; it names file and line.

    """

    def decorate(function: Test) -> Test:
        path, line = _where(function)

        def problem(message: str) -> UsageProblem:
            return UsageProblem(f"{path}:{line}: control {control_id}: {message}")

        if not CONTROL_ID.fullmatch(control_id):
            raise problem("the id must look like AISEC-ART-03: pack, family, number")
        if severity not in SEVERITIES:
            raise problem(f"unknown severity {severity!r}. {nearest(severity, SEVERITIES)}")
        for platform in platforms:
            if platform not in PLATFORMS:
                raise problem(f"unknown platform {platform!r}. {nearest(platform, PLATFORMS)}")
        try:
            for key, ids in framework_ids.items():
                frameworks.check(key, ids)
            references = merged(objectives, framework_ids)
        except UsageProblem as error:
            raise problem(str(error)) from None
        title, rationale = _title_and_rationale(function, problem)
        parameters = _parameters(function, problem)
        _check_remediation(remediation, parameters, problem)
        setattr(
            function,
            ATTRIBUTE,
            Control(
                id=control_id,
                title=title,
                rationale=rationale,
                severity=severity,
                platforms=tuple(platforms),
                frameworks=MappingProxyType(dict(sorted(references.items()))),
                remediation=remediation,
                remediation_is_words=remediation_is_words,
                parameters=MappingProxyType(parameters),
                source=lambda: function,
                path=path,
                line=line,
                speculate=speculate,
                needs_running=needs_running,
            ),
        )
        return function

    return decorate


def control_of(function: object) -> Control | None:
    """Return the metadata that `@control` left on `function`, if any."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Control) else None


def not_applicable(
    reason: str, *, claims: Sequence[str] = (), elsewhere: tuple[str, str] = ("", "")
) -> NoReturn:
    """End the control as not applicable, because `reason` was observed.

    Args:
        reason: what was observed, in one clause, such as "no model directory under /srv/models".
        claims: parameters that name what was looked for. When a profile, file or command line set one of
            them, it was declared to exist, and the control fails instead: a typo in a path must not make a
            host look compliant.
        elsewhere: what was found in other places, and how far was looked there (`facts.system.elsewhere`).
            With something found, the control ends as not reviewed instead: a person has to declare it.

    """
    found, extent = elsewhere
    if found:
        not_reviewed(found)
    declared = [name for name in claims if is_declared(name)]
    if declared:
        pytest.fail(f"declared, but absent: {reason}{extent} (set by {', '.join(declared)})", pytrace=False)
    raise NotApplicable(f"{reason}{extent}")


def not_reviewed(reason: str) -> NoReturn:
    """End the control as not reviewed: nobody has looked, because `reason`.

    For what only a person can judge, and for what needs requests that `is_active()` does not allow. The run
    is inconclusive.
    """
    raise NotReviewed(reason)
