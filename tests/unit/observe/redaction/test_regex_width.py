from __future__ import annotations

import re
import warnings
from math import inf
from re import _constants as constants
from re import _parser as parser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_aisec.observe.redaction.families import FAMILIES
from pytest_aisec.observe.redaction.regex_width import measure

PIECES = (
    "a", "b", "0", "8", "{", "}", ",", "(", ")", "[", "]", "^", "$", ".", "|", "*", "+", "?", "\\", "-", " ", "#", "\n",
    "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?x:", "(?-i:", "(?x-s:", "(?P<n>", "(?P=n)", "(?#a|b)", "(?(1)",
    "(?(n)", "(?x)", "(?i)", "\\1", "\\2", "\\07", "\\117", "\\x41", "\\u0041", "\\N{DIGIT ONE}", "\\b", "\\A", "\\Z",
    "\\d", "\\]", "[]a]", "[^]]", "[a\\]|(]", "{2}", "{17}", "{,3}", "{2,}", "{2,40}", "{1,16}", "*?", "++", "a|b", "ab|c",
)  # fmt: skip


def inner(argument):
    if hasattr(argument, "getwidth"):
        yield argument
    elif isinstance(argument, tuple | list):
        for part in argument:
            yield from inner(part)


def has_branch(parsed):
    return any(
        operator is constants.BRANCH or any(map(has_branch, inner(argument))) for operator, argument in parsed
    )


def is_endless(parsed):
    """Tell what Python's own reading of an expression says of its repetitions."""
    for operator, argument in parsed:
        if operator in {constants.MAX_REPEAT, constants.MIN_REPEAT}:
            least, most, repeated = argument
            narrowest, widest = repeated.getwidth()
            if most > 16 and most != least and (narrowest != widest or has_branch(repeated)):
                return True
        if any(map(is_endless, inner(argument))):
            return True
    return False


def compared(pattern):
    """Compare with Python; what it sees no branch in, as it takes out a common beginning, may be one to us."""
    parsed = parser.parse(pattern, re.MULTILINE)
    least, most = parsed.getwidth()
    found = measure(pattern)
    assert (least, most) == (found.least, min(found.most, parser.MAXWIDTH if found.most == inf else inf))
    assert is_endless(parsed) <= found.is_endless
    assert "|" in pattern or "(?(" in pattern or is_endless(parsed) == found.is_endless


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("(?:ab|c){2,40}")
@example("(a)?(?(1)(?:b|cd)e)")
@example("(?x) a # (b|\n {2,40}")
@example("\\1171(a)\\1")
def test_lengths_are_what_python_takes_them_for(pattern):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(pattern, re.MULTILINE)
        except (re.error, OverflowError, RecursionError, Warning):
            return
    compared(pattern)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.kind)
def test_so_are_those_of_our_own_expressions(family):
    compared(family.pattern.pattern)


@pytest.mark.parametrize(
    ("expected", "pattern"),
    [
        (True, "(?:a|bc)*d"),
        (True, "(a+)+"),
        (True, "(?:ab?){2,}"),
        (True, "x(?=(?:a|bc)*)"),
        (False, "(?:a|b)*"),
        (False, "(?:ab){2,}"),
        (False, "(?:a|bc){1,16}"),
        (False, "(?:a|bc){40}"),
        (False, "(?:a|bc)*+"),
        (False, "[a|(]*"),
        (False, r"\(a+\)+"),
    ],
)
def test_a_group_that_may_be_repeated_in_many_ways_is_endless(expected, pattern):
    assert expected == measure(pattern).is_endless
