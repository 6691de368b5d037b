"""Files that are made to break or to hold up who reads them: each ends in values, or in one message."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pytest_aisec.advisories import sources
from pytest_aisec.catalog import tomlfile, yamlfile
from pytest_aisec.cli.authoring import lint
from pytest_aisec.errors import AisecError

pytestmark = pytest.mark.slow

LONGEST = 20.0
"""Seconds of this process, on a slow machine; most of them took minutes, or had no end."""

WAIVER = """\
- id: W-{number}
  control: {control}
  hosts: ["{host}"]
  reason: r
  approved_by: me@example.com
  approved_on: 2026-01-01
  expires: 2026-12-31
"""
PROFILE = 'id: p\ntitle: P\nversion: "1"\n'


def waivers(number: int, control: str = "AISEC-NET-01", host: str = "gpu-1") -> str:
    return "".join(WAIVER.format(number=index, control=control, host=host) for index in range(number))


def multiplied(first: str, each: str) -> str:
    return first + "".join(
        each.format(n=n, tens=", ".join([f"*a{n - 1}"] * 10), open="{", close="}") for n in range(1, 10)
    )


YAML = {
    "nothing but levels": "[" * 100_000,
    "levels of objects": "{a: " * 100_000,
    "many short items below many levels": "[" * 49 + "a, " * 300_000,
    "levels of blocks": "".join(f"{' ' * at}a:\n" for at in range(3_000)),
    "aliases of aliases": multiplied("a0: &a0 [x]\n", "a{n}: &a{n} [{tens}]\n"),
    "merges of merges": multiplied("a0: &a0 {x: 1}\n", "a{n}: &a{n} {open}<<: [{tens}]{close}\n"),
    "an alias of itself": "a: &a [*a]\n",
    "many comments": "# x\n" * 100_000,
    "many blanks": "a:" + " " * 1_000_000,
    "one long word": "a: " + "x" * 1_000_000,
    "one long text of escapes": 'a: "' + "\\u0041" * 150_000 + '"',
    "many documents": "--- a\n" * 600_000,
    "many tags": "".join(f"%TAG !{n}! tag:x,2000:\n" for n in range(5_000)) + "--- a\n",
    "too much": "a: " + "x" * 5_000_000,
    "many keys that nobody knows": PROFILE + "".join(f"key{n}: 1\n" for n in range(3_000)),
    "many controls that nobody knows": PROFILE
    + "controls:\n"
    + "".join(f"  AISEC-XXX-{n}: {{}}\n" for n in range(600)),
    "many wildcards": PROFILE
    + "controls:\n"
    + "".join(f"  'AISEC-N{'?' * (n % 9)}{'*' * (n // 9)}': {{severity: low}}\n" for n in range(1_200)),
    "too many selectors": PROFILE + "controls:\n" + "".join(f"  A{n}: {{}}\n" for n in range(6_000)),
    "many waivers of one control": waivers(1_500),
    "waivers with long wildcards": waivers(20, host="*a" * 1_000),
    "waivers of controls that nobody knows": waivers(2_000, control="AISEC-NET-99"),
}


@pytest.mark.parametrize("name", YAML)
def test_lint_ends_whatever_a_yaml_file_holds(tmp_path: Path, name: str) -> None:
    """Before: two such files kept `aisec lint` busy for more than 20 s, and others broke it."""
    path = tmp_path / "some.yaml"
    path.write_text(YAML[name])
    begun = time.process_time()
    lint.lint([path], [], cwd=tmp_path, today=date(2026, 6, 1))
    assert time.process_time() - begun < LONGEST


def test_too_many_profiles_to_extend_are_one_error(tmp_path: Path) -> None:
    """Before: one for each, 8 MB of them."""
    path = tmp_path / "some.yaml"
    path.write_text(f"{PROFILE}extends: [{', '.join(f'p{n}' for n in range(500))}]\n")
    assert 1 == len(lint.lint([path], [], cwd=tmp_path, today=date(2026, 6, 1)).findings)


TOML = {
    "a key of many keys": "a" + ".a" * 200_000 + " = 1\n",
    "such a key within": "x = {a" + ".a" * 200_000 + " = 1}\n",
    "a table of many keys": "[a" + ".a" * 200_000 + "]\n",
    "lists within lists": "a = " + "[" * 100_000,
    "objects within objects": "a = " + "{a = " * 100_000,
    "a number without end": "a = " + "9" * 10_000,
    "many keys": "".join(f"a{n} = 1\n" for n in range(50_000)),
    "too much": "a = '" + "x" * 5_000_000 + "'",
    "a text without end": "a = " + '"' * 3 + "\\" * 1_000_000,
}


@pytest.mark.parametrize("name", TOML)
def test_settings_end_whatever_they_hold(tmp_path: Path, name: str) -> None:
    """Before: lists within lists and long numbers were tracebacks, keys of keys had no end."""
    path = tmp_path / "aisec.toml"
    path.write_text(TOML[name])
    begun = time.process_time()
    message = f"{path}:"
    try:
        tomlfile.read(path)
    except AisecError as problem:
        message = str(problem)
    assert message.startswith(f"{path}:")
    assert "\n" not in message
    assert time.process_time() - begun < LONGEST


def test_dots_that_are_no_keys_are_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "aisec.toml"
    path.write_text(f"a = [{', '.join(['1.5'] * 500)}]\nb = '{'a.b, ' * 50}'\n")
    found = tomlfile.read(path)
    assert found is not None
    assert str(found.place(("b",))) == "2:1"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full"])
def test_a_file_without_end_is_not_read(path: str) -> None:
    with pytest.raises(AisecError, match="has more than 4 MiB"):
        yamlfile.read(Path(path))


def record(**changes: object) -> str:
    affected = {"package": {"name": "a", "ecosystem": "PyPI"}, "versions": ["1"]}
    return json.dumps({"id": "X-1", "modified": "2026-01-01T00:00:00Z", "affected": [affected], **changes})


RECORDS: dict[str, Callable[[], str]] = {
    "half a character": lambda: record(id="X-\ud800"),
    "half a character in a version": lambda: record(
        affected=[{"package": {"name": "a", "ecosystem": "PyPI"}, "versions": ["\udfff"]}]
    ),
    "levels": lambda: "[" * 200_000,
    "a number without end": lambda: record(x=0)[:-2] + "9" * 10_000 + "}",
    "a time before all times": lambda: record(modified="0001-01-01T00:00:00+23:59"),
    "more versions and ranges than any": lambda: record(
        affected=[
            {
                "package": {"name": "a", "ecosystem": "PyPI"},
                "versions": list(map(str, range(20_000))),
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}] * 20_000,
            }
        ]
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_advisories_end_whatever_they_hold(tmp_path: Path, name: str) -> None:
    """Before: half a character was a UnicodeEncodeError when the index was written."""
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "x.json").write_text(RECORDS[name]())
    begun = time.process_time()
    with pytest.raises(AisecError) as refused:
        sources.update(str(tmp_path / "records"), tmp_path / "index", now=datetime(2026, 6, 1, tzinfo=UTC))
    assert str(tmp_path / "records") in str(refused.value)
    assert time.process_time() - begun < LONGEST
