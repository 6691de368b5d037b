"""What hosts answer breaks no report and does not act on the terminal."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.support.hostile import HOSTILE

pytestmark = pytest.mark.slow

ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\u200b\ufeff]")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_breaks_no_report_and_does_not_act_on_the_terminal(audit, pack, tmp_path, name):
    answer = tmp_path / "answer"
    answer.write_bytes(HOSTILE[name].encode("utf-8", "surrogateescape") + b"\n")
    bodies = [
        'print(text); assert text == ""',
        "print(text); assert not text, text",
        'host.run("true"); raise RuntimeError(text)',
        'raise Unobservable("parse", text)',
        "not_applicable(text)",
    ]
    for number, body in enumerate(bodies, start=1):
        pack.control(f"{number:02}", f'text = host.run("head -c 1000000 {answer}").stdout\n{body}')
    ended = audit("-vv", "-rA", "--tb=long", "--color=no", f"--junitxml={tmp_path}/junit.xml")
    assert {"failed": 2, "error": 2, "not_applicable": 1, "planned": 5} == ended.ledger, ended.text[-2000:]
    assert set() == set(ACTS.findall(ended.text))
    for path in (tmp_path / "junit.xml", ended.bundle / "junit.xml"):
        assert 5 == len(list(ET.parse(path).iter("testcase")))
    assert "<script>alert(1)" not in (ended.bundle / "report.html").read_text(encoding="utf-8")
