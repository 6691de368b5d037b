import pytest

from pytest_aisec.facts.together import read_together
from pytest_aisec.observe.faults import Unobservable

OUT = "\n\x01#0\none\n\n\x01#end\n0\n\n\x01#1\n\n\x01#end\n127\n"
ERR = "\n\x01#0\n\n\x01#1\nsh: b: not found\n"


def test_answers_are_told_apart():
    first, second = read_together(OUT, ERR, 2)
    assert ("one\n", "", 0, False) == (first.stdout, first.stderr, first.status, first.is_missing)
    assert (True, "sh: b: not found") == (second.is_missing, second.complaint)


@pytest.mark.parametrize(
    ("out", "err"),
    [
        (OUT[:-10], ERR),
        (OUT, ERR.replace("\x01#1", "")),
        (OUT.replace("one", "one\n\n\x01#end\n0\n\n\x01#1"), ERR),
        ("", ""),
    ],
)
def test_what_is_not_whole_or_forged_is_not_believed(out, err):
    with pytest.raises(Unobservable):
        read_together(out, err, 2)
