"""All that is wrong, and what looks wrong, in the files that people write."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from pytest_aisec.catalog import gate_policy, unused_settings, yamlfile
from pytest_aisec.catalog import plan as plans
from pytest_aisec.catalog import profile as profiles
from pytest_aisec.catalog.content import ContentRoot, content_roots
from pytest_aisec.catalog.control import CONTROL_ID, SEVERITIES
from pytest_aisec.catalog.load import Catalog, control_files, read_controls
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import SUFFIXES, Profile, ProfileFile
from pytest_aisec.catalog.settings import FILE, Settings, find
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.waivers import host_patterns, statement
from pytest_aisec.judge.waivers.attestation import Attestation
from pytest_aisec.judge.waivers.statement import Dated, Given
from pytest_aisec.judge.waivers.waiver import Waiver
from pytest_aisec.observe.redaction import user_patterns

Kind = Literal["profile", "waivers", "attestations", "gate", "patterns"]
Level = Literal["error", "warning"]

_ANY = "a profile (id, title, version, controls), waivers, attestations, a gate or patterns"
_OF_WAIVERS = {"reason", "approved_by", "approved_on", "expires", "ticket"}
_OF_ATTESTATIONS = {"statement", "status", "attested_by", "attested_on", "valid_until"}
_OF_PROFILES = set(ProfileFile.model_fields)
_OF_GATES = set(GatePolicy.model_fields)
_ONLY_OF_GATES = {"fail_on", "min_score", "error_is", "strict_waivers"}
_TELLING = _OF_WAIVERS | _OF_ATTESTATIONS | _OF_GATES | {"controls", "extends", "version", "pattern"}
_WORD = re.compile(rf"\b({'|'.join(sorted(_TELLING))})[\"']?\s*:")
"""A key of any kind of file."""
_MOST_EFFORT = 10_000_000
"""For finding waivers that overlap: some seconds."""
_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?:(?P<column>\d+):)? (?P<message>.*)")
"""Message of a loader about one mistake."""


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """Something wrong, or that looks wrong, at one place."""

    file: str
    line: int
    column: int
    level: Level
    message: str
    code: str
    """Kind of mistake, in a word or two that do not change."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.level}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Linted:
    """Findings, and the number of files."""

    findings: tuple[Finding, ...]
    """Sorted by file and line."""
    files: int

    def count(self, level: Level) -> int:
        """Return the number of findings of a level."""
        return sum(item.level == level for item in self.findings)


@dataclass(kw_only=True)
class _Found:
    """The files to lint, by kind."""

    cwd: Path
    roots: dict[Path, ContentRoot] = field(default_factory=dict)
    """Where content lies that the files refer to."""
    whole: set[Path] = field(default_factory=set)
    """The roots that are linted as a whole."""
    controls: set[Path] = field(default_factory=set)
    yaml: dict[Path, Kind | None] = field(default_factory=dict)
    settings: dict[Path, Settings | None] = field(default_factory=dict)
    """`None` where it cannot be read."""
    findings: list[Finding] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Path]:
        """Return the YAML files of a kind."""
        return sorted(path for path, found in self.yaml.items() if found == kind)

    def shown(self, path: Path | str) -> str:
        """Return a path as people know it."""
        return str(path).removeprefix(f"{self.cwd}/")

    def say(self, where: str, level: Level, code: str, message: str) -> None:
        """Add a finding; `where` is `file:line:column`."""
        self.refuse(f"{where}: {message}", self.cwd, code, level)

    def refuse(self, text: str, path: Path, code: str, level: Level = "error") -> None:
        """Add what a loader says of a file: one line each, with its place in front."""
        for line in text.splitlines():
            match = _PLACED.fullmatch(line)
            if match and Path(match["file"]).exists():
                file, message = match["file"], match["message"]
                place = yamlfile.Place(int(match["line"]), int(match["column"] or 1))
            elif self.findings and line[:1].isspace():
                last = self.findings.pop()
                file, place = last.file, yamlfile.Place(last.line, last.column)
                message = f"{last.message} {line.strip()}"
            else:
                file, message = str(path), line.removeprefix(f"{path}: ")
                place = yamlfile.Place(1, 1)
            self.findings.append(
                Finding(
                    file=self.shown(file),
                    line=place.line,
                    column=place.column,
                    level=level,
                    message=message.replace(f"{self.cwd}/", ""),
                    code=code,
                )
            )


