from __future__ import annotations

from pytest_aisec.catalog import frameworks
from pytest_aisec.report import coverage, html
from pytest_aisec.report.grouping import Groups


def covered(run):
    groups, by_host = Groups(100), run.by_host()
    for host in run.hosts:
        groups.add(host, by_host[host.name], run.transcripts[host.name])
    found = coverage.by_framework(run.controls, {name: groups.of(name) for name in groups.controls()})
    return {item.key: item for item in found}


def test_every_requirement_of_every_framework_is_either_covered_or_listed_as_uncovered(run):
    found = covered(run)
    assert set(frameworks.KEYS) == set(found)
    for key, item in found.items():
        listed = [requirement.id for requirement in (*item.covered, *item.uncovered)]
        assert len(listed) == len(set(listed))
        assert set(frameworks.framework(key).ids) <= set(listed)


def test_a_requirement_names_its_controls_with_outcomes_and_hosts_the_worst_first(make):
    one, other = make.control(1), make.control(2, frameworks={"nist_800_53": ["AC-3"]})
    results = [
        make.result(one, "a", "passed"),
        make.result(other, "a", "passed"),
        make.result(one, "b", "failed"),
        make.result(other, "b", "not_applicable"),
        make.result(one, "c", "passed"),
        make.result(other, "c", "error"),
    ]
    run = make.run([one, other], results, {name: [make.observation("id")] for name in "abc"})
    item = covered(run)["nist_800_53"]
    assert ["AC-3", "CM-5"] == [requirement.id for requirement in item.covered]
    first = item.covered[0]
    assert "Access Enforcement" == first.title
    assert [
        ("AISEC-ART-01", [("failed", ["b"]), ("passed", ["a", "c"])]),
        ("AISEC-ART-02", [("error", ["c"]), ("passed", ["a"]), ("not_applicable", ["b"])]),
    ] == [
        (part.control, [(ending.status.key, ending.hosts) for ending in part.endings])
        for part in first.contributions
    ]
    assert "failed" == first.status.key
    assert [("failed", 2)] == [(status.key, number) for status, number in item.counts()]
    assert "AC-2" in [requirement.id for requirement in item.uncovered]


def test_a_control_without_a_result_covers_with_nothing_known(make):
    item = covered(make.run([make.control(1)], [], {}))["nist_800_53"]
    assert [()] == [tuple(part.endings) for part in item.covered[0].contributions]
    assert item.covered[0].status is None
    assert [] == [*item.counts()]


def test_a_framework_that_we_do_not_know_is_there_under_its_key(make):
    control = make.control(1, frameworks={"house_rules": ["R-1"]})
    item = covered(make.run([control], [make.result(control, "a", "passed")], {"a": []}))["house_rules"]
    assert ("house_rules", ["R-1"], []) == (item.title, [part.id for part in item.covered], [*item.uncovered])


def test_requirements_are_escaped_together_as_each_of_them_would_be() -> None:
    def rows(*pairs: tuple[str, str]) -> list[str]:
        requirements = [coverage.Requirement(id=name, title=title, contributions=()) for name, title in pairs]
        return str(html._rows(requirements)).split("</li>\n<li>")

    plain, strange = [("A<1", "x & y"), ("B", "")], [("C\n2", "two\nlines"), ("D\x1b", "t")]
    together = rows(*plain, *strange)
    assert ["<li><b>A&lt;1</b> x &amp; y", "<b>B</b>"] == together[:2]
    assert "\x1b" not in together[3]
    assert rows(*plain) == [together[0], f"{together[1]}</li>"]
    each = [rows(pair)[0].removeprefix("<li>").removesuffix("</li>") for pair in [*plain, *strange]]
    assert each == [row.removeprefix("<li>").removesuffix("</li>") for row in together]
