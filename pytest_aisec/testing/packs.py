"""Content packs with scenarios: `controls/`, `tests/scenarios/CONTROL-ID/*.sh` and `tests/recordings/`."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_aisec.catalog.content import ContentRoot
from pytest_aisec.catalog.control import Control
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.resolve import single
from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.testing import fingerprints, recordings, scenarios
from pytest_aisec.testing.labkit.image import LAYERS
from pytest_aisec.testing.recordings import Recording, RecordingError
from pytest_aisec.testing.scenarios import Scenario

_WANTED = {"passed": "pass", "failed": "fail"}
"""Outcomes of which every control has a scenario → what stands in its name."""
_NO_CONTROLS = ("lib", "doubles", "windows")
"""Directories beside those of the controls."""


@dataclass(frozen=True, kw_only=True)
class Pack:
    """The part of a pack that is to be proved."""

    given: Path
    """As the user named it: for messages and commands."""
    controls: Mapping[str, Control]
    """All of the pack by id, sorted."""
    scenarios: Sequence[Scenario]
    """Those to be proved, by control and name."""
    complete: Sequence[str]
    """The ids of the controls of which all scenarios are to be proved."""

    @property
    def recordings(self) -> Path:
        """The directory of the recordings; it may be absent."""
        return self.given / "tests/recordings"

    @property
    def missing(self) -> dict[str, list[str]]:
        """Control id → which of `pass` and `fail` it has no scenario of; without those of Windows alone."""
        present = {(item.control, item.outcome) for item in self.scenarios}
        found = {
            name: [word for outcome, word in _WANTED.items() if (name, outcome) not in present]
            for name in self.complete
            if name not in self.not_provable
        }
        return {name: words for name, words in found.items() if words}

    @property
    def not_provable(self) -> list[str]:
        """The ids of the controls that are for no host on which a shell script could run."""
        return [name for name in self.complete if "linux" not in self.controls[name].platforms]

    def narrowed(self, patterns: Sequence[str]) -> Pack:
        """Return the pack with the controls and scenarios that match one of `patterns`, or with all for none.

        Args:
            patterns: ids of controls, or `CONTROL-ID/SCRIPT`, with `*` and `?`.

        Raises:
            UsageProblem: for a pattern that matches nothing.

        """
        if not patterns:
            return self
        names = [*self.controls, *(item.id for item in self.scenarios)]
        for pattern in patterns:
            if not fnmatch.filter(names, pattern):
                raise UsageProblem(
                    f"-k {pattern}: matches no control and no scenario of {self.given}. "
                    f"{nearest(pattern, self.controls)}"
                )

        def matches(name: str) -> bool:
            return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

        return replace(
            self,
            complete=[name for name in self.complete if matches(name)],
            scenarios=[item for item in self.scenarios if matches(item.control) or matches(item.id)],
        )


def read(given: Path) -> Pack:
    """Read a pack, without running anything on a host.

    Args:
        given: its directory.

    Raises:
        UsageProblem: when there is no such pack, or it has no control or no scenario; and, all at once, for
            each directory of scenarios without a control and each script whose name or header is wrong.

    """
    if not given.is_dir():
        raise UsageProblem(f"{given}: there is no such directory")
    root = ContentRoot(path=given.resolve())
    if not root.controls.is_dir():
        raise UsageProblem(f"{given}: is no pack: it has no controls/ directory")
    catalog = load_catalog([root])
    if not catalog:
        raise UsageProblem(
            f"{given / 'controls'}: holds no control (a function with @control in a test_*.py)"
        )
    directory = given / "tests/scenarios"
    problems = [*_strangers(directory, catalog)]
    found = []
    for path in sorted(directory.glob("*/*.sh")):
        if path.parent.name in catalog:
            try:
                found.append(_checked(path, catalog[path.parent.name]))
            except (ValueError, UsageProblem) as error:
                problems.append(str(error))
    if problems:
        raise UsageProblem("\n".join(problems))
    if not found:
        raise UsageProblem(
            f"{directory}: holds no scenario; `aisec new control ID --path {given}` writes some to start from"
        )
    return Pack(given=given, controls=catalog, scenarios=found, complete=list(catalog))


def _strangers(directory: Path, catalog: Mapping[str, Control]) -> Iterator[str]:
    """Yield what is wrong with directories of scripts that no control has."""
    for path in sorted(directory.glob("*/")):
        name = path.name
        if name not in catalog and name not in _NO_CONTROLS and any(path.glob("*.sh")):
            yield f"{directory / name}: there is no control {name} in the pack. {nearest(name, catalog)}"
    for path in sorted(directory.glob("*.sh")):
        yield f"{path}: belongs into the directory of a control. {nearest('', catalog)}"


def _checked(path: Path, control: Control) -> Scenario:
    """Return the scenario of a script; raises ValueError and UsageProblem for what cannot be audited."""
    scenario = scenarios.read(path)
    for name in scenario.wheels:
        if name not in LAYERS:
            raise ValueError(f"{path}: # wheels: {name} is not one of {', '.join(sorted(LAYERS))}")
    try:
        single(control, scenario.params)
    except UsageProblem as error:
        raise ValueError(f"{path}: # params: {error}") from None
    return scenario


def recorded(pack: Pack) -> dict[str, Recording]:
    """Return all recordings of the controls of the pack's scenarios by the scenarios' ids.

    Raises:
        UsageProblem: all at once, for each recording that was edited, has no live run behind it, is of a
            control or scenario that is gone, or rests on something else than what is there; with what to do.

    """
    found: dict[str, Recording] = {}
    problems: list[str] = []
    for name in recordings.all_in(pack.recordings):
        path = recordings.file_of(pack.recordings, name)
        if name not in pack.controls:
            problems.append(f"{path}: there is no control {name} in the pack; remove it: rm {path}")
        elif name in {item.control for item in pack.scenarios}:
            again = f"record it again: aisec test {pack.given} -k {name}"
            try:
                loaded = recordings.load(path)
            except RecordingError as error:
                problems.append(f"{error}; {again}")
                continue
            for why, scripts in _stale(pack, name, loaded).items():
                more = f" and {len(scripts) - 3} more" if len(scripts) > 3 else ""
                problems.append(f"{path}: {', '.join(scripts[:3])}{more}: {why}; {again}")
            found |= {f"{name}/{script}": item for script, item in loaded.items()}
    if problems:
        raise UsageProblem("\n".join(problems))
    return found


def _stale(pack: Pack, control: str, loaded: Mapping[str, Recording]) -> dict[str, list[str]]:
    """Return why recordings prove nothing of what is there now → the scripts of which that is so.

    On which image one rests is of no account here: there need be none at hand.
    """
    present = {item.path.name: item for item in pack.scenarios if item.control == control}
    found: dict[str, list[str]] = {}
    for script, recording in loaded.items():
        if script in present:
            image = recording.rests_on["image"]
            rests_on = fingerprints.of_scenario(present[script], pack.controls[control], image)
            why = recordings.out_of_date(recording, rests_on)
        else:
            gone = not (pack.given / "tests/scenarios" / control / script).exists()
            why = "the scenario is gone" if gone else ""
        if why:
            found.setdefault(why, []).append(script)
    return found