def lint(paths: Sequence[Path], content: Iterable[Path], *, today: date, cwd: Path) -> Linted:
    """Say what is wrong with files, and with what directories hold.

    Args:
        paths: of a directory, its `controls/` and `profiles/` and the YAML files in it and one level below
            that are of a known kind; nothing is the current directory.
        content: further content directories, whose controls and profiles the files may name.
        today: the day that counts, UTC.
        cwd: the current directory.

    Raises:
        UsageProblem: for a path that does not exist, or a directory that holds nothing to lint.

    """
    found = _Found(cwd=cwd)
    found.roots = {root.path: root for root in content_roots(content)}
    for path in paths or [cwd]:
        _gather(Path(os.path.realpath(cwd / path.expanduser())), str(path), found)
    catalog, unsure = _controls(found)
    known = {*catalog, *unsure}
    for settings in filter(None, found.settings.values()):
        _settings(settings, catalog, unsure, found)
    chains = [_profile(path, catalog, unsure, found) for path in found.of("profile")]
    for path in found.of("gate"):
        _gate(path, known, found)
    for path in found.of("patterns"):
        try:
            user_patterns.read(path)
        except UsageProblem as problem:
            found.refuse(str(problem), path, "invalid-patterns")
    waivers, problems = statement.read(found.of("waivers"), Waiver, known)
    found.refuse("\n".join(problems), cwd, "invalid-waiver")
    attestations, problems = statement.read(found.of("attestations"), Attestation, known)
    found.refuse("\n".join(problems), cwd, "invalid-attestation")
    _dates(waivers, "expires", "waiver", today, found)
    _dates(attestations, "valid_until", "attestation", today, found)
    _overlaps(waivers, today, found)
    if all(chains):
        _unused(chains, catalog, found)
    return Linted(
        findings=tuple(sorted(dict.fromkeys(found.findings))),
        files=len(found.yaml) + len(found.controls) + len(found.settings),
    )


def _gather(path: Path, given: str, found: _Found) -> None:
    if path.is_file():
        _gather_file(path, found)
        return
    if not path.is_dir():
        what = (
            "it is neither a file nor a directory" if path.exists() else "there is no such file or directory"
        )
        raise UsageProblem(f"{given}: {what}")
    before = len(found.findings)
    if (path / FILE).is_file():
        _gather_settings(path / FILE, found)
    above = [part for part in (path, *path.parents) if part.name == "controls"]
    if _add_root(path, found):
        _gather_whole(path, found)
    elif path.name == "profiles":
        _add_root(path.parent, found)
    elif above:
        found.controls.update(path.rglob("test_*.py"))
        _add_root(above[0].parent, found)
    for below in sorted({item.resolve() for item in path.glob("[!.]*") if item.is_dir()} - {path}):
        if _is_ours(below) and _add_root(below, found):
            _gather_whole(below, found)
    _gather_yaml([*path.glob("[!.]*"), *path.glob("[!.]*/[!.]*")], found)
    known = any(file.is_relative_to(path) for file in (*found.yaml, *found.controls, *found.settings))
    if not known and len(found.findings) == before:
        raise UsageProblem(
            f"{given}: there is nothing to lint: no controls/, no profiles/, and no YAML file with {_ANY}"
        )


def _is_ours(path: Path) -> bool:
    """Tell whether a directory that nobody named holds content of ours, by words that stand in its files."""
    signs = {"controls": ("test_*.py", "pytest_aisec"), "profiles": ("*.y*ml", "\ncontrols:")}
    return any(
        sign in file.read_text(encoding="utf-8", errors="replace")
        for part, (pattern, sign) in signs.items()
        for file in (path / part).rglob(pattern)
        if file.is_file()
    )


