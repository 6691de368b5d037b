from datetime import UTC, datetime

import pytest

from pytest_aisec.facts.system.log_times import line_time

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ("2026-01-04T10:00:00+00:00", "Jan  4 10:00:00 h kernel: x"),
        ("2025-12-30T10:00:00+00:00", "Dec 30 10:00:00 h kernel: x"),
        ("2024-01-04T10:00:00+00:00", "Jan  4 2024 10:00:00 h kernel: x"),
        ("2026-01-04T10:00:00+02:00", "2026-01-04T10:00:00+02:00 h kernel: x"),
        ("2026-01-04T10:00:00.123456+00:00", "<13>1 2026-01-04T10:00:00.123456Z h kernel - - - x"),
        ("2026-01-04T10:00:00+00:00", "1767520800.000000 h kernel: x"),
        (None, "Jan 44 10:00:00 h kernel: x"),
        (None, "2026-13-04T10:00:00Z h kernel: x"),
        (None, "-- No entries --"),
        (None, ""),
    ],
)
def test_when_a_line_was_written(expected, line):
    found = line_time(line, NOW)
    assert expected == (found and found.isoformat())
