import pytest

from pytest_aisec.facts.core.answers import Answer


@pytest.mark.parametrize(
    ("reason", "stderr", "status"),
    [
        (None, "", 0),
        ("unreadable", "odd\nmore", 0),
        ("unreadable", "", 1),
        ("privilege", "x: Operation not permitted (you must be root)", 1),
        ("privilege", "cat: /x: Permission denied", 1),
        ("tool_missing", "sh: x: not found", 127),
    ],
)
def test_why_an_answer_is_not_whole(reason, stderr, status):
    fault = Answer(stdout="", stderr=stderr, status=status).fault("x")
    assert reason == (fault and fault.reason)