def _gather_whole(path: Path, found: _Found) -> None:
    found.whole.add(path)
    found.controls.update((path / "controls").rglob("test_*.py"))
    _gather_yaml((path / "profiles").glob("[!.]*"), found)


def _gather_yaml(files: Iterable[Path], found: _Found) -> None:
    for file in files:
        if file.suffix not in SUFFIXES or not file.is_file():
            continue
        real = file.resolve()
        if real not in found.yaml:
            kind = _kind_of(file, found, is_named=False)
            if kind is not None:
                found.yaml[real] = kind


def _add_root(path: Path, found: _Found) -> bool:
    """Take the controls and profiles of a directory along, if it has any."""
    root = ContentRoot(path=path)
    if not root.controls.is_dir() and not root.profiles.is_dir():
        return False
    found.roots.setdefault(path, root)
    return True


def _gather_file(path: Path, found: _Found) -> None:
    if path.suffix == ".py":
        found.controls.add(path)
        for part in path.parents:
            if part.name == "controls":
                _add_root(part.parent, found)
                break
    elif path.suffix == ".toml":
        _gather_settings(path, found)
    elif path.suffix in SUFFIXES:
        found.yaml[path] = _kind_of(path, found, is_named=True)
        _add_root(path.parent.parent if path.parent.name == "profiles" else path.parent, found)
    else:
        found.say(
            f"{path}:1:1", "error", "unknown-kind", "it is neither a YAML file nor a control file in Python"
        )


def _gather_settings(path: Path, found: _Found) -> None:
    """Read settings, and take along the content and the profiles that they name."""
    found.settings[path] = None
    try:
        read = found.settings[path] = find(path.parent, path.name)
        found.roots |= {
            root.path: root for root in content_roots(read.directory / item for item in read.file.path)
        }
    except UsageProblem as problem:
        found.refuse(str(problem), path, "invalid-settings")
        return
    for name in ("", *read.file.groups):
        profile = (read.directory / str(read.profile_of(name)[0])).resolve()
        if profile.suffix in SUFFIXES and profile.is_file():
            found.yaml.setdefault(profile, "profile")


def _settings(read: Settings, catalog: Catalog, unsure: Collection[str], found: _Found) -> None:
    """Lint what settings make of profiles; what is wrong with a profile file of its own is said there."""
    for name in read.file.groups or ("",):
        profile, where = read.profile_of(name)
        chain, problems = profiles.read_chain(
            profile, found.roots.values(), cwd=read.directory, asked_by=where
        )
        if chain and not problems and not unsure:
            over = [*chain, *read.overlay(name, chain[-1].file)]
            problems = plans.mistakes(over, catalog, is_whole=True)
        found.refuse("\n".join(problems), read.document.path, "invalid-settings")


def _kind_of(path: Path, found: _Found, *, is_named: bool) -> Kind | None:
    """Tell what a YAML file is by what it holds; none of ours is a mistake only where it was named."""
    if path.parent.name == "profiles":
        return "profile"
    words: set[str] = set()
    try:
        text = yamlfile.read_text(path)
    except UsageProblem:
        if is_named:
            found.say(f"{path}:1:1", "error", "unknown-kind", "it cannot be read as UTF-8 text")
        return None
    try:
        words.update(_WORD.findall(text))
        if not words and not is_named:
            return None
        data = yamlfile.read(path, empty=[]).data
    except UsageProblem as problem:
        # It cannot be read, and words from it tell whose it is.
        if is_named or words & (_OF_WAIVERS | _OF_ATTESTATIONS | _ONLY_OF_GATES | {"controls", "extends"}):
            found.refuse(str(problem), path, "invalid-yaml")
        return None
    kind = _kind(data)
    if kind is None and is_named and data != []:
        found.say(f"{path}:1:1", "error", "unknown-kind", f"it is none of what can be linted: {_ANY}")
    return kind


