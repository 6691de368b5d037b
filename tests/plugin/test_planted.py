"""Credentials are planted into everything that reaches a run; none may come out of it."""

import json

import pytest

from tests.support.planted import plant, search, search_files

pytestmark = pytest.mark.slow

BODIES = {
    "01": 'assert host.check_output("cat %s", path) == ""',
    "02": 'host.run("true"); raise RuntimeError(host.check_output("cat %s >&2; cat %s", path, path))',
    "03": 'raise Unobservable("parse", host.run("cat %s >&2", path).stderr)',
    "04": 'not_applicable(host.check_output("cat %s", path))',
    "05": 'host.run("true"); print(notes); logging.getLogger().error("%s", notes); assert notes == []',
    "06": 'assert host.check_output("cat %s; cat %s >&2; exit 3", path, path) == ""',
    "07": 'assert host.file(path).content_string == "" ',
    "08": 'assert host.run("printf \'\\\\377\'; cat %s", path).stdout == ""',
    "09": 'line = host.check_output("cat %s", path + ".long"); assert line == "x"',
    "10": 'host.run("true"); raise subprocess.CalledProcessError(1, ["tool", *notes], stderr=notes[0])',
    "11": 'host.run("%s", notes[0]); host.run("true # " + " ".join(notes)); assert not notes',
    "12": 'assert {"password": host.check_output("cat %s", path)} == dict.fromkeys(notes)',
    "13": 'host.run("cat %s >&2; exit 127", path)',
    "14": 'print(host.check_output("cat %s", path)); sys.stderr.write(str(notes)); host.run("true"); pytest.skip(notes[1])',
}
PLACES = {
    "terminal",
    "junit.xml",
    "bundle/junit.xml",
    "bundle/run.json",
    "bundle/report.html",
    "bundle/inputs/plan.json",
    "bundle/inputs/profiles/1-acme.yaml",
    "bundle/transcripts/local.jsonl",
}

NO_REDACTION = """
from pytest_aisec.observe.redaction import redact
redact._redact = lambda text: text
redact.redact_value = lambda name, value: value
"""


class Planting:
    """A pack, a profile and a host full of credentials."""

    def __init__(self, pack, directory):
        self.directory = directory
        self.planted = plant(7)
        # A quotation mark that is escaped twice cannot be told from the end of the value.
        self.param = [item for item in plant(8) if item.name != "JSON with an escape"]
        self.path = directory / "secrets"
        text = "\n".join(item.text for item in self.planted) + "\n"
        self.path.write_text(text)
        long = " ".join(f"{'x' * 2_000} {item.text} שלום密" for item in self.planted if "\n" not in item.text)
        (directory / "secrets.long").write_text(long)
        self.notes = [item.text.replace("\0", " ") for item in self.param]
        for number, body in BODIES.items():
            pack.control(
                number,
                f'path = "{self.path}"\n{body}',
                head="import logging, subprocess, sys\n"
                "@pytest.fixture\ndef broken(host):\n"
                f'    raise RuntimeError(host.check_output("cat {self.path}"))\n',
                params='notes: list[str] = ["a"], db_password: str = "none"',
                marks='@pytest.mark.usefixtures("broken")' if number == "14" else "",
            )
        pack.control("15", "host.run('true')")
        reason = json.dumps("\n".join(self.notes))
        pack.profile(
            f"version: {json.dumps('1 ' + self.notes[0])}\n"
            "controls: {ACME-TST-*: {}}\n"
            f"exclude: {{ACME-TST-15: {reason}}}\n"
            f"params: {{notes: {json.dumps(self.notes)}}}\n"
            f"references: {{acme: {json.dumps(self.notes)}}}\n".replace("version", "description", 1)
        )
        self.option = "planted-Horse-77-battery"

    @property
    def arguments(self):
        return [
            "-vv",
            "-rA",
            "--tb=long",
            "--showlocals",
            "--log-level=DEBUG",
            f"--aisec-param=db_password={self.option}",
            f"--aisec-param=ACME-TST-10.notes={json.dumps(self.notes)}",
            f"--junitxml={self.directory}/junit.xml",
        ]

    def shown(self, ended):
        """Return where which credentials are shown."""
        everything = [*self.planted, *self.param]
        (self.directory / "terminal").write_text(ended.text)
        texts = {"terminal": ended.text, "junit.xml": (self.directory / "junit.xml").read_text()}
        found = {name: search(text, everything) for name, text in texts.items()}
        found |= {f"bundle/{name}": names for name, names in search_files(ended.bundle, everything).items()}
        for path in [item for item in ended.bundle.rglob("*") if item.is_file()]:
            texts[f"bundle/{path.relative_to(ended.bundle)}"] = path.read_text(errors="replace")
        for name, text in texts.items():
            if self.option in text:
                found.setdefault(name, []).append("value of a parameter that is a password by its name")
        return [f"{name}: {', '.join(names)}" for name, names in found.items() if names]


