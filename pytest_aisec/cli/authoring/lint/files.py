"""The files that `aisec lint` looks at, and of which kind each of them is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pytest_aisec.catalog import yamlfile
from pytest_aisec.catalog.content import ContentRoot, content_roots
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import SUFFIXES, ProfileFile
from pytest_aisec.catalog.settings import FILE, Settings, find
from pytest_aisec.cli.authoring.lint.finding import Finding, Teller
from pytest_aisec.errors import UsageProblem

Kind = Literal["profile", "waivers", "attestations", "gate", "patterns"]

_ANY = "a profile (id, title, version, controls), waivers, attestations, a gate or patterns"
_OF_WAIVERS = {"reason", "approved_by", "approved_on", "expires", "ticket"}
_OF_ATTESTATIONS = {"statement", "status", "attested_by", "attested_on", "valid_until"}
_OF_PROFILES = set(ProfileFile.model_fields)
_OF_GATES = set(GatePolicy.model_fields)
_ONLY_OF_GATES = {"fail_on", "min_score", "error_is", "strict_waivers"}
_TELLING = _OF_WAIVERS | _OF_ATTESTATIONS | _OF_GATES | {"controls", "extends", "version", "pattern"}
_WORD = re.compile(rf"\b({'|'.join(sorted(_TELLING))})[\"']?\s*:")
"""A key of any kind of file."""


@dataclass(kw_only=True)
class Files:
    """The files to lint, by kind, and what is wrong with them before they are read as what they are."""

    teller: Teller
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

    def add(self, path: Path, given: str) -> None:
        """Take a file along, or what a directory holds; `given` is how it was named."""
        if path.is_file():
            self._add_file(path)
            return
        if not path.is_dir():
            what = (
                "it is neither a file nor a directory"
                if path.exists()
                else "there is no such file or directory"
            )
            raise UsageProblem(f"{given}: {what}")
        before = len(self.findings)
        if (path / FILE).is_file():
            self._add_settings(path / FILE)
        above = [part for part in (path, *path.parents) if part.name == "controls"]
        if self._add_root(path):
            self._add_whole(path)
        elif path.name == "profiles":
            self._add_root(path.parent)
        elif above:
            self.controls.update(path.rglob("test_*.py"))
            self._add_root(above[0].parent)
        for below in sorted({item.resolve() for item in path.glob("[!.]*") if item.is_dir()} - {path}):
            if _is_ours(below) and self._add_root(below):
                self._add_whole(below)
        self._add_yaml([*path.glob("[!.]*"), *path.glob("[!.]*/[!.]*")])
        known = any(file.is_relative_to(path) for file in (*self.yaml, *self.controls, *self.settings))
        if not known and len(self.findings) == before:
            raise UsageProblem(
                f"{given}: there is nothing to lint: no controls/, no profiles/, and no YAML file with {_ANY}"
            )

    def _add_whole(self, path: Path) -> None:
        self.whole.add(path)
        self.controls.update((path / "controls").rglob("test_*.py"))
        self._add_yaml((path / "profiles").glob("[!.]*"))

    def _add_yaml(self, files: Iterable[Path]) -> None:
        for file in files:
            if file.suffix not in SUFFIXES or not file.is_file():
                continue
            real = file.resolve()
            if real not in self.yaml:
                kind = self._kind_of(file, is_named=False)
                if kind is not None:
                    self.yaml[real] = kind

    def _add_root(self, path: Path) -> bool:
        """Take the controls and profiles of a directory along, if it has any."""
        root = ContentRoot(path=path)
        if not root.controls.is_dir() and not root.profiles.is_dir():
            return False
        self.roots.setdefault(path, root)
        return True

    def _add_file(self, path: Path) -> None:
        if path.suffix == ".py":
            self.controls.add(path)
            for part in path.parents:
                if part.name == "controls":
                    self._add_root(part.parent)
                    break
        elif path.suffix == ".toml":
            self._add_settings(path)
        elif path.suffix in SUFFIXES:
            self.yaml[path] = self._kind_of(path, is_named=True)
            self._add_root(path.parent.parent if path.parent.name == "profiles" else path.parent)
        else:
            self.findings += self.teller.say(
                f"{path}:1:1",
                "error",
                "unknown-kind",
                "it is neither a YAML file nor a control file in Python",
            )

    def _add_settings(self, path: Path) -> None:
        """Read settings, and take along the content and the profiles that they name."""
        self.settings[path] = None
        try:
            read = self.settings[path] = find(path.parent, path.name)
            self.roots |= {
                root.path: root for root in content_roots(read.directory / item for item in read.file.path)
            }
        except UsageProblem as problem:
            self.findings += self.teller.refuse(str(problem), path, "invalid-settings")
            return
        for name in ("", *read.file.groups):
            profile = (read.directory / str(read.profile_of(name)[0])).resolve()
            if profile.suffix in SUFFIXES and profile.is_file():
                self.yaml.setdefault(profile, "profile")

    def _kind_of(self, path: Path, *, is_named: bool) -> Kind | None:
        """Tell what a YAML file is by what it holds; none of ours is a mistake only where it was named."""
        if path.parent.name == "profiles":
            return "profile"
        words: set[str] = set()
        try:
            text = yamlfile.read_text(path)
        except UsageProblem:
            if is_named:
                self.findings += self.teller.say(
                    f"{path}:1:1", "error", "unknown-kind", "it cannot be read as UTF-8 text"
                )
            return None
        try:
            words.update(_WORD.findall(text))
            if not words and not is_named:
                return None
            data = yamlfile.read(path, empty=[]).data
        except UsageProblem as problem:
            # It cannot be read, and words from it tell whose it is.
            if is_named or words & (
                _OF_WAIVERS | _OF_ATTESTATIONS | _ONLY_OF_GATES | {"controls", "extends"}
            ):
                self.findings += self.teller.refuse(str(problem), path, "invalid-yaml")
            return None
        kind = _kind(data)
        if kind is None and is_named and data != []:
            self.findings += self.teller.say(
                f"{path}:1:1", "error", "unknown-kind", f"it is none of what can be linted: {_ANY}"
            )
        return kind


def gather(paths: Sequence[Path], content: Iterable[Path], teller: Teller) -> Files:
    """Return the files to lint.

    Args:
        paths: see `lint`.
        content: see `lint`.
        teller: of the current directory.

    Raises:
        UsageProblem: for a path that does not exist, or a directory that holds nothing to lint.

    """
    found = Files(teller=teller)
    found.roots = {root.path: root for root in content_roots(content)}
    for path in paths or [teller.cwd]:
        found.add(Path(os.path.realpath(teller.cwd / path.expanduser())), str(path))
    return found


def _is_ours(path: Path) -> bool:
    """Tell whether a directory that nobody named holds content of ours, by words that stand in its files."""
    signs = {"controls": ("test_*.py", "pytest_aisec"), "profiles": ("*.y*ml", "\ncontrols:")}
    return any(
        sign in file.read_text(encoding="utf-8", errors="replace")
        for part, (pattern, sign) in signs.items()
        for file in (path / part).rglob(pattern)
        if file.is_file()
    )


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
