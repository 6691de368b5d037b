from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.report import html, text

VOID = {"meta", "br", "input", "link", "img", "hr"}


class Node:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent, self.children = tag, attributes, parent, []

    def walk(self):
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, tag=None, **attributes):
        return [
            node
            for node in self.walk()
            if (tag is None or node.tag == tag)
            and all(node.attributes.get(name.rstrip("_")) == value for name, value in attributes.items())
        ]

    def one(self, tag=None, **attributes):
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self):
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class Tree(HTMLParser):
    """Builds a tree, and fails on tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.root = self.here = Node("document", {}, None)
        self.feed(text)
        self.close()
        assert self.here is self.root, f"<{self.here.tag}> is not closed"

    def handle_starttag(self, tag, attrs):
        node = Node(tag, dict(attrs), self.here)
        self.here.children.append(node)
        if tag not in VOID:
            self.here = node

    def handle_endtag(self, tag):
        assert tag == self.here.tag
        self.here = self.here.parent

    def handle_data(self, data):
        self.here.children.append(data)


def parse(run):
    return Tree(html.render(run, decide(run))).root


@pytest.fixture
def page(run):
    return parse(run)


def words(node):
    return " ".join(node.text.split())


def test_verdict_comes_first_with_its_reasons(page, run):
    main = page.one("main")
    first = main.all("section")[0]
    assert "Gate failed" in words(first.one("h2"))
    assert list(decide(run).because) == [words(item) for item in first.all("li")]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("passed", "Gate passed"), ("error", "Gate inconclusive"), ("failed", "Gate failed")],
)
def test_each_verdict_is_put_in_words(make, outcome, said):
    control = make.control(1)
    page = parse(make.run([control], [make.result(control, "a", outcome)], {"a": [make.observation("id")]}))
    assert said in words(page.one(id="verdict"))


def test_scope_says_what_when_and_by_what(page, run):
    scope = words(page.one(id="scope"))
    for part in [
        "Training node (training-node), version 1.4",
        run.run.id,
        "2026-03-01 09:30:00 UTC",
        "2026-03-01 09:31:07 UTC",
        "pytest-aisec 0.1.0",
        run.run.plan_sha256,
        "7 controls on 3 hosts",
        "Unsigned.",
        "AISEC-NET-09no inbound network on these machines",
    ]:
        assert part in scope


def test_ledger_and_scores_show_their_sums(page, run):
    ledger = page.one("table", class_="ledger")
    cells = [words(cell) for cell in ledger.all("td")]
    assert cells == ["21", "6", "4 (1 waived)", "8", "1", "1", "1"]
    scores = words(page.one("dl", class_="scores"))
    assert "30.00% passed / (passed + failed + error + not reviewed + not run) = 6 / 20" in scores
    assert "35.00% (passed + waived) / (passed + failed + error + not reviewed + not run) = 7 / 20" in scores


def test_an_unbalanced_ledger_raises_an_alarm(make):
    control = make.control(1)
    page = parse(make.run([control, make.control(2)], [make.result(control, "a", "passed")], {"a": []}))
    assert "The ledger does not balance" in words(page.one(id="ledger"))
    assert "THIS DOES NOT HOLD" in words(page.one("caption"))


def test_matrix_has_a_cell_for_each_host_and_control_that_links_to_its_result(page, run):
    ids = [node.attributes["id"] for node in page.walk() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        assert link.attributes["href"].removeprefix("#") in ids
    rows = page.one("table", class_="matrix").one("tbody").all("tr")
    assert [words(row.one("th")) for row in rows] == [host.name for host in run.hosts]
    said = ["pass", "FAIL", "waived", "n/a", "review", "not run", "pass"]
    assert said == [words(cell) for cell in rows[0].all("td")]


def test_many_controls_are_split_into_tables_that_fit(make):
    controls = [make.control(number) for number in range(1, 51)]
    page = parse(make.run(controls, [make.result(control, "a", "passed") for control in controls], {"a": []}))
    columns = [len(table.one("thead").all("th")) - 1 for table in page.all("table", class_="matrix")]
    assert columns == [17, 17, 16]


def test_what_needs_attention_comes_first(page):
    headings = [words(section.all("h2")[0]) for section in page.all("section", class_="outcome")]
    assert headings == ["✗ Failed (3 controls)", "! Could not be observed (4 controls)"]


def test_a_failure_shows_requirement_comparison_and_evidence(page):
    article = page.one("article", id="AISEC-ART-02")
    group = next(item for item in article.all("div") if "g-failed" in item.attributes.get("class", ""))
    said = words(group)
    for part in [
        "good",
        "mode is 0777",
        '"0640"',
        '"mode": "0777"',
        "$ stat -c %a /srv/models",
        "exit status 0",
    ]:
        assert part in said
    assert "2026-03-01 09:30:01.250 UTC, 12 ms; transcripts/host-1.jsonl, line 1" in said
    requirement = " ".join(words(fold) for fold in article.all("details")[:2])
    for part in [
        "Who can write a model file",
        "chmod o-w /srv/models and below",
        'mode = "0640" (default)',
        'paths = ["/srv/models"] (declared)',
        "AC-3",
        "LLM04",
    ]:
        assert part in requirement


def test_prose_flows_and_does_not_end_its_lines_as_the_source_does(page):
    rationale = next(
        node.text for node in page.one("article", id="AISEC-ART-02").all("dd") if "Pickles" in node.text
    )
    assert (
        "Who can write a model file can run code in every process that loads it. Pickles most of all."
        == rationale
    )


@pytest.mark.parametrize(
    ("expected", "observed", "titles"),
    [
        ({}, {"/srv": "0777"}, ["Expected: nothing", "Observed"]),
        ([22], [], ["Expected", "Observed: nothing"]),
        ("", 0, ["Expected: nothing", "Observed"]),
    ],
)
def test_where_nothing_is_expected_or_observed_it_says_so(make, expected, observed, titles):
    control = make.control(1)
    failed = make.result(control, "a", "failed", expected=expected, observed=observed)
    assert titles == [words(node) for node in parse(make.run([control], [failed], {"a": []})).all("h5")]


def test_hosts_that_could_not_be_asked_show_no_evidence(make):
    control = make.control(1)
    results = [
        make.result(control, name, "error", reason="unreachable", observations=()) for name in ("a", "b")
    ]
    faults = dict.fromkeys(("a", "b"), "unreachable: no route")
    page = parse(make.run([control], results, {"a": [], "b": []}, faults=faults))
    assert "Nothing was asked." in words(page.one("article"))
    assert not [node for node in page.all("details") if "evidence" in node.attributes.get("class", "")]
    assert "2 hosts of 2 could not be asked, or not to the end: unreachable: no route a, b" in words(
        page.one(id="hosts")
    )


def test_waivers_are_named_with_their_state(page):
    said = words(page.one("article", id="AISEC-ART-03"))
    assert "Waiver W-1 is active: it excuses this failure" in said
    assert "Waiver W-2 is expired: it excuses nothing" in said


def test_host_faults_stand_above_the_table_of_hosts(page):
    said = words(page.one(id="hosts"))
    assert "1 host of 3 could not be asked, or not to the end: unreachable: connection refused mute" in said


def test_a_fault_of_a_command_is_shown(page):
    said = words(page.one("article", id="AISEC-ART-02"))
    assert "no exit status; timeout: no answer within 30 s" in said


def test_strange_answers_are_shown_and_do_nothing(page, rendered, strange):
    assert len(page.all("script")) == 1
    article = page.one("article", id="AISEC-ART-01")
    assert text.visible(strange) in article.text
    assert {"\\x00", "\\x1b", "\\xff", "\\ud800", "\\u202e", "\\r", "\\ufffe"} <= {
        i.text for i in article.all("i")
    }
    whole = rendered(html)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", whole)
    assert whole.encode("utf-8")


def test_a_remediation_in_words_says_why_it_is_no_command(make):
    why = "what starts the container has to change"
    controls = [make.control(1), make.control(2, remediation_is_words=why)]
    page = parse(make.run(controls, [make.result(one, "h", "failed") for one in controls], {"h": []}))

    def facts(identity):
        article = page.one("article", id=identity)
        return dict(zip(map(words, article.all("dt")), map(words, article.all("dd")), strict=True))

    assert "No command, because" not in facts("AISEC-ART-01")
    assert why == facts("AISEC-ART-02")["No command, because"]


def test_strange_names_break_nothing(make, strange):
    control = make.control(
        1, id=strange, title=strange, rationale=strange, remediation=strange, family=strange
    )
    control = make.control(
        1, **{name: getattr(control, name) for name in ("id", "title", "rationale", "remediation")}
    )
    run = make.run(
        [control], [make.result(control, strange, "failed")], {strange: []}, faults={strange: strange}
    )
    page = parse(run)
    assert len(page.all("script")) == 1
    assert (
        text.visible(strange).split()
        == words(page.one("table", class_="hosts").one("tbody").one("th")).split()
    )


def test_long_answers_are_cut_and_say_where_the_rest_is(page):
    article = page.one("article", id="AISEC-ART-01")
    answer = next(item for item in article.all("details", class_="answer") if "9,000 bytes" in item.text)
    assert answer.one("pre").text == "x" * html.LIMIT
    assert "first 4,096 of 9,000 characters" in answer.text
    assert "transcripts/host-3.jsonl, line 2" in answer.text


def test_an_observation_without_its_transcript_is_still_named(page):
    assert "transcripts/host-3.jsonl, line 7" in words(page.one("article", id="AISEC-ART-01"))


def fleet(make, answer, outcome="passed"):
    control, names = make.control(1), [f"gpu-{number:03}" for number in range(200)]
    results = [make.result(control, name, outcome) for name in names]
    return make.run([control], results, {name: [make.observation("id", answer(name))] for name in names})


def test_hosts_with_the_same_result_are_told_once(make):
    page = parse(fleet(make, lambda _: b"same"))
    article = page.one("article")
    assert len(article.all("h4")) == 1
    assert "200 hosts" in words(article.one("h4"))
    assert "All 200 hosts gave the same answers" in words(article)
    assert len(article.all("details", class_="answer")) == 1
    assert "gpu-199" in words(article)


def test_passed_hosts_whose_answers_differ_are_told_once_and_say_so(make):
    article = parse(fleet(make, str.encode)).one("article")
    assert len(article.all("h4")) == 1
    assert "Answers differ: those of gpu-000 are shown" in words(article)


def test_failed_hosts_whose_answers_differ_are_told_apart(make):
    groups = [
        node.attributes["id"]
        for node in parse(fleet(make, str.encode, "failed")).all("div", **{"data-status": "failed"})
    ]
    assert [f"AISEC-ART-01.{number}" for number in range(1, 201)] == groups


def test_a_fleet_stays_small(make):
    few = make.run([make.control(1)], [], {})
    run = fleet(make, lambda name: name.encode() * 100)
    assert len(html.render(run, decide(run))) - len(html.render(few, decide(few))) < 130_000


def test_of_very_many_different_failures_most_are_told_in_brief(make):
    article = parse(fleet(make, str.encode, "failed")).one("article")
    groups = [node for node in article.all("div") if "data-status" in node.attributes]
    brief = [node for node in groups if "brief" in node.attributes["class"].split()]
    assert (200, 200 - html.WHOLE) == (len(groups), len(brief))
    assert "180 more results that differ from these, in brief" in words(article)
    assert "gpu-199 transcripts/host-200.jsonl, lines 1" in words(brief[-1])


def test_nothing_is_loaded_from_elsewhere(page):
    for node in page.walk():
        assert not {"src", "srcset", "action", "style", "onclick"} & set(node.attributes)
        assert node.attributes.get("href", "#").startswith("#")
    assert not page.all("link")
    assert not page.all("img")
    assert "url(" not in page.one("style").text
    assert "@import" not in page.one("style").text


def test_its_own_policy_allows_its_style_and_script_and_nothing_else(page):
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    assert policy.startswith("default-src 'none'; ")
    for directive, tag in [("style-src", "style"), ("script-src", "script")]:
        assert f"{directive} '{html._digest(page.one(tag).text)}'" in policy


def test_is_readable_without_script(page):
    assert "hidden" in page.one("form").attributes
    hidden = [node for node in page.walk() if "hidden" in node.attributes]
    assert hidden == [page.one(id="filtered"), page.one("form")]
    assert page.one(id="filtered").text == ""


def test_structure_serves_assistive_technology(page):
    assert page.one("html").attributes["lang"] == "en"
    assert page.all("a")[0].attributes["href"] == "#main"
    page.one("main", id="main")
    levels = [int(node.tag[1]) for node in page.walk() if re.fullmatch("h[1-6]", node.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(cell.attributes.get("scope") in {"row", "col"} for cell in page.all("th"))
    ids = {node.attributes.get("id") for node in page.walk()}
    for node in page.walk():
        assert node.attributes.get("aria-labelledby", next(iter(ids))) in ids


def _colours(block):
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block))


def _luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one, other):
    low, high = sorted([_luminance(one), _luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_colours_have_contrast_in_light_dark_and_print(page):
    blocks = re.findall(r":root \{(.*?)\}", page.one("style").text, re.DOTALL)
    assert len(blocks) == 3
    for colours in map(_colours, blocks):
        pairs = [(name, "bg") for name in ("fg", "muted", "link")] + [("fg", "soft"), ("muted", "soft")]
        pairs += [(name, f"{name}-bg") for name in ("failed", "error", "passed", "waived", "open", "na")]
        for ink, paper in pairs:
            assert _contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)


def test_the_same_run_gives_the_same_text(rendered):
    assert rendered(html) == rendered(html)


def test_a_run_without_hosts_says_so(make):
    page = parse(make.run([make.control(1)], [], {}, excluded=[]))
    assert "No host was audited." in words(page.one(id="hosts"))
    assert "There is no result." in words(page.one(id="matrix"))
    assert "The profile excludes no control." in words(page.one(id="scope"))
    assert "no score: nothing counted" in words(page.one(id="ledger"))


def test_a_result_of_a_control_that_is_not_described_is_still_reported(make):
    page = parse(make.run([], [make.result(make.control(2), "elsewhere", "failed")], {"a": []}))
    assert "elsewhere" in words(page.one("article", id="AISEC-ART-02"))


def test_an_unknown_framework_is_named_by_its_key(make):
    control = make.control(1, frameworks={"house_rules": ["R-1"]})
    page = parse(make.run([control], [make.result(control, "a", "passed")], {"a": []}))
    assert "house_rules: R-1" in words(page.one("article"))