@pytest.fixture
def planting(pack, tmp_path):
    return Planting(pack, tmp_path)


@pytest.mark.parametrize("more", [(), ("-n", "2"), ("--aisec-no-waves",)], ids=["plain", "xdist", "no-waves"])
def test_no_planted_credential_leaves_a_run(audit, planting, tmp_path, more):
    ended = audit(*planting.arguments, *more)
    assert len(BODIES) == ended.run["ledger"]["planned"], ended.text
    assert "" == "\n".join(planting.shown(ended))
    assert 0 == ended.ledger.get("passed", 0)
    again = audit(
        *planting.arguments, *more[:2], f"--aisec-replay={ended.bundle}", evidence=tmp_path / "again"
    )
    if more != ("--aisec-no-waves",):
        assert "" == "\n".join(planting.shown(again))
        assert ended.outcomes == again.outcomes


def test_without_redaction_the_search_finds_them_everywhere(audit, planting, tmp_path, pytester):
    (pytester.path / "no_redaction.py").write_text(NO_REDACTION)
    ended = audit("-p", "no_redaction", *planting.arguments, env={"PYTHONPATH": str(pytester.path)})
    shown = dict(line.split(": ", 1) for line in planting.shown(ended))
    assert set() == PLACES - set(shown)
    by_host, by_user = ({item.name for item in items} for items in (planting.planted, planting.param))
    assert by_host <= set(shown["bundle/transcripts/local.jsonl"].split(", "))
    assert by_user <= set(shown["bundle/inputs/plan.json"].split(", "))


def test_a_run_without_redaction_leaks_nothing_into_a_replay_with_it(audit, planting, tmp_path, pytester):
    (pytester.path / "no_redaction.py").write_text(NO_REDACTION)
    ended = audit("-p", "no_redaction", *planting.arguments, env={"PYTHONPATH": str(pytester.path)})
    assert planting.shown(ended)
    again = audit(*planting.arguments, f"--aisec-replay={ended.bundle}", evidence=tmp_path / "again")
    assert "" == "\n".join(planting.shown(again))


def test_a_wrong_option_is_refused_without_showing_the_credential_in_it(audit, pack):
    pack.control("01", params="limit: int = 3")
    for option in ("limit=ghp_" + "a1B2" * 9, "api_key=hunter2-of-the-database", "ACME.x=hf_" + "a1B2" * 9):
        ended = audit(f"--aisec-param={option}")
        assert 4 == ended.code
        assert option.partition("=")[2] not in ended.text


@pytest.mark.parametrize("host", ["ssh://ghp_" + "a1B2" * 9 + "@gpu-1", "ssh://user:hunter2blue@gpu-1"])
def test_a_host_that_holds_a_credential_is_refused_without_showing_it(audit, pack, host):
    pack.control("01")
    ended = audit(f"--hosts={host}")
    assert 4 == ended.code
    assert "a1B2a1B2" not in ended.text
    assert "hunter2blue" not in ended.text
    assert not ended.bundle.exists()
