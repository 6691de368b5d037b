"""CVSS base scores from vectors, versions 3.0, 3.1 and 4.0 (specifications of FIRST.org)."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

__all__ = ["base_score"]

_IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}
_WEIGHTS_3 = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": _IMPACT,
    "I": _IMPACT,
    "A": _IMPACT,
}
_PRIVILEGES_3 = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}

_STEPS_4 = {
    "AV": "NALP",
    "PR": "NLH",
    "UI": "NPA",
    "AC": "LH",
    "AT": "NP",
    "VC": "HLN",
    "VI": "HLN",
    "VA": "HLN",
    "SC": "HLN",
    "SI": "HLN",
    "SA": "HLN",
}
"""Values of each base metric from the most to the least severe."""

_MOST_SEVERE_4 = (
    (
        ("AV:N PR:N UI:N",),
        ("AV:A PR:N UI:N", "AV:N PR:L UI:N", "AV:N PR:N UI:P"),
        ("AV:P PR:N UI:N", "AV:A PR:L UI:P"),
    ),
    (("AC:L AT:N",), ("AC:H AT:N", "AC:L AT:P")),
    (("VC:H VI:H VA:H",), ("VC:L VI:H VA:H", "VC:H VI:L VA:H"), ("VC:L VI:L VA:L",)),
    ((), ("SC:H SI:H SA:H",), ("SC:L SI:L SA:L",)),
)
"""By equivalence set (1, 2, 3 with 6, 4) and level: the most severe vectors of the level."""

_DEPTH_4 = ((1, 4, 5), (1, 2), (7, 8, 10), (6, 5, 4))
"""By equivalence set and level: steps from the most to the least severe vector."""


def base_score(vector: str) -> float | None:
    """Return the base score of a vector, such as 9.8; `None` when it is none of a known version."""
    version, _, rest = vector.strip().partition("/")
    try:
        metrics = dict(part.split(":") for part in rest.split("/"))
        if version in {"CVSS:3.0", "CVSS:3.1"}:
            return _score_3(metrics, rounds_exactly=version == "CVSS:3.1")
        return _score_4(metrics) if version == "CVSS:4.0" else None
    except (KeyError, ValueError):
        return None


def _score_3(metrics: dict[str, str], *, rounds_exactly: bool) -> float:
    weight = {name: values[metrics[name]] for name, values in _WEIGHTS_3.items()}
    privileges = _PRIVILEGES_3[metrics["S"]][metrics["PR"]]
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = metrics["S"] == "C"
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    if impact <= 0:
        return 0.0
    ease = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    total = min(1.08 * (impact + ease) if changed else impact + ease, 10)
    if not rounds_exactly:
        return math.ceil(total * 10) / 10
    hundred_thousandths = round(total * 100_000)
    return math.ceil(hundred_thousandths / 10_000) / 10


@cache
def _macro_scores() -> dict[str, float]:
    path = Path(__file__).with_name("cvss4.json")
    scores: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["scores"]
    return scores


def _score_4(metrics: dict[str, str]) -> float:
    step = {name: values.index(metrics[name]) for name, values in _STEPS_4.items()}
    if all(step[name] == 2 for name in ("VC", "VI", "VA", "SC", "SI", "SA")):
        return 0.0
    levels = _levels(step)
    value = _macro(levels)
    drops = []
    for which, level in enumerate(levels):
        lower = _below(levels, which)
        if lower is None:
            continue
        distance = _distance(step, _MOST_SEVERE_4[which][level])
        drops.append((value - lower) * distance / _DEPTH_4[which][level])
    # The fifth set (exploit maturity) is at its worst in a base score: it has a lower level, at distance 0.
    drops.append(0.0)
    return math.floor((value - sum(drops) / len(drops)) * 10 + 0.5 + 1e-6) / 10


def _levels(step: dict[str, int]) -> tuple[int, int, int, int]:
    easiest = [step[name] == 0 for name in ("AV", "PR", "UI")]
    first = 0 if all(easiest) else 1 if any(easiest) and step["AV"] != 3 else 2
    second = 0 if step["AC"] == 0 and step["AT"] == 0 else 1
    high = [step[name] == 0 for name in ("VC", "VI", "VA")]
    third = 0 if high[0] and high[1] else 1 if any(high) else 2
    fourth = 1 if any(step[name] == 0 for name in ("SC", "SI", "SA")) else 2
    return first, second, third, fourth


def _macro(levels: tuple[int, int, int, int]) -> float:
    first, second, third, fourth = levels
    return _macro_scores()[f"{first}{second}{third}{fourth}0{1 if third == 2 else 0}"]


def _below(levels: tuple[int, int, int, int], which: int) -> float | None:
    """Return the score of the next lower level of one set; `None` where there is none."""
    first, second, third, fourth = levels
    if which == 2:
        # Sets 3 and 6 go together; from their highest level two ways lead down, and the higher one counts.
        ways = {0: ((0, 1), (1, 0)), 1: ((1, 1),), 2: ()}[third]
        scores = [_macro_scores()[f"{first}{second}{three}{fourth}0{six}"] for three, six in ways]
        return max(scores, default=None)
    if levels[which] == len(_MOST_SEVERE_4[which]) - 1:
        return None
    lowered = [*levels]
    lowered[which] += 1
    return _macro((lowered[0], lowered[1], lowered[2], lowered[3]))


def _distance(step: dict[str, int], vectors: tuple[str, ...]) -> int:
    """Return how many steps the vector is below the first of `vectors` that is at least as severe."""
    for vector in vectors:
        parts = [part.split(":") for part in vector.split()]
        away = [step[name] - _STEPS_4[name].index(value) for name, value in parts]
        if min(away) >= 0:
            return sum(away)
    return 0