def _kind(data: object) -> Kind | None:
    if isinstance(data, dict):
        keys = {key for key in data if isinstance(key, str)}
        # Three keys of a profile are enough, so that a typo in one does not make it somebody else's file.
        if ("id" in keys and keys & {"controls", "extends", "version"}) or len(keys & _OF_PROFILES) > 2:
            return "profile"
        return "gate" if keys and (keys <= _OF_GATES or keys & _ONLY_OF_GATES) else None
    if not isinstance(data, list):
        return None
    keys = {key for item in data if isinstance(item, dict) for key in item}
    if keys and keys <= {"kind", "pattern"}:
        return "patterns"
    of_waivers, of_attestations = len(keys & _OF_WAIVERS), len(keys & _OF_ATTESTATIONS)
    if of_attestations > of_waivers:
        return "attestations"
    return "waivers" if of_waivers or {"control", "hosts"} <= keys else None


def _controls(found: _Found) -> tuple[Catalog, set[str]]:
    """Return all controls, and the ids that stand in files that cannot be read."""
    files = [*control_files(found.roots.values()), *sorted(found.controls)]
    catalog, problems = read_controls(dict.fromkeys(files))
    for path, text in problems.items():
        found.refuse(text, path, "invalid-control")
    for path in sorted(found.controls - {control.path for control in catalog.values()} - set(problems)):
        found.say(f"{path}:1:1", "warning", "no-control", "it defines no control")
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in problems)
    return catalog, {match[0] for text in texts for match in CONTROL_ID.finditer(text)} - set(catalog)


def _profile(path: Path, catalog: Catalog, unsure: Collection[str], found: _Found) -> list[Profile]:
    """Lint a profile with all that it extends; return them, or nothing where it cannot be read."""
    chain, problems = profiles.read_chain(str(path), found.roots.values(), cwd=found.cwd)
    found.refuse("\n".join(problems), path, "invalid-profile")
    if not chain or chain[-1].document.path != path:
        _selectors(path, catalog, unsure, found)
        return []
    own = chain[-1]
    is_whole = not problems and not unsure
    mistakes = plans.mistakes([_without(item, catalog, unsure) for item in chain], catalog, is_whole=is_whole)
    found.refuse("\n".join(mistakes), path, "invalid-profile")
    if mistakes or not is_whole:
        return chain
    plan = plans.make_plan(chain, catalog)
    required = gate_policy.check_required(plan.gate, plan.gate_at, catalog, plan)
    found.refuse("\n".join(required), path, "invalid-gate")
    if own.file.gate is not None:
        limits = [limit for outcomes in plan.gate.max.values() for limit in outcomes.values()]
        enough = [str(number) for number in range(max(limits, default=0) + 1)]
        reasons = gate_policy.why_never(plan.gate, plan, enough, has_waivers=True)
        if reasons:
            planned = Counter(item.severity for item in plan.controls)
            there = ", ".join(
                f"{planned[severity]} {severity}" for severity in SEVERITIES if planned[severity]
            )
            found.say(
                plan.gate_at(("fail_on",)),
                "warning",
                "never-fails",
                f"this gate can never fail for {plan.profile}, which has no control of a severity that "
                f"counts or is limited (planned: {there})",
            )
    for shadow in unused_settings.find(own, catalog, [item.id for item in plan.controls]):
        found.say(own.document.at(shadow.loc), "warning", shadow.code, shadow.message)
    return chain


def _selectors(path: Path, catalog: Catalog, unsure: Collection[str], found: _Found) -> None:
    """Say which selectors mean no control, of a profile that is wrong in other ways."""
    try:
        document = yamlfile.read(path)
    except UsageProblem:
        return
    for key in ("exclude", "controls"):
        selectors = document.data.get(key) if isinstance(document.data, dict) else None
        for selector in selectors if isinstance(selectors, dict) else ():
            if isinstance(selector, str) and not plans.matching(selector, {*catalog, *unsure}):
                text = plans.not_there(selector, catalog, document.at((key, selector)))
                found.refuse(text, path, "invalid-profile")


