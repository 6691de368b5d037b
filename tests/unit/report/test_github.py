from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import WaiverState
from pytest_aisec.report import github, markdown, terminal
from pytest_aisec.report.document import whole
from pytest_aisec.report.text import visible
from tests.support.github_runner import IGNORABLE, Runner

COMMANDS = [
    "::error::x",
    "  ::add-mask::x",
    "\u00a0\u2003::set-env name=PATH::x",
    "\ufe0f::stop-commands::x",
    ":\u034f:add-mask::x",
    "before ##[add-mask]x",
    "##[stop-commands]x",
    "#\u034f#[add-mask]x",
    "a\n::add-mask::x\n##[group]y",
]


def annotations(run):
    return Runner("\n".join(github.annotate(run, decide(run)))).done


@pytest.fixture
def failing(make):
    """A control of a severity that fails on some hosts: the control and its results."""

    def failing(severity, *hosts, number=1, **changes):
        of = make.control(number, severity=severity)
        return of, [
            make.result(of, host, "failed", **{"message": "mode is 0777", **changes}) for host in hosts
        ]

    return failing


@pytest.fixture
def run_with(make):
    """A run of such controls."""

    def run_with(*failures):
        hosts = {item.host for _, results in failures for item in results}
        return make.run(
            [of for of, _ in failures],
            [item for _, results in failures for item in results],
            {host: [make.observation("id -u", b"0\n")] for host in sorted(hosts)},
        )

    return run_with


@pytest.mark.parametrize(
    ("severity", "level"),
    [("critical", "error"), ("high", "error"), ("medium", "warning"), ("low", "notice")],
)
def test_the_level_of_an_annotation_is_that_of_the_severity(severity, level, failing, run_with):
    assert [(level, f"AISEC-ART-01 {severity}")] == [
        (item.name, item.properties["title"])
        for item in annotations(run_with(failing(severity, "gpu-1")))
        if item.properties["title"] != "Gate inconclusive"
    ]


def test_an_annotation_says_what_is_required_where_and_what_was_found(failing, run_with):
    of, results = failing(
        "high", *(f"gpu-{number}" for number in range(1, 8)), expected={}, observed={"a": 1}
    )
    (found,) = annotations(run_with((of, results)))
    assert [
        of.title,
        "on gpu-1, gpu-2, gpu-3, gpu-4, gpu-5 and 2 more",
        'on gpu-1, observed: {"a": 1}, expected: {}',
    ] == found.message.split("\n")


def test_what_has_a_meaning_in_a_command_arrives_as_text(failing, run_with):
    strange = "100% of %0A, a:b, c=d\nnext"
    (line,) = github.annotate(*judged(run_with(failing("high", "gpu-1", message=strange))))
    (found,) = Runner(line).done
    assert found.message.endswith(strange)
    assert "::error a=1%25%0A2%3A%2C3::b%25%0Ac:," == github.command("error", "b%\nc:,", a="1%\n2:,3")


def judged(run):
    return run, decide(run)


@pytest.mark.parametrize(("count", "shown", "more"), [(9, 9, 0), (10, 10, 0), (11, 9, 2), (40, 9, 31)])
def test_of_each_level_there_are_ten_annotations_and_the_last_says_how_many_more(
    count, shown, more, failing, run_with
):
    failures = [failing(level, "a", number=number + 50 * (level == "low"))
                for level in ("high", "low") for number in range(1, count + 1)]  # fmt: skip
    found = annotations(run_with(*failures))
    for level in ("error", "notice"):
        titles = [item.properties["title"] for item in found if item.name == level]
        assert shown == sum(title.startswith("AISEC-") for title in titles)
        assert ([f"{more} more controls failed"] if more else []) == titles[shown:]


def test_the_most_severe_failures_are_those_that_are_named(failing, run_with):
    failures = [failing("high", "a", number=number) for number in range(1, 20)]
    failures.append(failing("critical", "a", number=20))
    assert "AISEC-ART-20 critical" == annotations(run_with(*failures))[0].properties["title"]


def test_a_waived_failure_has_no_annotation_and_one_whose_waiver_expired_has(failing, run_with, statements):
    of, results = failing("high", "a")
    waived = [replace(results[0], waiver=WaiverState(id="W-1", state="active"))]
    assert ["Gate inconclusive"] == [item.properties["title"] for item in annotations(run_with((of, waived)))]
    assert [["AISEC-ART-02 critical", "AISEC-ART-06 high"]] == [
        [item.properties["title"] for item in annotations(statements) if item.name == "error"]
    ]


