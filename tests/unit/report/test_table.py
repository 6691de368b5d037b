from __future__ import annotations

import csv
import io

import pytest

from pytest_aisec.judge.findings import attach, identify
from pytest_aisec.judge.gate import decide
from pytest_aisec.report import table
from pytest_aisec.report.text import visible


def rows(run):
    text = table.render(run, decide(run))
    return list(csv.DictReader(io.StringIO(text.encode().decode(), newline=""), strict=True))


def test_every_result_has_a_row(run):
    assert [
        (item.host, item.control, item.outcome.value)
        for host in run.hosts
        for item in run.by_host()[host.name]
    ] == [(row["host"], row["control"], row["outcome"]) for row in rows(run)]


def test_lines_end_as_the_standard_says_and_there_is_no_mark_before_them(run):
    text = table.render(run, decide(run))
    assert text.startswith(",".join(table.HEADER) + "\r\n")
    assert len(run.results) + 1 == text.count("\n") == text.count("\r\n")


def test_a_row_has_what_was_required_found_and_excused(run):
    found = {(row["host"], row["control"]): row for row in rows(run)}
    failed = found["good", "AISEC-ART-02"]
    assert ('"0640"', '{"mode": "0777"}', "no") == (failed["expected"], failed["observed"], failed["waived"])
    assert "nist_800_53:AC-3 nist_800_53:CM-5 owasp_llm:LLM04" == failed["frameworks"]
    assert ("transcripts/host-1.jsonl", "1") == (failed["transcript"], failed["lines"])
    waived = found["good", "AISEC-ART-03"]
    assert ("yes", "W-1", "active", "2026-12-31") == tuple(
        waived[name] for name in ("waived", "waiver", "waiver_state", "waiver_expires")
    )
    expired = found["odd", "AISEC-ART-03"]
    assert ("no", "W-2", "expired") == tuple(expired[name] for name in ("waived", "waiver", "waiver_state"))
    assert "1 2" == found["good", "AISEC-NET-01"]["lines"]


def test_findings_are_named_with_the_day_of_the_first(make):
    control = make.control(1)
    wrong = {"observed": {"/srv/a": "0777", "/srv/b": "0666"}, "expected": {}}
    results = [make.result(control, "a", "failed", **wrong), make.result(control, "b", "passed")]
    bad, good = rows(attach(make.run([control], results, {"a": [], "b": []})))
    assert [identify(control.id, "a", name) for name in ("/srv/a", "/srv/b")] == bad["findings"].split()
    assert "2026-03-01T09:30:00Z" == bad["first_seen"]
    assert ("", "") == (good["findings"], good["first_seen"])


def test_attestations_are_named(statements):
    assert [("A-1", "active"), ("A-2", "expired")] == [
        (row["attestation"], row["attestation_state"]) for row in rows(statements)[3:5]
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ("a; =1", "a;' =1"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("\n=1", "\\n=1"),
        ("\ufeff=1", "\\ufeff=1"),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
        ("", ""),
        ("\x1b[31m", "\\x1b[31m"),
    ],
)
def test_a_cell_is_never_a_formula_and_hides_nothing(text, shown):
    assert shown == table.cell(text)


def test_a_long_answer_is_cut_and_says_so():
    assert "x… [cut: the first 4,096 of 10,000,000 characters]" == table.cell("x" * 10_000_000)[4095:]


def test_strange_texts_stay_in_their_cells(hostile, strange):
    found = rows(hostile)
    assert 6 == len(found)
    for row in found:
        assert visible(strange).replace("\n", "\\n") == row["message"] == row["title"]
        assert None not in row
        assert set(table.HEADER) == set(row)


def test_the_same_run_gives_the_same_text(run):
    assert table.render(run, decide(run)) == table.render(run, decide(run))
