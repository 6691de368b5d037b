"""Settings of a profile without effect, because the same file says something else further on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_aisec.catalog.load import Catalog
from pytest_aisec.catalog.profile import ControlEntry, Profile
from pytest_aisec.catalog.selectors import in_order, matching
from pytest_aisec.catalog.yamlfile import Loc

_MOST_LAYERS = 1000
"""Each is compared with every other."""


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """Something in a profile that has no effect, or that another part of the file replaces."""

    loc: Loc
    """The path of keys to it."""
    code: Literal["shadowed", "set-twice"]
    message: str


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Settings made by one key of the file."""

    loc: Loc
    controls: frozenset[str]
    settings: frozenset[tuple[str, str]]
    """(control, what is set for it)."""

    @property
    def name(self) -> str:
        return str(self.loc[-1])


def find(profile: Profile, catalog: Catalog, selected: Collection[str]) -> Iterator[Shadow]:
    """Find what has no effect; `selected` are the controls that the profile, with its bases, selects."""
    file = profile.file
    excluding = {key: selector for selector in file.exclude for key in matching(selector, catalog)}
    layers = [
        _Layer(loc=("params", name), controls=frozenset(selected), settings=_having(name, selected, catalog))
        for name in file.params
    ]
    for selector, entry in in_order(file.controls):
        found = frozenset(matching(selector, catalog))
        if found and not found & set(selected):
            names = _names(excluding[key] for key in sorted(found) if key in excluding)
            yield Shadow(
                loc=("controls", selector),
                code="shadowed",
                message=f"everything that {selector} selects is left out again by {names} below exclude",
            )
            continue
        controls = found & set(selected)
        layers.append(
            _Layer(
                loc=("controls", selector), controls=controls, settings=_settings(entry, controls, catalog)
            )
        )
    if len(layers) > _MOST_LAYERS:
        message = f"more than {_MOST_LAYERS} keys: what has no effect among them is not looked for"
        yield Shadow(loc=("controls",), code="shadowed", message=message)
        return
    for index, layer in enumerate(layers):
        yield from _over(layer, layers[index + 1 :], profile)


def _settings(entry: ControlEntry, controls: Collection[str], catalog: Catalog) -> frozenset[tuple[str, str]]:
    severities = {(control, "severity") for control in controls if entry.severity}
    return frozenset(severities).union(*(_having(name, controls, catalog) for name in entry.params))


def _having(name: str, controls: Collection[str], catalog: Catalog) -> frozenset[tuple[str, str]]:
    return frozenset(
        (control, f"parameter {name}") for control in controls if name in catalog[control].parameters
    )


def _over(layer: _Layer, later: list[_Layer], profile: Profile) -> Iterator[Shadow]:
    """Compare what a key sets with what is laid over it."""
    above = [other for other in later if other.settings & layer.settings]
    left = layer.settings.difference(*(other.settings for other in above))
    if layer.settings and not left:
        what = "the value" if layer.loc[0] == "params" else "nothing that it sets"
        counts = "counts for no control" if layer.loc[0] == "params" else "counts"
        yield Shadow(
            loc=layer.loc,
            code="shadowed",
            message=f"{layer.name}: {what} {counts}: {_places(above, profile)} set it again",
        )
        return
    for other in above:
        if layer.loc[0] == "params" or other.controls < layer.controls:
            continue  # the narrower one is an exception from the wider one, as it should be
        controls, keys = zip(*sorted(other.settings & layer.settings), strict=True)
        yield Shadow(
            loc=other.loc,
            code="set-twice",
            message=f"{other.name} sets {_names(keys)} of {_names(controls)} again, after "
            f"{_places([layer], profile)}; {other.name} counts",
        )


def _places(layers: list[_Layer], profile: Profile) -> str:
    return _names(f"{layer.name} on line {profile.document.place(layer.loc).line}" for layer in layers)


def _names(names: Collection[str] | Iterator[str]) -> str:
    unique = list(dict.fromkeys(names))
    shown = unique if len(unique) <= 4 else [*unique[:3], f"{len(unique) - 3} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
