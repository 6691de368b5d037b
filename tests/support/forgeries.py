"""What a forger makes of a signed bundle: `python -m tests.support.forgeries` prints what becomes of each.

One line each: what is forged, how, and what names it. The exit code is 1 unless a line says otherwise. Unless a line says otherwise the forger has no key and
makes the manifest fit, and whoever verifies gives no key: what is left to find is the file.
One module, however long: a list.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import socket
import tempfile
import time
import unicodedata
from functools import partial
from pathlib import Path

from pytest_aisec.evidence import manifest
from tests.support.signed import SIGNED, Signed, seal

ONE = "transcripts/ssh_one.jsonl.gz"
LONGEST = 120
"""Seconds that a forgery may take, on a slow machine."""


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
        if re.search("[\ud800-\udfff]", text):
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


def run_without(name):
    """Take a member out of run.json."""

    def change(bundle):
        data = json.loads((bundle / RUN).read_text())
        del data[name]
        (bundle / RUN).write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    return change


def listed_with(name, text):
    """Change a number in the manifest, given as JSON; `None` takes it out."""

    def change(bundle):
        new = "" if text is None else rf'\n  "{name}": {text},'
        found, times = re.subn(rf'\n  "{name}": [^\n]*,', new, (bundle / LIST).read_text())
        assert times == 1
        rest = re.sub('"own_sha256": "[0-9a-f]*"', '"own_sha256": ""', found)
        own = hashlib.sha256(rest.encode()).hexdigest()
        (bundle / LIST).write_text(rest.replace('"own_sha256": ""', f'"own_sha256": "{own}"'))

    return change


def of_the_first_version(bundle):
    for name in ("transcript_version", "report_layout", "own_sha256"):
        listed_with(name, None)(bundle)
    listed_with("schema_version", '"1.0"')(bundle)


def unsigned(bundle):
    """Take the signatures away."""
    for name in SIGNED:
        (bundle / name).unlink()
    text = re.sub('"signed_by": "[0-9a-f]*"', '"signed_by": ""', (bundle / RUN).read_text())
    (bundle / RUN).write_text(text)


def in_turn(*changes):
    """Make several changes; the manifest fits all but those after `seal`."""

    def change(bundle):
        for one in changes:
            one(bundle)

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


def manifest_with(**entries):
    """Change what the manifest says of a file, and leave all else: `junit__xml=None` takes it out."""

    def change(bundle):
        data = json.loads((bundle / LIST).read_text())
        for name, value in entries.items():
            data["files"].pop(name.replace("__", "."), None)
            if value is not None:
                data["files"][name.replace("__", ".")] = value
        (bundle / LIST).write_text(json.dumps(data, indent=2) + "\n")

    return change


def renamed_in_manifest(old, new):
    """Name a file by another way to it."""

    def change(bundle):
        data = json.loads((bundle / LIST).read_text())
        data["files"] = {new if name == old else name: digest for name, digest in data["files"].items()}
        (bundle / LIST).write_text(
            json.dumps({**data, "files": dict(sorted(data["files"].items()))}, indent=2) + "\n"
        )

    return change


def with_bytes(name, make):
    """Change a file, byte for byte."""

    def change(bundle):
        (bundle / name).write_bytes(make((bundle / name).read_bytes()))

    return change


def with_lines(make):
    """Change the lines of a transcript."""

    def change(bundle):
        lines = gzip.decompress((bundle / ONE).read_bytes()).decode().splitlines(keepends=True)
        (bundle / ONE).write_bytes(gzip.compress("".join(make(lines)).encode()))

    return change


def exchanged(first, second):
    def change(bundle):
        one, two = (bundle / first).read_bytes(), (bundle / second).read_bytes()
        (bundle / first).write_bytes(two)
        (bundle / second).write_bytes(one)

    return change


def many_files(bundle):
    for number in range(3_000):
        (bundle / f"{number}").touch()


zero, fifo = partial(Path.symlink_to, target="/dev/zero"), os.mkfifo
secret = partial(Path.symlink_to, target="/etc/hostname")
PLAIN = "and a bundle has plain files only"
RUN, PLAN, LIST = "run.json", "inputs/plan.json", manifest.NAME
JUST = {"sealed": False}
"""The forger leaves the manifest as it is."""
UNREAD = {"code": 4}
"""What is left is no bundle, or none that is read: exit code 4 and one message."""
NO_RUN = (
    "is no number", "more than 100 deep", "is no duration", "is not a run", "have the name", "is there twice",
)  # fmt: skip
"""Parts of messages on a run.json that is none, and has the digest of the manifest."""
EDITED = with_bytes("junit.xml", lambda data: data.replace(b"ACME-TST-02", b"ACME-TST-00"))
NOT_RENDERED = "its reports were not rendered again"

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
        (f"a run that is {what}", put(RUN, text), "run.json: is not a run", UNREAD)
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
        (f"run.json: {what}", run_with(**changes), part, UNREAD if any(known in part for known in NO_RUN) else {})
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
    (
        "a schema of another time",
        edited(RUN, '"schema_version": "1.1"', '"schema_version": "99.0"'),
        f'{RUN}: is of a newer version: schema_version is "99.0", and this program reads 1.0',
        UNREAD,
    ),
    ("a key of run.json twice", edited(RUN, '  "groups"', '  "groups": [],\n  "groups"'), "is there twice", UNREAD),
    ("400 million results", many_hosts, "it plans 400000000 results", UNREAD),
    # Versions that no program wrote.
    *(
        (f"a run of version {value!r:.20}", run_with(schema_version=value), "is not a run: schema_version is", UNREAD)
        for value in (1, 1.0, -1, True, None, ["1.0"], {}, "", "1", "-1.0", "1.0 ", "01.0", "1.0.0", "v1.0", "\u0661.\u0660",
                      10**400, "9" * 5_000 + ".0", "NaN")
    ),
    ("a run without a version", run_without("schema_version"), "is not a run: it has no schema_version", UNREAD),
    ("a run of two versions", edited(RUN, "{\n", '{\n  "schema_version": "2.0",\n'), "is there twice", UNREAD),
    ("a newer run, with the manifest of before", edited(RUN, '"schema_version": "1', '"schema_version": "9'), f"{RUN}: has been changed", JUST),
    *(
        (f"a manifest with {name} {value:.20}", listed_with(name, value), f"{LIST}: is not a manifest: {name} is", JUST)
        for name, values in (
            ("schema_version", ("1", "-1", "null", "true", '""', '"-1.1"', '"1.1 "', '"01.1"', '"text"', "[]", "9" * 300)),
            ("transcript_version", ("1", "null", '"-1.0"', '"text"', '"0.9"')),
            ("report_layout", ("0", "-1", "null", "true", '"1"', "1.0", "[1]", "9" * 300, "1000000000")),
        )
        for value in values
    ),
    *(
        (f"a manifest without {name}", listed_with(name, None), f"{LIST}: is not a manifest", JUST)
        for name in ("schema_version", "transcript_version", "report_layout")
    ),
    *(
        (f"a manifest with {name} twice", edited(LIST, "{\n", f'{{\n  "{name}": 1,\n'), f"{LIST}: is not a manifest", JUST)
        for name in ("schema_version", "transcript_version", "report_layout")
    ),
    *(
        (f"a newer {name}", listed_with(name, '"99.0"'), f"{LIST}: is not the one that {SIGNED[0]} signs", JUST)
        for name in ("schema_version", "transcript_version")
    ),
    *(
        (f"a newer {name}, and no signature", in_turn(unsigned, seal, listed_with(name, '"99.0"')),
         f'{LIST}: is of a newer version: {name} is "99.0", and this program reads 1.0', {**UNREAD, **JUST})
        for name in ("schema_version", "transcript_version")
    ),
    *(
        (f"a {name} without the digest of it", in_turn(unsigned, seal, edited(LIST, old, new)), f"{LIST}: is not as it was", JUST)
        for name, old, new in (
            ("later layout", '"report_layout": ', '"report_layout": 9'),
            ("newer manifest", '"schema_version": "1', '"schema_version": "9'),
            ("newer transcript", '"transcript_version": "1', '"transcript_version": "9'),
            ("manifest", '"own_sha256": "', '"own_sha256": "0'),
        )
    ),
    ("a manifest with an empty digest of itself", in_turn(unsigned, seal, with_bytes(LIST, lambda data: re.sub(b'"own_sha256": "[0-9a-f]*"', b'"own_sha256": ""', data))), f"{LIST}: is not as it was", JUST),
    ("a manifest that says it is the first", listed_with("schema_version", '"1.0"'), f"{LIST}: is not as it was", JUST),
    # Versions that keep the reports from being rendered again.
    *(
        (f"an edited report {what}", in_turn(unsigned, *changes), NOT_RENDERED, {**JUST, "code": 0})
        for what, changes in (
            ("of another program", (EDITED, edited(RUN, '"package_version": "', '"package_version": "0'), seal)),
            ("of a later layout", (EDITED, seal, listed_with("report_layout", "999999"))),
            ("of the first version", (EDITED, seal, of_the_first_version)),
        )
    ),
    *(
        (f"an edited report of another layout{what}", in_turn(EDITED, seal, listed_with("report_layout", "999999")),
         f"{LIST}: is not the one that {SIGNED[0]} signs", {**JUST, **how})
        for what, how in (("", {}), (", for the key", {"key": "ours"}))
    ),
    *(
        (f"a later layout, and {what}", in_turn(unsigned, change, seal, listed_with("report_layout", "999999")), part, {**JUST, **how})
        for what, change, part, how in (
            ("a file more", put("x.py", "x"), "note: x.py: is not known to this program", {"code": 0}),
            ("another outcome", edited(RUN, '"outcome": "failed"', '"outcome": "passed"'), "does not follow from the results", {}),
            ("another plan", edited(PLAN, '"severity": "high"', '"severity": "low"'), f"{PLAN}: is not the file whose digest", {}),
            ("another answer", line_with(stdout="all is well"), f"{ONE}: line 2 does not follow", {}),
            ("a field more", edited(RUN, "{\n", '{\n  "approved": true,\n'), f"{RUN}: line 2 is not as it was written", {}),
        )
    ),
    *(
        (f"another program, and {what}", in_turn(edited(RUN, '"package_version": "', '"package_version": "0'), change), part, {})
        for what, change, part in (
            ("a file more", put("x.py", "x"), "x.py: does not belong to the bundle"),
            ("a report less", lambda b: (b / "junit.xml").unlink(), "junit.xml: is missing"),
        )
    ),
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
    # Other ways to the same name, and names that look alike.
    *(
        (f"a manifest that says {new}", renamed_in_manifest("junit.xml", new), part, JUST)
        for new, part in (
            ("./junit.xml", "junit.xml: is not in the manifest"),
            ("hdf/../junit.xml", "junit.xml: is not in the manifest"),
            ("junit.xml/", "junit.xml: is not in the manifest"),
            ("JUNIT.XML", "junit.xml: is not in the manifest"),
            ("junit.xml\0", "junit.xml: is not in the manifest"),
            ("", "junit.xml: is not in the manifest"),
        )
    ),
    ("a file in capitals", put("JUNIT.XML", "x"), "JUNIT.XML: does not belong to the bundle", {}),
    ("a name that looks alike", put("j\u0443nit.xml", "x"), "nit.xml: does not belong to the bundle", {}),
    ("a name written apart", put(unicodedata.normalize("NFD", "h\u00e9.xml"), "x"), "does not belong to", {}),
    ("a very long name", put("x" * 255, "x"), "does not belong to the bundle", {}),
    ("3 000 files more", many_files, "0: does not belong to the bundle", {}),
    # Digests that are none, or of something else.
    *(
        (f"a digest that is {what}", manifest_with(junit__xml=value), part, JUST)
        for what, value, part in (
            ("a number", 1, "junit.xml: has been changed"),
            ("a list", [], "junit.xml: has been changed"),
            ("empty", "", "junit.xml: has been changed"),
            ("of nothing", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "junit.xml: has been changed"),
            ("in capitals", "A" * 64, "junit.xml: has been changed"),
            ("left out", None, "junit.xml: is not in the manifest"),
        )
    ),
    ("another algorithm", edited(LIST, '"sha256"', '"crc32"'), f"{LIST}: is not as it was written", JUST),
    ("the manifest in the manifest", manifest_with(manifest__json="0" * 64), f"{LIST}: ", JUST),
    # The same content in other bytes.
    *(
        (f"{name} {what}", with_bytes(name, make), part, UNREAD if (name, is_json) == (RUN, False) else {})
        for name, part in ((RUN, "run.json: "), (PLAN, f"{PLAN}: "))
        for what, is_json, make in (
            ("with a byte order mark", False, lambda data: b"\xef\xbb\xbf" + data),
            ("in UTF-16", False, lambda data: data.decode().encode("utf-16")),
            ("with other line ends", True, lambda data: data.replace(b"\n", b"\r\n")),
            ("with a zero byte at its end", False, lambda data: data + b"\0"),
            ("twice", False, lambda data: data + data),
            ("with a comment", False, lambda data: b"// fine\n" + data),
        )
    ),
    # Transcripts whose lines are all true.
    ("lines exchanged", with_lines(lambda lines: [lines[1], lines[0], *lines[2:]]), f"{ONE}: line 1 does not", {}),
    ("a line twice", with_lines(lambda lines: [lines[0], *lines]), f"{ONE}: line 2 does not follow", {}),
    ("the last line left out", with_lines(lambda lines: lines[:-1]), f"{ONE}: ", {}),
    ("the first line left out", with_lines(lambda lines: lines[1:]), f"{ONE}: line 1 does not follow", {}),
    ("an empty line", with_lines(lambda lines: [lines[0], "\n", *lines[1:]]), f"{ONE}: line 2 is not", {}),
    ("transcripts exchanged", exchanged(ONE, ONE.replace("one", "two")), f"{ONE}: line 1 does not begin", {}),
    ("a stream more", with_bytes(ONE, lambda data: data + gzip.compress(b"{}\n")), f"{ONE}: ", {}),
    ("zeros behind the stream", with_bytes(ONE, lambda data: data + b"\0" * 64), f"{ONE}: ", {}),
    ("packed twice", with_bytes(ONE, gzip.compress), f"{ONE}: ", {}),
    ("packed by somebody else", with_bytes(ONE, lambda data: gzip.compress(gzip.decompress(data), 1)), f"{ONE}: ", {}),
    # Inputs and signatures in the place of others.
    ("inputs exchanged", exchanged("inputs/profiles/1-acme.yaml", PLAN), "inputs/", {}),
    ("signatures exchanged", exchanged(*SIGNED), f"{SIGNED[0]}: ", {"key": "ours", **JUST}),
    ("a signature twice", lambda b: shutil.copy(b / SIGNED[0], b / SIGNED[1]), f"{SIGNED[1]}: ", {"key": "ours", **JUST}),
    ("a signature with a blank more", with_bytes(SIGNED[0], lambda data: data + b" "), SIGNED[0], {"key": "ours", **JUST}),
]  # fmt: skip


def forged(signed, bundle, change, how):
    """Forge a copy of the bundle; return what `aisec verify` is to be given."""
    if change is not None:
        change(bundle)
    if how.get("sealed", True) and (bundle / "run.json").is_file():
        seal(bundle)
    key = [f"--key={signed.keys[how['key']]}"] if "key" in how else []
    return ["verify", str(bundle), f"--timeout={LONGEST}", *key]


def main():
    """Print a line for each forgery: what is forged, exit code, seconds, what it was caught by."""
    from pytest_aisec.cli import main as command

    with tempfile.TemporaryDirectory(prefix="aisec-forgeries-") as directory:
        signed = Signed(Path(directory))
        print(f"{'forgery':44} {'exit':>4} {'s':>6}  caught by")
        for number, (name, change, named, how) in enumerate(FORGERIES):
            copy = Path(shutil.copytree(signed.bundle, Path(directory) / f"copy-{number}"))
            args = forged(signed, copy, change, how)
            said, begun = io.StringIO(), time.monotonic()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                try:
                    command.main(args=args, prog_name="aisec")
                except SystemExit as ended:
                    code = ended.code
            lines = said.getvalue().replace(f"{copy}: ", "").replace(f"{copy}/", "").splitlines()
            found = next((line.strip() for line in lines if named in line), "NOTHING")
            print(f"{name[:44]:44} {code:>4} {time.monotonic() - begun:6.2f}  {found[:110]}", flush=True)
            shutil.rmtree(copy)
        print(f"{len(FORGERIES)} forgeries")


if __name__ == "__main__":
    main()
