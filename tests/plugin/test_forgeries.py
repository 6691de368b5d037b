"""Bundles that a forger made: `verify` ends, says what it found and where, and none holds it up.

One line each: what is forged, what names it, and how `verify` ends. Unless a line says otherwise the forger
has no key and makes the manifest fit, and whoever verifies gives no key: what is left to find is the file.
"""

import gzip
import hashlib
import json
import os
import socket
import time
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from pytest_aisec.cli import bundle as commands
from pytest_aisec.cli import main
from pytest_aisec.evidence import bundle, manifest
from tests.support.signed import SIGNED, forge, seal

pytestmark = pytest.mark.slow

ONE = "transcripts/ssh_one.jsonl.gz"
LONGEST = 120
"""Seconds that a forgery may take, on a slow machine."""


@pytest.fixture
def aisec(capsys, monkeypatch):
    """Run `aisec` in this process: exit code, and what it printed."""

    def run(*args):
        with pytest.raises(SystemExit) as ended:
            main.main(args=[str(item) for item in args], prog_name="aisec")
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code, out + err

    return run


def put(name, content):
    """Write a file, in place of what is there."""

    def change(bundle):
        path = bundle / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


def replaced(name, make):
    """Put something else in place of a file."""

    def change(bundle):
        (bundle / name).unlink(missing_ok=True)
        make(bundle / name)

    return change


def edited(name, old, new):
    """Edit the text of a file."""

    def change(bundle):
        text = (bundle / name).read_text()
        assert old in text
        (bundle / name).write_text(text.replace(old, new, 1))

    return change


def run_with(**changes):
    """Change what run.json holds, by path such as `results.0.expected`."""

    def change(bundle):
        data = json.loads((bundle / "run.json").read_text())
        for path, value in changes.items():
            *way, last = path.split("__")
            place = data
            for part in way:
                place = place[int(part) if part.isdigit() else part]
            place[int(last) if last.isdigit() else last] = value
        text = json.dumps(data, indent=2, ensure_ascii=False)
        if not text.isprintable() and any("\ud800" <= item <= "\udfff" for item in text):
            text = json.dumps(data, indent=2)
        (bundle / "run.json").write_text(text)

    return change


def line_with(**changes):
    """Change the first line of a transcript, which stays the first of a chain."""

    def change(bundle):
        lines = gzip.decompress((bundle / ONE).read_bytes()).decode().split("\n")
        data = {**json.loads(lines[0]), **changes}
        lines[0] = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        (bundle / ONE).write_bytes(gzip.compress("\n".join(lines).encode()))

    return change


def hard_link(bundle):
    outside = bundle.parent / "outside"
    outside.write_text("root:x:0:0")
    (bundle / "junit.xml").unlink()
    (bundle / "junit.xml").hardlink_to(outside)


def linked_directory(bundle):
    (bundle / "transcripts").rename(bundle.parent / "elsewhere")
    (bundle / "transcripts").symlink_to(bundle.parent / "elsewhere")


def sparse(path):
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


