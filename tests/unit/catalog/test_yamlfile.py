from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from pytest_aisec.catalog import yamlfile
from pytest_aisec.errors import UsageProblem


def document(tmp_path: Path, text: str | bytes) -> yamlfile.Document:
    path = tmp_path / "some.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return yamlfile.read(path)


def refusal(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(UsageProblem) as caught:
        document(tmp_path, text)
    return str(caught.value).removeprefix(str(tmp_path))


def test_every_value_has_the_line_and_column_where_it_stands(tmp_path: Path) -> None:
    found = document(tmp_path, "# comment\na: 1\nb:\n  - x\n  -\n    c: 2\n")
    assert found.data == {"a": 1, "b": ["x", {"c": 2}]}
    path = tmp_path / "some.yaml"
    assert found.at(("a",)) == f"{path}:2:1"
    assert found.at(("b",)) == f"{path}:3:1"
    assert found.at(("b", 0)) == f"{path}:4:5"
    assert found.at(("b", 1, "c")) == f"{path}:6:5"


def test_what_the_file_lacks_stands_where_its_parent_does(tmp_path: Path) -> None:
    found = document(tmp_path, "\na:\n  b: 1\n")
    assert found.at(("a", "absent", "deeper")) == f"{tmp_path}/some.yaml:2:1"


@pytest.mark.parametrize(
    ("text", "place", "first"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1", 1),
        ("x:\n  - a: 1\n    a: 1\n", "3:5", 2),
        ("a: 1\n'a': 2\n", "2:1", 1),
        ("x: &x\n  a: 1\ny:\n  <<: *x\n  a: 1\n  b: 2\n  a: 3\n", "7:3", 5),
    ],
)
def test_a_duplicate_key_is_refused_with_both_places(
    tmp_path: Path, text: str, place: str, first: int
) -> None:
    assert refusal(tmp_path, text) == f"/some.yaml:{place}: duplicate key 'a', first on line {first}"


def test_a_key_of_a_merged_mapping_may_be_set_again(tmp_path: Path) -> None:
    assert document(tmp_path, "x: &x {a: 1}\ny:\n  <<: *x\n  a: 2\n").data["y"] == {"a": 2}


def test_an_alias_may_be_used_twice(tmp_path: Path) -> None:
    assert document(tmp_path, "a: &a [1]\nb: *a\nc: *a\n").data == {"a": [1], "b": [1], "c": [1]}


def test_an_alias_to_what_contains_it_is_refused(tmp_path: Path) -> None:
    assert "an alias refers to what contains it" in refusal(tmp_path, "a: &a\n  b: *a\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "/some.yaml:1:1: the file is empty"),
        ("# only a comment\n", "/some.yaml:1:1: the file is empty"),
        ("a: [1\nb: 2\n", "/some.yaml:2:2: not valid YAML: "),
        ("a: 1\n\tb: 2\n", "/some.yaml:2:1: not valid YAML: "),
        ("a: *nowhere\n", "/some.yaml:1:4: not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "/some.yaml:2:1: not valid YAML: "),
        ("a: !!python/object/apply:os.system ['true']\n", "/some.yaml:1:4: not valid YAML: "),
        ("a: 2026-13-45\n", "/some.yaml:1:4: not valid YAML: month must be in 1..12"),
        ("{[1]: 2}: 3\n", "/some.yaml:1:1: not valid YAML: "),
        (
            "# é\na: \x07\n",
            "/some.yaml:2:4: not valid YAML: special characters are not allowed (got '\\x07')",
        ),
        (b"a: \xff\n", "/some.yaml: cannot be read: it is not UTF-8 text"),
        ("[" * 2000, "/some.yaml:1:51: not valid YAML: more than 50 levels"),
        ("a: !!timestamp x\n", "/some.yaml:1:4: not valid YAML: 'x' is no timestamp"),
        ("a: !!int ''\n", "/some.yaml:1:4: not valid YAML: '' is no int"),
        ("a: !!bool x\n", "/some.yaml:1:4: not valid YAML: 'x' is no bool"),
        ("a: !!float [1]\n", "/some.yaml:1:4: not valid YAML: expected a scalar node"),
        ("a: 0x" + "f" * 200, "/some.yaml:1:4: not valid YAML: a number of more than 100 digits"),
        ("a: 1" + ":59" * 200, "/some.yaml:1:4: not valid YAML: a number of more than 100 digits"),
    ],
)
def test_what_is_no_yaml_is_one_sentence(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert refusal(tmp_path, text).startswith(expected)


def test_aliases_that_multiply_are_not_followed_forever(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "too many values" in refusal(tmp_path, "\n".join(levels))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"absent\.yaml: cannot be read: No such file or directory"):
        yamlfile.read(tmp_path / "absent.yaml")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read: Is a directory"):
        yamlfile.read(tmp_path)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    inner: Inner | None = None
    many: dict[str, Inner | None] = {}


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(UsageProblem) as caught:
        yamlfile.parse(document(tmp_path, text), Outer)
    return str(caught.value).replace(f"{tmp_path}/", "").split("\n")


def test_a_right_document_is_the_model(tmp_path: Path) -> None:
    text = "name: x\nmany: {a: {number: 2}, b: }\n"
    assert yamlfile.parse(document(tmp_path, text), Outer) == Outer(
        name="x", many={"a": Inner(number=2), "b": None}
    )


def test_every_mistake_is_named_with_its_place(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "nmae: x\ninner:\n  number: many\n") == [
        "some.yaml:1:1: 'name' is missing",
        "some.yaml:3:3: inner.number: Input should be a valid integer, unable to parse string as an integer (got 'many')",
        "some.yaml:1:1: unknown key 'nmae'. Did you mean name?",
    ]


def test_an_unknown_key_deep_inside_names_what_is_known_there(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "name: x\nmany:\n  a:\n    numbr: 1\n") == [
        "some.yaml:4:5: unknown key 'many.a.numbr'. Did you mean number?"
    ]


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "3\n"])
def test_a_document_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (message,) = mistakes(tmp_path, text)
    assert message.startswith("some.yaml:1:1: the file: ")


def test_a_key_that_is_no_string_is_refused(tmp_path: Path) -> None:
    (message,) = mistakes(tmp_path, "name: x\nmany:\n  a:\n  3: {}\n")
    assert message.startswith("some.yaml:2:1: many.3: Input should be a valid string")


def test_a_long_wrong_value_is_shown_short(tmp_path: Path) -> None:
    (message,) = mistakes(tmp_path, f"name: [{'x' * 5000}]\n")
    assert len(message) < 200
