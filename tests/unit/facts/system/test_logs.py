from datetime import UTC, datetime

import pytest

from pytest_aisec.facts.system.logs import json_entries, moment
from pytest_aisec.observe.faults import Unobservable

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00",
        "01/Jan/2026:13:00:00 +0100",
        1767268800,
        1767268800000,
        "1767268800",
    ],
)
def test_moments(value):
    assert NOW == moment(value)


@pytest.mark.parametrize("value", [None, True, "noon", [], "01/Foo/2026:13:00:00 +0100", "01/Jan/2026:x"])
def test_no_moments(value):
    with pytest.raises(ValueError, match=r"."):
        moment(value)


def test_json_lines():
    assert [{"a": 1}] == json_entries('{"a": 1}\n{"b', path="x")
    broken, number, whole = json_entries('{"b\n7\n{"a": 1}\n', path="x")
    assert {"a": 1} == whole
    for fault, line in ((broken, 1), (number, 2)):
        assert isinstance(fault, Unobservable)
        assert f"x: line {line} is not" in fault.detail