def _without(profile: Profile, catalog: Catalog, unsure: Collection[str]) -> Profile:
    """Leave out what may select a control whose file cannot be read."""

    def known(selectors: Mapping[str, Any]) -> dict[str, Any]:
        return {
            selector: value
            for selector, value in selectors.items()
            if plans.matching(selector, catalog) or not plans.matching(selector, unsure)
        }

    file = profile.file
    changes = {"controls": known(file.controls), "exclude": known(file.exclude)}
    return Profile(file=file.model_copy(update=changes), document=profile.document)


def _gate(path: Path, known: Collection[str], found: _Found) -> None:
    try:
        document = yamlfile.read(path)
        policy = yamlfile.parse(document, GatePolicy)
    except UsageProblem as problem:
        found.refuse(str(problem), path, "invalid-gate")
        return
    found.refuse(
        "\n".join(gate_policy.check_required(policy, document.at, known, None)), path, "invalid-gate"
    )


def _dates(given: Given[Any], key: str, what: str, today: date, found: _Found) -> None:
    """Warn of what is over, or will be soon."""
    for item, at in zip(given.items, given.at, strict=True):
        end: date = getattr(item, key)
        left = statement.days_left(end, today)
        if left < 0:
            found.say(at(key), "warning", "expired", f"{what} {item.id} is over: {end} was its last day")
        elif left <= statement.EXPIRING_DAYS:
            when = "today" if left == 0 else f"in {left} day{'s' if left > 1 else ''}"
            found.say(at(key), "warning", "expiring", f"{what} {item.id} ends {when}: {end} is its last day")


def _overlaps(given: Given[Waiver], today: date, found: _Found) -> None:
    """Warn of two waivers that excuse one control on the same hosts at the same time."""
    by_control: dict[str, list[tuple[Waiver, Callable[[str], str]]]] = {}
    for item, at in zip(given.items, given.at, strict=True):
        if item.expires >= today:
            by_control.setdefault(item.control, []).append((item, at))
    effort = 0
    for entries in by_control.values():
        for (one, one_at), (other, other_at) in combinations(entries, 2):
            effort += sum(host_patterns.effort(mine, theirs) for mine in one.hosts for theirs in other.hosts)
            if effort > _MOST_EFFORT:
                message = "too many hosts in too many waivers of one control: the rest is not compared"
                found.say(other_at("hosts"), "warning", "overlapping", message)
                return
            if max(one.approved_on, other.approved_on) <= min(one.expires, other.expires) and _share_hosts(
                one, other
            ):
                found.say(
                    other_at("hosts"),
                    "warning",
                    "overlapping",
                    f"waiver {other.id} is for hosts of {one.id}, at {one_at('')}, too; on them the one for "
                    "fewer hosts counts",
                )


def _share_hosts(one: Dated, other: Dated) -> bool:
    """Tell whether a host of one is one of the other, as far as their names tell."""
    return any(host_patterns.overlap(mine, theirs) for mine in one.hosts for theirs in other.hosts)


def _unused(chains: Sequence[Sequence[Profile]], catalog: Catalog, found: _Found) -> None:
    """Warn of controls of the linted directories that no profile names; an exclusion names them, too."""
    seen = [item for chain in chains for item in chain]
    linted = {item.document.path for item in seen}
    for path in profiles.profile_files(found.roots.values()).values():
        if path.resolve() not in linted:
            chain, problems = profiles.read_chain(str(path), found.roots.values(), cwd=found.cwd)
            if problems:
                return
            seen += chain
    selectors = {selector for item in seen for selector in (*item.file.controls, *item.file.exclude)}
    named = {control for selector in selectors for control in plans.matching(selector, catalog)}
    for control in catalog.values():
        is_linted = any(control.path.is_relative_to(root / "controls") for root in found.whole)
        if is_linted and control.id not in named:
            where = f"{control.path}:{control.line}:1"
            found.say(where, "warning", "in-no-profile", f"control {control.id} is in no profile")
