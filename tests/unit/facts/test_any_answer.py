"""Every reader of what hosts answer ends in a value or in `Unobservable`, whatever the answer is."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import pytest_aisec.facts
from pytest_aisec.facts.artifacts.sources import Memory
from pytest_aisec.facts.containers import image_reports
from pytest_aisec.facts.core import formats
from pytest_aisec.facts.core.answers import Answer
from pytest_aisec.facts.network import nft
from pytest_aisec.facts.software.index_settings import read_configuration
from pytest_aisec.facts.software.project_formats import read_project_file
from pytest_aisec.facts.system import logs, sockets
from pytest_aisec.facts.system.accounts import read_accounts
from pytest_aisec.facts.system.rights import Rights
from pytest_aisec.facts.web import jupyter
from pytest_aisec.facts.windows import powershell
from pytest_aisec.observe.faults import Unobservable

pytestmark = pytest.mark.slow

EXAMPLES = 4
FACTS = Path(pytest_aisec.facts.__file__).parent
ODD = (
    "²", "٣", "9" * 5000, "-1", "1e999", "NaN", "999999999999999.5", "\0", "\n", "\r", "\x1c", "\udcff", "\\", '"', "'",
    "{}", "[]", "[" * 3000, "null", "/", ":", "=", " ", "\t", "2026-01-01T00:00:00Z", "Jan  1 00:00:00", "0:0", "«", "]",
)  # fmt: skip


def readers() -> dict[str, Callable[..., Any]]:
    """Return what is marked as a reader, by module and name."""
    found = {}
    for path in sorted(FACTS.glob("*/*.py")):
        module = importlib.import_module(f"pytest_aisec.facts.{path.parent.name}.{path.stem}")
        for name, value in vars(module).items():
            if (
                inspect.isfunction(value)
                and hasattr(value, "__wrapped__")
                and value.__module__ == module.__name__
            ):
                found[f"{path.parent.name}.{path.stem}.{name}"] = value
    return found


READERS = readers()


@cache
def words(module: str) -> tuple[str, ...]:
    """Return the words that a module knows: with them an answer comes further."""
    file = FACTS.joinpath(*module.split(".")[-2:]).with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    known = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return tuple(sorted(word for word in known if 0 < len(word) < 40))


def texts(known: tuple[str, ...]) -> st.SearchStrategy[str]:
    part = st.sampled_from([*ODD, *known]) | st.text(max_size=5)
    joined = st.sampled_from(["", " ", "\n", "\0", ":", "=", "\t"]).flatmap(
        lambda by: st.lists(part, max_size=8).map(by.join)
    )
    return joined | values(known).map(json.dumps)


def values(known: tuple[str, ...]) -> st.SearchStrategy[Any]:
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([*ODD, *known, "a"])
    keys = st.sampled_from([*known, "a"])
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=6,
    )


def argument(annotation: str, known: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Return what may stand for a parameter; `LookupError` for one that no answer gives."""
    answer = st.builds(Answer, stdout=texts(known), stderr=texts(known), status=st.sampled_from([0, 1, 127]))
    tables = st.dictionaries(st.sampled_from([*known, "a"]), values(known), max_size=5)
    return {
        "str": texts(known),
        "str | bytes": texts(known),
        "bytes": st.binary(max_size=60) | texts(known).map(lambda text: text.encode("utf-8", "replace")),
        "Any": values(known),
        "object": values(known),
        "Mapping[str, Any]": tables,
        "Mapping[str, Mapping[str, Any]]": st.dictionaries(st.text(max_size=3), tables, max_size=3),
        "Sequence[Mapping[str, Any]]": st.lists(tables, max_size=3),
        "Sequence[str]": st.lists(st.sampled_from(["/a", *known]), max_size=3),
        "Sequence[int]": st.just([1, 2]),
        "Sequence[Answer]": st.lists(answer, max_size=3),
        "frozenset[str]": st.just(frozenset({"a"})),
        "str | None": st.none() | st.sampled_from(["a", *known]),
        "Sets | None": st.none(),
        "TrustedKeys | None": st.none(),
        "int": st.integers(min_value=0, max_value=100),
        "bool": st.booleans(),
        "datetime": st.just(datetime(2026, 1, 1, tzinfo=UTC)),
        "timezone": st.just(UTC),
        "Sequence[Monitor]": st.just(()),
        "Sequence[Component]": st.just(()),
        "Sequence[Process]": st.just(()),
        "Reply": st.builds(model_reply, texts(known)),
        "Mapping[int, str]": st.dictionaries(st.integers(1, 5), st.sampled_from(["a", *known]), max_size=3),
        "Mapping[str, Sequence[str]]": st.dictionaries(
            st.sampled_from(["a", *known]), st.lists(st.sampled_from(["/a", *known]), max_size=3), max_size=3
        ),
        "Source": st.binary(max_size=60).map(lambda data: Memory("a", data)),
        "Rights": st.builds(Rights, uid=st.sampled_from([0, 1000]), gid=st.just(1000)),
    }[annotation]


