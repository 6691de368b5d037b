from __future__ import annotations

import re
import subprocess
from importlib.resources import files

import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.report import grouping, pdf, text

playwright = pytest.importorskip("playwright.sync_api")

NAMES = ["failing", "passing", "fleet"]
EVERY_TWO = [
    *(("failing", 1280, "light"), ("failing", 390, "dark")),
    *(("passing", 1280, "dark"), ("passing", 390, "light")),
    *(("fleet", 1280, "light"), ("fleet", 390, "dark")),
]
"""Every two of a report, a width and a scheme are seen together."""
AGAIN = """.outcome article:nth-of-type(n + 5), .group:nth-of-type(n + 5), .uncovered li:nth-child(n + 4),
  .hosts tbody tr:nth-child(n + 10), .matrix tbody tr:nth-child(n + 10), .coverage tbody tr:nth-child(n + 5)"""
REACHABLE = """() => {
  const focusable = "a[href], summary, input, select, button, [tabindex='0']";
  const found = [...document.querySelectorAll(focusable)]
    .filter((node) => node.checkVisibility({ contentVisibilityAuto: false }));
  window.places = new Map(found.map((node, place) => [node, place]));
  return found.length;
}"""
FOCUS = """() => document.activeElement === document.body ? null : places.get(document.activeElement) ?? -1"""


@pytest.fixture(scope="session")
def axe():
    package = pytest.importorskip("axe_playwright_python")
    return files(package).joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "width", "scheme"), EVERY_TWO)
def test_axe_finds_no_violation(reports, open_page, axe, name, width, scheme):
    page = open_page(reports[name][0], width=width, scheme=scheme)
    page.evaluate(
        "document.querySelectorAll('details:not(.appendix)').forEach((fold) => { fold.open = true; })"
    )
    # What is the same again and again would take minutes, even where axe is told to leave it out.
    page.evaluate("again => document.querySelectorAll(again).forEach((node) => node.remove())", AGAIN)
    page.evaluate(axe)
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 20
    assert [] == [(item["id"], item["nodes"][0]["html"]) for item in found["violations"]]


@pytest.mark.parametrize("width", [1280, 768, 390])
@pytest.mark.parametrize("name", NAMES)
def test_opens_without_complaint_or_request_and_fits_its_width(reports, open_page, name, width):
    path = reports[name][0]
    page = open_page(path, width=width)
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    page.locator("[name=text]").fill("zzz")
    assert [path.as_uri()] == page.requests
    assert [] == page.complaints


def test_strange_text_executes_nothing_and_is_shown(reports, open_page):
    path, _ = reports["failing"]
    page = open_page(path)
    assert 1 == page.locator("script").count()
    assert [] == page.complaints
    assert "<script>alert('x')</script>" in page.locator("#registers").text_content()
    assert 0 == page.locator("[onclick], [onerror], [onload]").count()


@pytest.mark.parametrize("name", NAMES)
def test_keyboard_alone_reaches_everything_in_the_order_of_the_page(reports, open_page, name):
    page = open_page(reports[name][0])
    wanted = page.evaluate(REACHABLE)
    reached = []
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at is None or at in reached:
            break
        reached.append(at)
    assert wanted > 20
    assert [*range(wanted)] == reached


def test_the_skip_link_is_first_and_leads_to_the_verdict(reports, open_page):
    page = open_page(reports["failing"][0])
    page.keyboard.press("Tab")
    assert "Skip to the verdict" == page.evaluate("document.activeElement.textContent")
    assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    assert "main" == page.evaluate("document.activeElement.id")


def shown(page):
    return page.locator("article:visible h3 code").all_text_contents()


def test_filters_work_with_the_keyboard(reports, open_page):
    page = open_page(reports["failing"][0])
    everything = shown(page)
    assert 7 == len(everything)
    page.locator("[name=severity][value=high]").focus()
    page.keyboard.press("Space")
    assert ["AISEC-NET-01"] == shown(page)
    assert "1 of 7 controls shown" == page.locator("#filter [role=status]").text_content()
    page.locator("#filter button").focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator("article[hidden]")).to_have_count(0)
    assert everything == shown(page)
    page.locator("[name=host]").focus()
    page.keyboard.type("mute")
    assert {"mute"} == set(
        page.locator(".group:visible h4").evaluate_all(
            "nodes => nodes.map((node) => node.lastChild.textContent.trim())"
        )
    )
    assert 1 == page.locator(".matrix tbody tr:visible").count()


