from __future__ import annotations

import sys
import unicodedata

import pytest

from pytest_aisec.report.text import pieces, visible


def of_category(*categories):
    return [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char) in categories]


def test_control_characters_halves_and_line_separators_are_written_as_escapes():
    left = [char for char in of_category("Cc", "Cs", "Zl", "Zp") if visible(char) == char]
    assert ["\t", "\n"] == left


def test_what_turns_or_hides_text_is_written_as_an_escape():
    for code in (
        0xAD,
        0x61C,
        0x200B,
        0x200F,
        0x202A,
        0x202E,
        0x2060,
        0x2066,
        0x2069,
        0xFEFF,
        0xE0041,
        0xFFFE,
    ):
        assert f"\\x{code:02x}" == visible(chr(code)) or f"\\u{code:04x}" == visible(chr(code))


def test_letters_and_signs_of_all_languages_stay():
    kept = "".join(of_category("Lu", "Ll", "Lo", "Mn", "Nd", "Sm", "So"))
    assert len(kept) > 100_000
    assert kept == visible(kept)


@pytest.mark.parametrize(
    "text", ["", "plain", "שלום", "a\tb\n", "\u202e", "a\x00b", "\x1b[31m", "\udcff", "\ufffe"]
)
def test_pieces_are_the_visible_text(text):
    assert visible(text) == "".join(piece for piece, _ in pieces(text))


def test_pieces_tell_what_stands_for_hidden_characters():
    assert [("a", False), ("\\x00", True), ("b", False)] == list(pieces("a\x00b"))
    assert [("plain", False)] == list(pieces("plain"))
    assert [] == list(pieces(""))
