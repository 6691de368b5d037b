"""What reports say of a run whose hosts have profiles of their own."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from lxml import html as pages

from pytest_aisec.catalog.plan import Exclusion, GroupInfo
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import Run
from pytest_aisec.report import hdf, html, junit, markdown, oscal, table
from tests.support.runs import control, observation, result, run_of


@pytest.fixture
def fleet() -> Run:
    """Two groups: both have the first control, with other parameters; each has one of its own."""
    web, gpu = "ssh://web-1", "ssh://gpu-1"
    shared = control(1, group="web", params={"mode": "0640"}, remediation="chmod 0640")
    strict = control(1, group="gpu", params={"mode": "0600"}, remediation="chmod 0600", severity="critical")
    of_web, of_gpu = control(2, group="web"), control(3, group="gpu")
    lines = [observation("stat /srv")]
    run = run_of(
        [shared, strict, of_web, of_gpu],
        [
            result(strict, gpu, "failed", message="0644"),
            result(of_gpu, gpu, "passed"),
            result(shared, web, "passed"),
            result(of_web, web, "passed"),
        ],
        {gpu: lines, web: lines},
        excluded=[Exclusion(control="AISEC-ART-03", reason="no GPU here", group="web")],
    )
    hosts = [replace(host, group=host.name[6:9]) for host in run.hosts]
    groups = [
        GroupInfo(name="web", profile="web-node", title="Web nodes", version="1.0"),
        GroupInfo(name="gpu", profile="gpu-node", title="GPU nodes", version="2.0"),
    ]
    return replace(run, hosts=tuple(hosts), groups=tuple(groups))


def rendered(module: Any, run: Run) -> str:
    return str(module.render(run, decide(run)))


def test_planned_is_what_each_group_has(fleet: Run) -> None:
    assert [
        ("ssh://gpu-1", "AISEC-ART-01"),
        ("ssh://gpu-1", "AISEC-ART-03"),
        ("ssh://web-1", "AISEC-ART-01"),
        ("ssh://web-1", "AISEC-ART-02"),
    ] == fleet.planned()
    assert "0600" == fleet.described()["ssh://gpu-1", "AISEC-ART-01"].params["mode"]


def test_the_html_report_tells_groups_apart(fleet: Run) -> None:
    page = pages.fromstring(rendered(html, fleet))
    facts = {
        div.find("dt").text_content(): div.find("dd").text_content() for div in page.xpath("//dl/div[dt]")
    }
    assert "Web nodes (web-node), version 1.0, on 1 host: ssh://web-1" == facts["Group web"]
    assert "GPU nodes (gpu-node), version 2.0, on 1 host: ssh://gpu-1" == facts["Group gpu"]
    assert ("chmod 0640", "chmod 0600") == (facts["Remediation for web"], facts["Remediation for gpu"])
    assert ("high", "critical") == (facts["Severity for web"], facts["Severity for gpu"])
    assert 'mode = "0600"' in facts["Parameters for gpu"]
    rows = page.xpath("//table[@class='hosts']/tbody/tr")
    assert [["ssh://gpu-1", "gpu"], ["ssh://web-1", "web"]] == [
        [cell.text_content() for cell in row][:2] for row in rows
    ]
    matrix = [
        [cell.text_content() for cell in row] for row in page.xpath("//table[@class='matrix']/tbody/tr")
    ]
    assert [
        ["ssh://gpu-1", "FAIL", "not planned", "pass"],
        ["ssh://web-1", "pass", "pass", "not planned"],
    ] == matrix
    assert "3 controls on 2 hosts" == facts["Planned"]
    (left_out,) = page.xpath("//h3[@id='excluded']/following-sibling::div[1]//tbody/tr")
    assert ["AISEC-ART-03", "web", "no GPU here"] == [cell.text_content() for cell in left_out]


def test_variants_that_are_alike_are_shown_once(fleet: Run) -> None:
    controls = [
        replace(item, params={"mode": "0640"}, remediation="chmod 0640", severity="high")
        if item.id == "AISEC-ART-01"
        else item
        for item in fleet.controls
    ]
    page = pages.fromstring(rendered(html, replace(fleet, controls=tuple(controls))))
    shown = page.xpath("//article[@id='AISEC-ART-01']//dt")
    assert 1 == sum(item.text_content().startswith("Remediation") for item in shown)


def test_formats_of_one_host_name_its_profile(fleet: Run) -> None:
    decoder, text, found = json.JSONDecoder(), rendered(hdf, fleet), {}
    while text.strip():
        document, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        (profile,) = document["profiles"]
        found[document["platform"]["target_id"]] = (
            profile["name"],
            profile["version"],
            {item["id"]: item["tags"]["parameters"].get("mode") for item in profile["controls"]},
        )
    assert {
        "ssh://gpu-1": ("gpu-node", "2.0", {"AISEC-ART-01": "0600", "AISEC-ART-03": "0640"}),
        "ssh://web-1": ("web-node", "1.0", {"AISEC-ART-01": "0640", "AISEC-ART-02": "0640"}),
    } == found
    rows = csv.DictReader(io.StringIO(rendered(table, fleet)))
    assert {("ssh://gpu-1", "gpu-node"), ("ssh://web-1", "web-node")} == {
        (row["host"], row["profile"]) for row in rows
    }
    suites = etree.fromstring(rendered(junit, fleet).encode()).iter("testsuite")
    assert ["gpu", "web"] == [
        suite.find("properties/property[@name='host.group']").get("value") for suite in suites
    ]


def test_summaries_name_the_groups(fleet: Run) -> None:
    text = rendered(markdown, fleet)
    assert "- web: Web nodes, profile web-node 1.0, 1 host\n" in text
    assert "3 controls" in text
    (found,) = json.loads(rendered(oscal, fleet))["assessment-results"]["results"]
    assert ["web: web-node 1.0", "gpu: gpu-node 2.0"] == [
        item["value"] for item in found["props"] if item["name"] == "group"
    ]
    # what one group leaves out is no exclusion of the run when another group has it
    selections = found["reviewed-controls"]["control-objective-selections"]
    assert [] == [item for each in selections for item in each.get("exclude-objectives", ())]