@pytest.mark.parametrize(
    ("field", "value", "ids"),
    [
        ("text", "no answer within", ["AISEC-ART-01", "AISEC-ART-02"]),
        ("framework", "owasp_llm", None),
    ],
)
def test_search_and_framework_narrow_the_controls(reports, open_page, field, value, ids):
    path, run = reports["failing"]
    page = open_page(path)
    if field == "text":
        page.locator("[name=text]").fill(value)
    else:
        page.locator(f"[name={field}]").select_option(value)
        ids = [item.id for item in run.controls if value in item.frameworks]
        assert 1 == page.locator(".framework:visible").count()
    assert sorted(ids) == sorted(shown(page))


def test_a_link_of_the_matrix_reaches_what_is_filtered_out(reports, open_page):
    page = open_page(reports["failing"][0])
    page.locator("[name=text]").fill("zzz")
    assert [] == shown(page)
    page.locator("#AISEC-ART-02\\.1").evaluate("node => { location.hash = '#' + node.id; }")
    playwright.expect(page.locator("#AISEC-ART-02\\.1")).to_be_visible()
    assert "" == page.locator("[name=text]").input_value()


@pytest.mark.parametrize("name", NAMES)
def test_without_script_every_result_is_in_the_text(reports, open_page, name):
    path, run = reports[name]
    page = open_page(path, script=False)
    assert not page.locator("#filter").is_visible()
    rows = [
        row.split("\n")
        for row in page.locator(".matrix tbody tr").evaluate_all(
            "rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent).join('\\n'))"
        )
    ]
    told = sorted(word for _, *words in rows for word in words)
    assert sorted(grouping.status(result).word for result in run.results) == told
    everything = page.locator("main").text_content()
    for item in run.controls:
        assert item.title in everything
    for result in run.results:
        assert text.visible(result.message) in everything


def printed(path, tmp_path, pdftotext, *, appendix=True):
    target = tmp_path / "report.pdf"
    pdf.write(path.read_text(encoding="utf-8"), target, appendix=appendix)
    command = [pdftotext, "-layout", str(target), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_print_has_all_controls_and_page_numbers(reports, chromium, pdftotext, tmp_path, name):
    path, run = reports[name]
    paper = printed(path, tmp_path, pdftotext)
    pages = paper.rstrip("\f").split("\f")
    for number, page in enumerate(pages, start=1):
        assert f"{number} / {len(pages)}" in page
    whole = re.sub(r"\s+", "", paper)
    for item in run.controls:
        assert re.sub(r"\s+", "", item.id + item.title) in whole
        assert re.sub(r"\s+", "", item.rationale) in whole
    for host in run.hosts:
        assert host.name in whole
    assert decide(run).gate in whole


def test_evidence_is_printed_or_left_out_by_choice(reports, chromium, pdftotext, tmp_path):
    path, _ = reports["passing"]
    with_it = printed(path, tmp_path, pdftotext)
    assert "$ stat -c %a /srv/models" in with_it
    assert re.search(r"^\s*640$", with_it, re.MULTILINE)
    assert "AML.M0001" in with_it
    without = printed(path, tmp_path, pdftotext, appendix=False)
    assert "$ stat -c %a /srv/models" not in without
    assert "AML.M0001" not in without
    assert "AISEC-ART-03" in without


def test_the_box_on_the_page_is_that_choice(reports, open_page):
    page = open_page(reports["passing"][0], script=False)
    page.emulate_media(media="print")
    assert page.locator(".evidence").first.is_visible()
    page.emulate_media(media="screen")
    page.locator("#print-appendix").press("Space")
    page.emulate_media(media="print")
    assert not page.locator(".evidence").first.is_visible()


def test_a_filtered_page_says_on_paper_that_it_is_a_part(reports, open_page):
    page = open_page(reports["failing"][0])
    page.emulate_media(media="print")
    assert not page.locator("#filtered").is_visible()
    page.emulate_media(media="screen")
    page.locator("[name=text]").fill("AISEC-NET-01")
    assert not page.locator("#filtered").is_visible()
    page.emulate_media(media="print")
    assert "This is a part of the report: 1 of 7 controls" in page.locator("#filtered").inner_text()