def test_an_inconclusive_run_has_a_warning_that_says_why(make):
    of = make.control(1)
    run = make.run([of], [make.result(of, "a", "error", reason="unreachable")], {"a": []})
    (found,) = annotations(run)
    assert ("warning", "Gate inconclusive") == (found.name, found.properties["title"])
    assert "\n".join(decide(run).because) == found.message


@given(st.text(st.sampled_from(":#[] \t\n\r%abs" + IGNORABLE + "\u00a0\u2003\u3000\x1b\x85\u2028")))
@example("a\n ::add-mask::x")
@example("##[group]x")
def test_no_line_of_what_is_made_harmless_is_a_command(text):
    shown = github.harmless(visible(f"{text}error::x\n{text}add-mask::\n{text}error]\n{text}"))
    assert [] == Runner(shown).done


@pytest.mark.parametrize("text", COMMANDS)
def test_the_examples_would_be_commands_and_are_none_when_made_harmless(text):
    assert [] != Runner(text).done
    assert [] == Runner(github.harmless(text)).done


@pytest.mark.parametrize(
    "text", ["a::b", "std::vector", "fe80::1 is up", "x ## [a]", "#[derive]", "http://a"]
)
def test_other_text_stays_as_it_is(text):
    assert text == github.harmless(text)


@pytest.mark.parametrize("name", ["run", "statements", "hostile"])
def test_the_log_of_a_run_gives_no_command_but_its_own_and_is_closed_before_and_after(request, name):
    run, verdict = judged(request.getfixturevalue(name))
    log = github.Log(iter(["first", "second"]).__next__)
    sections = [
        *terminal.sections(run, verdict, "::error::x", "", verbose=True),
        github.files({"a ##[b]": "c"}),
    ]
    lines = [*log.close()]
    lines += [line for line, _ in log.summary(sections, [*github.annotate(run, verdict)])]
    read = Runner("\n".join([*lines, "::add-mask::still closed"]))
    assert [] == read.others
    assert ["first", "second"] == [item.message for item in read.named("stop-commands")]
    assert len(read.named("group")) == len(read.named("endgroup"))
    assert ["hosts", "evidence: 1 files, with SHA-256"] == [
        item.message for item in read.named("group") if not item.message.startswith(("waivers", "attest"))
    ]
    assert f"---- verdict: {verdict.gate.upper()} ----" in read.plain
    assert [] == [*Runner("\n".join([*lines, *log.open(), "::add-mask::open"])).stopped]


def test_the_token_that_closes_a_log_is_another_one_each_time():
    tokens = {Runner("\n".join(github.Log().close())).stopped for _ in range(20)}
    assert 20 == len(tokens)
    assert {32} == set(map(len, tokens))


def test_the_summary_is_added_to_what_the_job_has_said_before(tmp_path, run):
    run, verdict = judged(run)
    path = tmp_path / "summary"
    path.write_text("before")
    assert "" == github.append_summary(path, run, verdict, "")
    assert f"before\n{whole(markdown.Document, run, verdict)}" == path.read_text()
    assert "" == github.append_summary(path, run, verdict, "the disk | is full")
    assert path.read_text().endswith("\n**No evidence was written:** `the disk \\x7c is full`\n")


@pytest.mark.parametrize("before", [0, 500_000, github.LARGEST - 200, github.LARGEST - 20, github.LARGEST])
def test_the_summary_never_grows_above_what_github_takes_and_says_what_it_leaves_out(
    tmp_path, before, failing, run_with
):
    failures = [failing("high", *(f"host-{number}" for number in range(5)), number=number, message="x" * 300)
                for number in range(1, 1200)]  # fmt: skip
    run, verdict = judged(run_with(*failures))
    path = tmp_path / "summary"
    path.write_bytes(b"x" * before)
    problem = github.append_summary(path, run, verdict, "")
    text = path.read_text()
    assert github.LARGEST >= len(text)
    assert "x" * before == text[:before]
    whole_one = whole(markdown.Document, run, verdict)
    assert (before > github.LARGEST - 100) == (before == len(text)) == ("is full" in problem)
    assert (whole_one in text) != ("The rest is left out" in text or bool(problem))


def test_a_summary_that_cannot_be_written_is_told_with_the_reason(tmp_path, run):
    problem = github.append_summary(tmp_path, *judged(run), "")
    assert f"GITHUB_STEP_SUMMARY {tmp_path}: cannot be written: Is a directory" == problem
