"""No regular expression of facts, controls and redaction takes much longer with a longer text than the text is longer.

What a host answers may have 8 MiB: with one that takes four times as long for twice the text, that is hours.
`python -m bench.growth` tries the longest.
"""

from __future__ import annotations

import re

import pytest

from tests.support.growth import PLACES, call_of, grows, patterns, shapes, texts

pytestmark = pytest.mark.slow


def test_no_regular_expression_grows_faster_than_its_text() -> None:
    found = [*patterns(PLACES), *shapes()]
    assert len(found) > 600
    slow = [
        f"{where} {how} {pattern.pattern!r} with {bad!r}"
        for pattern, how, where in found
        if (bad := grows(call_of(pattern, how), texts(pattern, how, samples=2)))
    ]
    assert [] == slow


@pytest.mark.parametrize(
    ("pattern", "how"),
    [
        (r"(^|\s+)#.*$", "sub"),
        (r"(a|aa)*b", "fullmatch"),
        (r"token\s*\s*x", "search"),
        (r"key[a-z0-9]*-end", "search"),
        (r"[0-9a-f]{4,}:x", "search"),
        (r"(?:[a-z]+ )*\d", "search"),
        (r"(?m)^[a-z]{48,}+(?:\n[a-z]{48,}+)*+$", "finditer"),
    ],
)
def test_it_would_be_seen(pattern: str, how: str) -> None:
    compiled = re.compile(pattern)
    assert grows(call_of(compiled, how), texts(compiled, how))


def test_what_is_linear_is_not_suspected() -> None:
    linear = re.compile(r"(?<!\s)\s+#")
    assert not grows(call_of(linear, "search"), texts(linear, "search"))