def listen(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def deep_folders(bundle):
    path = bundle
    for _ in range(30):
        path /= "d"
    path.mkdir(parents=True)


def many_hosts(bundle):
    """20 000 hosts with 20 000 controls are 400 million results that are missing."""
    data = json.loads((bundle / "run.json").read_text())
    data["hosts"] = [{**data["hosts"][0], "name": f"ssh://{number}"} for number in range(20_000)]
    data["controls"] = [{**data["controls"][0], "id": f"ACME-TST-{number}"} for number in range(20_000)]
    (bundle / "run.json").write_text(json.dumps(data))


def deep(levels, leaf="1"):
    return "[" * levels + leaf + "]" * levels


def bomb(lines):
    """A line that begins as it should, and 1 GiB of blanks."""

    def change(bundle):
        with gzip.open(bundle / ONE, "wb", compresslevel=1) as stream:
            for _ in range(lines):
                stream.write(b" " * (1 << 20))

    return change


zero, fifo = partial(Path.symlink_to, target="/dev/zero"), os.mkfifo
secret = partial(Path.symlink_to, target="/etc/hostname")
PLAIN = "and a bundle has plain files only"
RUN, PLAN, LIST = "run.json", "inputs/plan.json", manifest.NAME
JUST = {"sealed": False}
"""The forger leaves the manifest as it is."""

FORGERIES = [
    # What is no plain file.
    *(
        (f"{name} is {what}", replaced(name, make), f"{name}: is {what}, and ", JUST)
        for name in (RUN, LIST, PLAN, ONE, "junit.xml", "report.html", "inputs/profiles/1-acme.yaml", *SIGNED)
        for what, make in (("a link", zero), ("a FIFO", fifo))
    ),
    *(
        (f"an added {name}", make, f"{name}: is {what}, {PLAIN}", JUST)
        for name, make, what in (
            ("more", replaced("more", fifo), "a FIFO"),
            ("more", replaced("more", zero), "a link"),
            ("inputs/more", replaced("inputs/more", secret), "a link"),
            ("hdf/more", replaced("hdf/more", partial(Path.symlink_to, target="../..")), "a link"),
            (".git", replaced(".git", partial(Path.symlink_to, target="/nowhere")), "a link"),
            ("null", replaced("null", lambda path: os.mknod(path, 0o20666, os.makedev(1, 5))), "a device"),
            ("s", replaced("s", listen), "a socket"),
        )
    ),
    ("a hard link to outside", hard_link, "junit.xml: is a hard link to a file outside of the bundle", JUST),
    ("transcripts elsewhere", linked_directory, f"transcripts: is a link, {PLAIN}", JUST),
    ("an added directory", lambda b: (b / "empty").mkdir(), "empty: is a directory without a file", {}),
    ("a hidden directory", lambda b: (b / "hdf/.x").mkdir(), "hdf/.x: is a directory without a file", {}),
    ("folders in folders", deep_folders, "is deeper than any bundle is", JUST),
    ("a file that is a directory", lambda b: ((b / RUN).unlink(), (b / RUN).mkdir()), "run.json: is", {}),
    ("1 TiB without content", replaced("junit.xml", sparse), "has more than 16 GiB", JUST),
    # Files that no bundle has.
    *(
        (f"an added {name}", put(name, "x"), f"{name}: does not belong to the bundle", {})
        for name in ("click.py", "conftest.py", "pytest.ini", "sub/x", ".hidden", "inputs/x", "a\nb", "\x1b[2J")
        if name.isprintable()
    ),
    ("a name of two lines", put("a\nb", "x"), r"a\nb: does not belong to the bundle", {}),
    ("a name that clears the screen", put("\x1b[2J", "x"), r"\x1b[2J: does not belong to the bundle", {}),
    ("a name that is no text", lambda b: Path(os.fsdecode(os.fsencode(b) + b"/\xff")).touch(), r"\xff: is", JUST),
    # The manifest.
    *(
        (f"a manifest that is {what}", put(LIST, text), f"{LIST}: is not a manifest", JUST)
        for what, text in (
            ("empty", ""),
            ("a number", "1"),
            ("a list", "[]"),
            ("NaN", '{"files": NaN}'),
            ("infinite", '{"files": -Infinity}'),
            ("deep", deep(100_000)),
            ("a deep object", '{"a":' * 100_000),
            ("no text", b"\xff\xfe"),
            ("half a character", '{"files": {"\\ud800": "1"}}'),
            ("a long number", '{"files": ' + "9" * 5_000 + "}"),
            ("a number without end", '{"files": {}, "n": 1e999}'),
        )
    ),
    ("a key twice", edited(LIST, '"files": {', '"files": {}, "files": {'), f"{LIST}: is not a manifest", JUST),
    ("a path to outside", edited(LIST, '"junit.xml"', '"../junit.xml"'), "../junit.xml: is missing", JUST),
    ("an absolute path", edited(LIST, '"junit.xml"', '"/etc/passwd"'), "/etc/passwd: is missing", JUST),
    ("a blank more", edited(LIST, "\n", "\n "), f"{LIST}: is not as it was written", JUST),
    # run.json.
    *(
        (f"a run that is {what}", put(RUN, text), "run.json: is not a run", {})
        for what, text in (
            ("empty", ""),
            ("a list", "[]"),
            ("null", "null"),
            ("deep", deep(100_000)),
            ("NaN", "NaN"),
            ("no text", b"\xff"),
            ("cut off", '{"run": {'),
        )
    ),
    *(
        (f"run.json: {what}", run_with(**changes), part, {})
        for what, changes, part in (
            ("NaN as score", {"scores__without_waivers": float("nan")}, "NaN is no number"),
            ("infinite", {"results__0__expected": float("inf")}, "Infinity is no number"),
            ("deep values", {"results__0__expected": json.loads(deep(150))}, "are more than 100 deep"),
            ("deep parameters", {"controls__0__params": {"a": json.loads(deep(150))}}, "are more than 100 deep"),
            ("a giant parameter", {"controls__0__params": {"a": "x" * 20_000_000}}, "run.json: line "),
            ("30 000 parameters", {"controls__0__params": dict.fromkeys(map(str, range(30_000)), 1)}, "run.json: line "),
            ("a negative duration", {"results__0__duration_ms": -1}, "is no duration"),
            ("an endless duration", {"results__0__duration_ms": 10**400}, "is no duration"),
            ("half a character", {"results__0__message": "\ud800"}, "is not a run"),
            ("an escape sequence", {"hosts__0__name": "\x1b[2J"}, r"\x1b[2J"),
            ("hosts twice", {"hosts__1__name": "ssh://one"}, "2 hosts have the name 'ssh://one'"),
            ("a transcript outside", {"hosts__0__transcript": "../x"}, "lies outside of the bundle"),
            ("an absolute transcript", {"hosts__0__transcript": "/dev/zero"}, "lies outside of the bundle"),
            ("the manifest as transcript", {"hosts__0__transcript": LIST}, f"{LIST}: line 1 is not an observation"),
            ("a directory as transcript", {"hosts__0__transcript": "transcripts"}, "transcripts: is a directory"),
            ("an empty transcript name", {"hosts__0__transcript": ""}, "is no path in a bundle"),
            ("no results", {"results": []}, "not every planned control has exactly one result"),
            ("fewer results", {"ledger__planned": 1}, "the ledger does not follow"),
            ("a better score", {"scores__without_waivers": 1.0}, "the scores do not follow"),
            ("another verdict", {"verdict__gate": "failed"}, "the verdict does not follow"),
            ("another outcome", {"results__0__outcome": "failed"}, "does not follow from the results"),
            ("an unknown outcome", {"results__0__outcome": "splendid"}, "is not a run"),
            ("observations from nowhere", {"results__0__observations": [10**9]}, "is not in the transcript"),
            ("observations below one", {"results__0__observations": [0]}, "is not in the transcript"),
            ("another digest", {"hosts__0__transcript_sha256": "00"}, "whose digest run.json has"),
            ("another number of lines", {"hosts__0__observations": 1}, "lines, not 1"),
            ("another plan", {"run__plan_sha256": "00"}, "is not the plan whose digest"),
            ("another input", {"inputs__inputs/plan.json": "00"}, "is not the file whose digest"),
            ("an input that is not there", {"inputs__inputs/x": "00"}, "inputs/x: is not the file"),
            ("an exclusion less", {"excluded": []}, "what it excludes is not what run.json says"),
            ("a softer gate", {"policy__fail_on": "critical"}, "its gate is not that of run.json"),
            ("a lower severity", {"controls__1__severity": "low"}, "is not planned as run.json says"),
            ("a field more", {"approved": True}, "run.json: line "),
            ("another signer", {"run__signed_by": "ab" * 32}, "and run.json says by"),
            ("no signer", {"run__signed_by": ""}, "does not belong to a run that is not signed"),
            ("a signer of the cloud", {"run__signed_by": "sigstore: me"}, "attestation.sigstore.json: cannot be read"),
        )
    ),
    ("a key of run.json twice", edited(RUN, '  "groups"', '  "groups": [],\n  "groups"'), "is there twice", {}),
    ("400 million results", many_hosts, "it plans 400000000 results", {}),
    # Transcripts.
    ("a gzip bomb", bomb(1024), f"{ONE}: a line has more than 128 MiB", {}),
    ("no gzip", put(ONE, "x"), f"{ONE}: is not whole", {}),
    ("gzip cut off", lambda b: (b / ONE).write_bytes((b / ONE).read_bytes()[:-9]), f"{ONE}: is not whole", {}),
    ("an empty transcript", put(ONE, ""), f"{ONE}: is not the transcript of ssh://one", {}),
    ("a deep line", put(ONE, gzip.compress(deep(100_000).encode() + b"\n")), "line 1 is not an observation", {}),
    ("a line that is no text", put(ONE, gzip.compress(b"\xff\n")), "line 1 is not an observation", {}),
    ("no end of the line", put(ONE, gzip.compress(b"{}")), "the last line is cut off", {}),
    *(
        (f"an observation with {what}", line_with(**changes), part, {})
        for what, changes, part in (
            ("an exit status of text", {"exit_status": "0"}, "line 1 is not an observation"),
            ("an exit status of true", {"exit_status": True}, "line 1 is not an observation"),
            ("an endless exit status", {"exit_status": 10**400}, "line 1 is not an observation"),
            ("a duration that is NaN", {"duration_ms": float("nan")}, "line 1 is not an observation"),
            ("a list as output", {"stdout": [1]}, "line 1 is not an observation"),
            ("broken base64", {"stdout": {"base64": "!"}}, "line 1 is not an observation"),
            ("text as base64", {"stdout": {"base64": "YQ=="}}, "line 1 is not as it was written"),
            ("no time", {"started_at": 3}, "line 1 is not an observation"),
            ("an object as fault", {"fault": {}}, "line 1 is not an observation"),
            ("a field more", {"more": 1}, "line 1 is not as it was written"),
            ("another number", {"number": 2}, "line 1 does not follow"),
            ("another line before", {"previous": "0" * 64}, "does not begin the transcript"),
            ("another output", {"stdout": "all is well"}, "line 2 does not follow from the line before it"),
        )
    ),
    # The plan.
    *(
        (f"a plan that is {what}", put(PLAN, text), f"{PLAN}: is not a plan", {})
        for what, text in (
            ("empty", ""),
            ("a list", "[]"),
            ("NaN", '{"hosts": NaN}'),
            ("deep", deep(100_000)),
            ("full of keys that are none", '{"hosts": [], "controls": [{"id": [], "group": ""}]}'),
        )
    ),
    ("a plan with a key twice", edited(PLAN, '  "hosts"', '  "hosts": 1,\n  "hosts"'), "is there twice", {}),
    # Signatures.
    *(
        (f"a signature that is {what}", put(SIGNED[0], text), f"{SIGNED[0]}: is no signed envelope", {})
        for what, text in (
            ("empty", ""),
            ("a list", "[]"),
            ("deep", deep(100_000)),
            ("NaN", '{"payload": NaN, "signatures": [{}]}'),
            ("without signatures", '{"payload": "", "signatures": []}'),
        )
    ),
    ("signatures of another key", None, "is not signed by the key in", {"key": "theirs", **JUST}),
    ("no signatures", lambda b: [(b / name).unlink() for name in SIGNED], "cannot be read: No such file", {}),
    # Reports.
    *(
        (f"an edited {name}", lambda b, name=name: (b / name).write_bytes((b / name).read_bytes() + b" "),
         f"{name}: line ", {})
        for name in ("report.html", "summary.md", "junit.xml", "results.sarif", "results.csv",
                     "oscal-assessment-results.json", "hdf/ssh_one.json")
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "named", "how"), [row[1:] for row in FORGERIES], ids=[row[0] for row in FORGERIES]
)
def test_a_forgery_is_named_and_holds_nothing_up(signed, copy, aisec, change, named, how):
    """Before: FIFOs and links to /dev/zero held `verify` up, deep JSON and half characters were tracebacks."""
    if change is not None:
        change(copy)
    if how.get("sealed", True) and (copy / "run.json").is_file():
        seal(copy)
    args = [f"--key={signed.keys[how['key']]}"] if "key" in how else []
    code, text = aisec("verify", copy, f"--timeout={LONGEST}", *args)
    assert (1, True) == (code, named in text), text[:2000]
    assert text.isprintable() or "\x1b" not in text


READ = [row for row in FORGERIES if "a link" in row[2] or "FIFO" in row[2] or "is not a run" in row[2]]


@pytest.mark.parametrize(
    "args", [["report", "--format=sarif", "--to=out"], ["diff", "BUNDLE"]], ids=lambda a: a[0]
)
@pytest.mark.parametrize("change", [row[1] for row in READ], ids=[row[0] for row in READ])
def test_report_and_diff_refuse_what_is_no_bundle(signed, copy, aisec, monkeypatch, tmp_path, args, change):
    """Before: `aisec report` waited for a FIFO, and read /dev/zero until memory ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "DEFAULT_TIMEOUT", LONGEST)
    change(copy)
    command, *options = args
    options = [str(signed.bundle) if item == "BUNDLE" else item for item in options]
    code, text = aisec(command, *(reversed([copy, *options]) if command == "diff" else [copy, *options]))
    assert 4 == code, text[:2000]
    assert 1 == text.count("ERROR: ")
    assert str(copy) in text


def test_an_older_bundle_of_the_same_key_is_told_apart(signed, aisec):
    """Before: nothing; last month's bundle held as well as today's."""
    run = bundle.read(signed.bundle).run.run
    began = datetime.fromisoformat(run.started_at)
    given = ["verify", signed.bundle, f"--key={signed.keys['ours']}"]
    for option, right, wrong, says in (
        ("--expect-run", run.id, "x", f"run.json: is run {run.id}, and not x"),
        ("--expect-plan", run.plan_sha256.upper(), "0" * 64, f"run.json: is of plan {run.plan_sha256}"),
        (
            "--not-before",
            began.isoformat(),
            (began + timedelta(seconds=1)).isoformat(),
            "run.json: began at ",
        ),
    ):
        assert 0 == aisec(*given, f"{option}={right}")[0]
        code, text = aisec(*given, f"{option}={wrong}")
        assert (1, True) == (code, says in text), text


@pytest.mark.parametrize(
    "given", ["--not-before=today", "--not-before=2026-12-31T00:00:00", "--expect-plan=ab"]
)
def test_an_expectation_that_is_none_is_a_usage_error(signed, aisec, given):
    code, text = aisec("verify", signed.bundle, given)
    assert 4 == code
    assert "ERROR: " in text


def test_without_a_key_the_first_line_says_that_anybody_could_have_made_it(signed, aisec):
    """Before: "holds; it is not signed", and for a signed one "was not checked", at the end."""
    bundle = signed.bundle
    assert (
        f"{bundle}: no key was given: anybody could have made this"
        == aisec("verify", bundle)[1].splitlines()[0]
    )
    assert "anybody" not in aisec("verify", bundle, f"--key={signed.keys['ours']}")[1]
    assert (0, "") == aisec("verify", bundle, "--quiet")


def test_time_ends(signed, aisec, monkeypatch):
    from pytest_aisec.evidence import verify

    monkeypatch.setattr(verify, "verify", lambda *_, **__: time.sleep(30))
    code, text = aisec("verify", signed.bundle, "--timeout=1")
    assert (1, f"{signed.bundle}: could not be checked within 1 s: give it more with --timeout\n") == (
        code,
        text,
    )


@pytest.mark.parametrize(
    ("make", "what"), [(os.mkfifo, "a FIFO"), (zero, "a device"), (Path.mkdir, "a directory")]
)
def test_import_reads_plain_files_alone(audit, pack, tmp_path, make, what):
    """Before: a FIFO was waited for, and /dev/zero read until memory ended."""
    pack.control("01")
    make(tmp_path / "output")
    ended = audit(f"--aisec-import={tmp_path}/output")
    assert 4 == ended.code
    assert f"--aisec-import {tmp_path}/output: is {what}, and no plain file" in " ".join(ended.text.split())


def test_a_replay_refuses_what_is_no_plain_file(copy, audit, pack):
    """Before: a run with --aisec-replay waited for the FIFO."""
    pack.control("01")
    replaced("junit.xml", os.mkfifo)(copy)
    ended = audit(f"--aisec-replay={copy}")
    assert 4 == ended.code
    assert f"junit.xml: is a FIFO, {PLAIN}" in " ".join(ended.text.split())


def test_a_replay_of_a_giant_plan_ends(signed, copy, aisec):
    """Before: the replay read the parameter for minutes."""
    plan = json.loads((copy / PLAN).read_text())
    plan["controls"][0]["params"]["words"] = ["x" * 6_000_000]
    plan["controls"][0]["declared"].append("words")
    text = json.dumps(plan, indent=2, ensure_ascii=False) + "\n"
    (copy / PLAN).write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()

    def fit(run):
        first = replace(run.controls[0], params=plan["controls"][0]["params"], declared=["mode", "words"])
        return replace(
            run,
            controls=[first, *run.controls[1:]],
            run=replace(run.run, plan_sha256=digest),
            inputs={**run.inputs, PLAN: digest},
        )

    forge(copy, fit, unsigned=True)
    given = ["--replay", f"--path={signed.pack}", f"--timeout={LONGEST}"]
    code, text = aisec("verify", copy, *given)
    assert 1 == code
    assert "its results cannot be made again: ERROR: " in text
    assert "has more than 4 MiB" in text
