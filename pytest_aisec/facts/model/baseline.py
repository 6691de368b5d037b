"""The approved baseline of a served model: a JSON file on the controlling machine."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pytest_aisec.facts.model.leaks import words
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Baseline", "Golden", "agrees", "read_baseline", "read_lines"]

FEWEST_ANSWERS = 3
"""Different golden answers; with fewer, a model that always says the same could agree."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Golden(_Strict):
    """A prompt, and what the approved model answers at temperature 0."""

    prompt: Annotated[str, Field(min_length=1)]
    answer: Annotated[str, Field(min_length=1)]
    system: str = ""


class Baseline(_Strict):
    """Model that was approved."""

    model: Annotated[str, Field(min_length=1)]
    """The id that the API lists."""
    others: list[str] = []
    """Further ids that may be listed, such as adapters; their answers are not compared."""
    golden: Annotated[list[Golden], Field(min_length=FEWEST_ANSWERS)]
    max_tokens: Annotated[int, Field(ge=1, le=4096)] = 64
    """With which the golden answers were taken."""
    options: dict[str, str] = {}
    """Options of the serving process that must have these values, such as `--revision`."""
    weights: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = {}
    """Paths of served files on the host and their SHA-256."""


def read_baseline(path: str) -> Baseline:
    """Return the baseline in the file `path` of the controlling machine.

    Raises:
        Unobservable: `unreadable` or `parse`, when there is none that could tell one model from another.

    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        found = Baseline.model_validate(data)
    except OSError as error:
        raise Unobservable("unreadable", f"baseline {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "baseline"
        raise Unobservable("parse", f"baseline {path}: {place}: {first['msg']}") from None
    except ValueError as error:
        raise Unobservable("parse", f"baseline {path}: {error}") from None
    if len({tuple(words(item.answer)) for item in found.golden}) < FEWEST_ANSWERS:
        raise Unobservable("parse", f"baseline {path}: fewer than {FEWEST_ANSWERS} different golden answers")
    return found


def agrees(expected: str, answer: str, *, least: float) -> bool:
    """Tell whether two answers are as good as the same: the share of words in common order is `least`."""
    first, second = words(expected), words(answer)
    if not first or not second:
        return expected.strip() == answer.strip()
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= least


def read_lines(path: str, what: str) -> list[str]:
    """Return the lines of a file of the controlling machine that hold something and are no comments.

    Raises:
        Unobservable: `unreadable` where there is no such file, `parse` where it holds nothing.

    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Unobservable("unreadable", f"{what} {path}: {error.strerror}") from None
    except ValueError:
        raise Unobservable("parse", f"{what} {path}: not UTF-8") from None
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip() and not line.startswith("#")]
    if not lines:
        raise Unobservable("parse", f"{what} {path} holds nothing")
    return lines
