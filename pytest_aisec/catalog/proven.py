"""Proven controls: `controls/proven.json`, made from the recordings of live hosts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pytest_aisec.errors import UsageProblem

NAME = "proven.json"
"""Of the file, in the directory of the controls."""


class Proven(BaseModel):
    """Record of one control."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recorded_at: str
    """Day of the newest recording, ISO 8601."""
    scenarios: int
    """How many were recorded."""


_FILE = TypeAdapter(dict[str, Proven])


def read(controls: Path) -> Mapping[str, Proven]:
    """Return what is proven of the controls of a directory, by id; nothing where there is no file.

    Raises:
        UsageProblem: when the file is malformed.

    """
    path = controls / NAME
    try:
        return _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        raise UsageProblem(f"{path}: is no index of proven controls: {str(error).splitlines()[0]}") from None


def dump(proven: Mapping[str, Proven]) -> str:
    """Return the text of the file."""
    return json.dumps({name: proven[name].model_dump() for name in sorted(proven)}, indent=1) + "\n"
