"""YAML, TOML and JSON of hosts stand for no more than they say, and readers end in `Unobservable`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts import remote_code
from pytest_aisec.facts.core.formats import (
    ini_value,
    json_object,
    json_value,
    reads,
    shell_words,
    toml_value,
    yaml_value,
)
from pytest_aisec.facts.network import tunnels
from pytest_aisec.observe.faults import Unobservable


def chain(value: str, link: str) -> str:
    """Return eight lines, each of which names the one before ten times."""
    lines = [f"a: &a {value}"]
    for before, after in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{after}: &{after} " + link.replace("%", ", ".join([f"*{before}"] * 10)))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("read", "text", "reason", "detail"),
    [
        (
            yaml_value,
            chain("[x]", "[%]"),
            "unreadable",
            "file: more than 100000 values, with aliases resolved",
        ),
        (yaml_value, chain("{x: 1}", "{<<: [%]}"), "unreadable", "file: more than 100000 values"),
        (yaml_value, "a: &a [*a]", "unreadable", "an alias refers to what contains it"),
        (yaml_value, "[" * 1000, "unreadable", r"more than 50 levels \(line 1\)"),
        (yaml_value, "a: 1" + ":1" * 100, "parse", "a number of more than 100 digits"),
        (yaml_value, "a: !!timestamp x", "parse", "is no timestamp"),
        (yaml_value, "a: [", "parse", "file is no YAML"),
        (toml_value, "a." * 101 + "b = 1", "unreadable", "more than 100 dots"),
        (toml_value, '"a" . ' * 101 + "b = 1", "unreadable", "more than 100 dots"),
        (toml_value, "a = " + "[" * 5000, "parse", "file is no TOML"),
        (toml_value, "a = " + "9" * 5000, "parse", "file is no TOML"),
        (json_value, "[" * 100_000, "parse", "file is no JSON"),
        (json_value, "9" * 5000, "parse", "file is no JSON"),
        (json_object, "[" * 100_000, "parse", "file is no JSON"),
        (json_object, "[{}]", "parse", "file is no JSON object"),
    ],
)
def test_what_is_too_much_or_malformed_is_said_and_not_built(
    read: Callable[[str, str], Any], text: str, reason: str, detail: str
) -> None:
    with pytest.raises(Unobservable, match=detail) as caught:
        read(text, "file")
    assert reason == caught.value.reason


def test_what_people_write_is_read() -> None:
    assert {"a": [1, {"b": 2}], "c": [1, {"b": 2}]} == yaml_value("a: &x [1, {b: 2}]\nc: *x\n", "file")
    assert {"a": 2} == yaml_value("a: 1\na: 2\n", "file")
    assert yaml_value("# nothing\n", "file") is None
    versions = "v = [" + "'1.2.3', " * 200 + "]"
    assert ["1.2.3"] * 200 == toml_value(versions, "file")["v"]
    assert {"a": {"b": {"c": 1}}} == toml_value("a.b.c = 1", "file")


class Own(Exception):
    """An error that a reader promises."""


Own.__module__ = "pytest_aisec.facts.example"


@pytest.mark.parametrize("error", [ValueError, KeyError, RuntimeError, UnicodeError, ZeroDivisionError])
def test_a_reader_ends_in_what_it_means_or_in_parse(error: type[Exception]) -> None:
    @reads
    def whole(text: str) -> str:
        raise error(text)

    @reads
    def part_by_part(text: str) -> Iterator[str]:
        yield text
        raise error(text)

    for call in (lambda: whole("x"), lambda: list(part_by_part("x"))):
        with pytest.raises(Unobservable, match=f"understands no such answer: {error.__name__}") as caught:
            call()
        assert "parse" == caught.value.reason


def test_an_error_that_a_reader_promises_stays_as_it_is() -> None:
    @reads
    def reader() -> None:
        raise Own

    with pytest.raises(Own):
        reader()


def test_lines_that_repeat_a_trigger_are_read_in_time_that_grows_with_them() -> None:
    blanks = " " * 300_000
    assert [] == list(tunnels.read_settings(f"/a:GRADIO_SHARE=false{blanks}"))
    assert ["gradio share"] == [found.kind for found in tunnels.read_settings(f"/a:GRADIO_SHARE={blanks}1")]
    assert not remote_code.is_on(f"trust_remote_code ={blanks}False")
    assert remote_code.is_on(f"trust_remote_code ={blanks}True")
    assert remote_code.is_on(f"--trust-remote-code{blanks}")
    assert not remote_code.is_on("trust_remote_code: bool = False " * 3000)
    with pytest.raises(Unobservable, match="more than 1000 programs"):
        list(tunnels.read_settings("/a:" + "ssh a " * 2000))


def test_ini_by_sections():
    text = "[DEFAULT]\nA = 1\n[x]\nb: 2 3\n# c = 4\n[y]\na = %(b)s\n"
    assert {"x": {"a": "1", "b": "2 3"}, "y": {"a": "%(b)s"}} == ini_value(text, "file")


@pytest.mark.parametrize("text", ["a = 1\n", "[x]\na = 1\na = 2\n", "[x]\n[x]\n", "[x]\nnonsense\n"])
def test_what_is_no_ini_is_refused(text):
    with pytest.raises(Unobservable, match="parse"):
        ini_value(text, "file")


def test_values_of_an_ini_file_stand_for_others_where_the_program_reads_them_so():
    text = "[DEFAULT]\nold = password1234\n[mlflow]\nadmin_password = %(old)s\n"
    assert ini_value(text, "x")["mlflow"]["admin_password"] == "%(old)s"
    assert ini_value(text, "x", interpolates=True)["mlflow"]["admin_password"] == "password1234"
    with pytest.raises(Unobservable, match="x is no INI"):
        ini_value("[a]\nb = %(c)s\n", "x", interpolates=True)
    assert ini_value("[a]\nb = 1\rc = 2\r\n", "x") == {"a": {"b": "1", "c": "2"}}


@given(st.text(alphabet=" \t\r\n'\"\\#ab=", max_size=12), st.booleans())
def test_words_are_those_of_a_shell(text: str, comments: bool) -> None:  # noqa: FBT001
    try:
        expected = shlex.split(text, comments=comments)
    except ValueError:
        with pytest.raises(ValueError, match="No "):
            shell_words(text, comments=comments)
    else:
        assert expected == shell_words(text, comments=comments)