def model_reply(body: str) -> Any:
    from pytest_aisec.facts.model.api import Reply

    return Reply(status=200, seconds=1.0, body=body)


def ends_well(call: Callable[[], Any]) -> None:
    try:
        found = call()
        if isinstance(found, Iterator):
            list(found)
    except Unobservable:
        pass
    except Exception as error:
        if type(error).__name__ != "NoManifest":  # which its caller expects
            raise


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_a_reader_ends_in_a_value_or_says_that_it_cannot_read(name: str, data: st.DataObject) -> None:
    reader = READERS[name]
    known = words(reader.__module__)
    given_values = {
        parameter.name: data.draw(argument(str(parameter.annotation), known), parameter.name)
        for parameter in inspect.signature(reader).parameters.values()
    }
    ends_well(lambda: reader(**given_values))


FILES = (
    "/a/pyproject.toml", "/a/uv.toml", "/a/uv.lock", "/a/Pipfile", "/a/Pipfile.lock", "/a/environment.yml",
    "/a/conda-lock.yml", "/a/requirements.txt", "/a/pip.conf", "/a/condarc",
)  # fmt: skip


@pytest.mark.parametrize("path", FILES)
@settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_a_file_of_a_project_or_of_its_tools_is_read_or_refused(path: str, data: st.DataObject) -> None:
    known = words("software.project_formats") + words("software.package_indexes")
    text = data.draw(texts(known))
    ends_well(lambda: read_project_file(path, text))
    ends_well(lambda: read_configuration(path, text))


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(Unobservable) as caught:
        list(call() or ())
    return caught.value.reason


def test_what_once_ended_as_an_internal_error_is_a_parse_error() -> None:
    chain = {"chain": {"family": "ip", "table": "t", "name": "c", "hook": "input"}}
    rule = {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [{}]}}
    table = {"table": {"family": "ip", "name": "t"}}
    text = json.dumps({"nftables": [table, chain, rule]})
    assert "parse" == refused(lambda: nft.parse_nft(text))
    assert "parse" == refused(lambda: sockets.parse_ss("tcp LISTEN 0 5 0.0.0.0:² 0.0.0.0:*\n").listening)
    assert "parse" == refused(lambda: read_accounts("a:x:²:0::/:/bin/sh\n"))
    assert "parse" == refused(lambda: logs.parse_journal("99999999999999.5 host sshd[1]: Failed\n"))
    report = {"SchemaVersion": 2, "Results": [{"Target": "a", "Class": "os-pkgs", "Vulnerabilities": 5}]}
    assert "parse" == refused(lambda: image_reports.read_report(json.dumps(report), where="a"))
    assert "parse" == refused(lambda: [powershell.moment("/Date(99999999999999999999)/")])
    with pytest.raises(ValueError, match="not a time"):
        logs.moment(float("inf"))


@pytest.mark.parametrize("text", ["²", "٣", "", "-1", "1" * 19, "1\n"])
def test_only_digits_of_ascii_make_a_number(text: str) -> None:
    assert not formats.is_number(text)


def test_no_python_is_parsed_that_would_take_gigabytes() -> None:
    with pytest.raises(ValueError, match="KiB of Python"):
        jupyter.read_python("a=1\n" * 200_000)
