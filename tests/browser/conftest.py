"""A real Chromium; where there is none and only root on Debian could install one, the tests are skipped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import AttestationInfo, AttestationState, WaiverInfo, WaiverState
from pytest_aisec.report import html, pdf
from tests.support import runs


def _need(*packages):
    """Install Debian packages, or skip the test."""
    from pytest_aisec.testing.labkit import debian
    from pytest_aisec.testing.labkit.errors import LabUnavailableError

    try:
        debian.ensure(packages)
    except LabUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def chromium():
    """The path of a Chromium."""
    try:
        return pdf.browser()
    except UsageProblem:
        _need("chromium")
    return pdf.browser()


@pytest.fixture(scope="session")
def pdftotext():
    _need("poppler-utils")
    return "pdftotext"


@pytest.fixture(scope="session")
def browser(chromium):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium, args=list(pdf.FLAGS))
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Open a report; what the browser complained of, and what it asked for, is kept with the page."""
    contexts = []

    def open_page(path, *, width=1280, scheme="light", script=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.requests = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (page.complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


def _failing():
    """Every outcome, strange text in every place, and waivers and an attestation in each state."""
    run, strange = runs.every_outcome(), runs.STRANGE
    waivers = [
        WaiverInfo(
            id=f"W-{number}",
            control="AISEC-ART-03",
            hosts=("good", strange),
            reason=strange,
            approved_by=strange,
            approved_on="2026-02-01",
            expires="2026-03-20",
            ticket=strange,
            state=state,
            excuses=1,
            passes=0,
            note=strange,
        )
        for number, state in enumerate(["active", "expired", "expiring", "stale", "unused"], start=1)
    ]
    attestation = AttestationInfo(
        id="A-1",
        control="AISEC-ART-05",
        hosts=("*",),
        statement=strange,
        status="passed",
        attested_by=strange,
        attested_on="2025-12-01",
        valid_until="2026-02-28",
        state="expired",
        decides=1,
    )
    results = [
        replace(item, attestation=AttestationState(id="A-1", state="expired"))
        if item.outcome is Outcome.NOT_REVIEWED
        else item
        for item in run.results
    ]
    return replace(
        run,
        waivers=waivers,
        attestations=[attestation],
        results=results,
        inputs={"inputs/plan.json": "ab" * 32, f"inputs/{strange}": "cd" * 32},
    )


def _passing():
    controls = [runs.control(number) for number in range(1, 4)]
    results = [runs.result(item, "gpu-1", "passed") for item in controls]
    lines = {"gpu-1": [runs.observation("stat -c %a /srv/models", b"640\n")]}
    return runs.run_of(controls, results, lines)


def _fleet():
    """30 hosts by 22 controls with every outcome, waivers and attestations in each state, and a dead host."""
    controls = [runs.control(number, severity=SEVERITIES[number % 4]) for number in range(1, 23)]
    names = [f"gpu-{number:03}.example.com" for number in range(30)]
    results = [
        _ending(control, name, "error" if name == names[7] else WAYS[(at * 5 + number * 7) % len(WAYS)])
        for at, name in enumerate(names)
        for number, control in enumerate(controls)
    ]
    waivers = [
        runs.waiver_info(f"W-{state}", controls[number].id, state=state, ticket="SEC-7")
        for number, state in enumerate(["active", "expired", "expiring", "stale", "unused"])
    ]
    attestations = [
        runs.attestation_info(f"A-{state}", controls[number].id, state=state)
        for number, state in enumerate(["active", "expired", "unused"])
    ]
    lines = {name: [runs.observation("uname -n", name.encode())] for name in names}
    return runs.run_of(
        controls,
        results,
        lines,
        faults={names[7]: "unreachable: connection refused"},
        waivers=waivers,
        attestations=attestations,
        inputs={"inputs/plan.json": "ab" * 32, "inputs/waivers/1-waivers.yaml": "cd" * 32},
    )


WAYS = (
    *("passed",) * 19,
    *("not_applicable",) * 3,
    *("failed", "active", "expired", "stale", "error", "not_run", "not_reviewed", "attested", "lapsed"),
)
"""How the results of the fleet end: an outcome, the state of a waiver, or what became of an attestation."""


def _ending(control, host, way):
    if way in ("active", "expired", "stale"):
        state = WaiverState(id=f"W-{way}", state=way)
        outcome = "passed" if way == "stale" else "failed"
        return runs.result(control, host, outcome, message=f"of {host}", waiver=state)
    if way in ("attested", "lapsed"):
        state = "active" if way == "attested" else "expired"
        outcome = "passed" if way == "attested" else "not_reviewed"
        return runs.result(
            control,
            host,
            outcome,
            observations=(),
            attestation=AttestationState(id=f"A-{state}", state=state),
        )
    said = {
        "failed": {"message": f"mode is 0777 on {host}", "expected": "0640", "observed": {host: "0777"}},
        "error": {"reason": "unreachable", "message": "connection refused", "observations": ()},
        "not_applicable": {"reason": "no model directory under the default paths"},
        "not_reviewed": {"reason": "needs a person", "observations": ()},
        "not_run": {"reason": "deselected", "observations": ()},
    }
    return runs.result(control, host, way, **said.get(way, {}))


RUNS = {"failing": _failing, "passing": _passing, "fleet": _fleet}


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    """Name → path of a report, and the run that it shows."""
    directory, made = tmp_path_factory.mktemp("reports"), {}
    for name, make in RUNS.items():
        run = make()
        path = directory / f"{name}.html"
        path.write_text(html.render(run, decide(run)), encoding="utf-8")
        made[name] = (path, run)
    return made
