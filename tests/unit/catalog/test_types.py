from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from pytest_aisec.catalog.types import Mode

MODE = TypeAdapter(Mode)


@pytest.mark.parametrize(
    ("text", "bits"), [("750", 0o750), ("0750", 0o750), ("1777", 0o1777), ("02750", 0o2750), ("000", 0)]
)
def test_a_mode_is_octal_digits(text: str, bits: int) -> None:
    assert text == MODE.validate_python(text)
    assert bits == int(text, 8)


@pytest.mark.parametrize("number", [0o700, 0o640, 0o4755, 0])
def test_a_number_is_refused_with_what_it_was_meant_to_be(number: int) -> None:
    with pytest.raises(ValidationError, match=f'write "0{number:o}"'):
        MODE.validate_python(number)


@pytest.mark.parametrize("wrong", [-1, 10**30, True, 7.5, None, [], {}])
def test_anything_but_a_string_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        MODE.validate_python(wrong)


@pytest.mark.parametrize(
    "wrong",
    ["", "75", "0o750", "0x1ff", "888", "u=rwx", "0750\n", " 0750", "\u0660\u0667\u0665\u0660", "077777"],
)
def test_other_strings_are_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="octal digits"):
        MODE.validate_python(wrong)
