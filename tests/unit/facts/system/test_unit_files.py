import json
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import settings as config
from hypothesis import strategies as st

from pytest_aisec.facts.system.unit_files import configured, question, settings
from pytest_aisec.observe.faults import Unobservable


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["none"], "[Coredump]\nStorage=none\n"),
        (["none"], "[Coredump]\n#Storage=external\n;Storage=journal\n  Storage = none  \n"),
        ([], "Storage=none\n[Other]\nStorage=none\n"),
        ([], "[coredump]\nStorage=none\n"),
        (["external", "none"], "[Coredump]\nStorage=external\n[Other]\n[Coredump]\nStorage=none"),
        (["none # never"], "[Coredump]\nStorage=none # never\n"),
        ([], "[Coredump]\nMaxUse=1\\\nStorage=none\n"),
        (["none"], "[Coredump]\n# a\\\nStorage=no\\\n"[:-2] + "ne\n"),
        ([""], "[Coredump]\nStorage=\n"),
        (["none"], "[Coredump]\nStorage=none\n# /etc/systemd/coredump.conf\n[Other\nStorage=external\n"),
        (["none", "external"], "[Coredump]\nStorage=none\n# /etc/systemd/coredump.conf\nStorage=external\n"),
        ([], "[Coredump]\n# a\x0bStorage=none\n"),
    ],
)
def test_a_setting_counts_in_its_section_alone(expected, text):
    assert expected == [value for key, value in settings(text, "Coredump") if key == "Storage"]


FRAGMENTS = (
    *("[Service]", "[Unit]", "[service]", "[Service", "[Service] # x", "[[Service]]", "Service]", "", " \t"),
    *("NoNewPrivileges=yes", "NoNewPrivileges=no", " NoNewPrivileges \t= yes ", "NoNewPrivileges==yes"),
    *("NoNewPrivileges=yes # x", "NoNew\\", "Privileges=yes", "NoNewPrivileges=\\", "yes", "no\\", "=", "\\"),
    *("UMask=1\\", "UMask=1\\\\", "UMask=1\\ ", "# x\\", ";", "# x\x0bNoNewPrivileges=yes", "\x0cUMask=1"),
    *("nonewprivileges=yes", "\xa0NoNewPrivileges=no"),
)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@config(max_examples=40)
@given(lines=st.lists(st.sampled_from(FRAGMENTS), max_size=6), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_sections_and_lines_are_those_of_systemd(tmp_path_factory, lines, end):
    """What follows `NoNewPrivileges=yes` in a drop-in, as `systemd-analyze` takes it."""
    unit = tmp_path_factory.mktemp("unit") / "x.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    text = end.join(["[Service]", "NoNewPrivileges=yes", *lines])
    drop_in = unit.with_name("x.service.d") / "x.conf"
    drop_in.parent.mkdir()
    drop_in.write_bytes(text.encode())
    command = ["systemd-analyze", "security", "--offline=true", "--json=short", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("["):
        pytest.skip("this systemd-analyze judges no file")
    shown = {item["json_field"]: item["set"] for item in json.loads(done.stdout)}
    own = [value for key, value in settings(text, "Service") if key == "NoNewPrivileges"]
    assert shown["NoNewPrivileges"] == ([value for value in own if value in {"yes", "no"}][-1] == "yes")


def shown(*files):
    return "".join(f"\0{path}\n{text}" for path, text in files) + "\0end\n"


def test_drop_ins_are_read_by_their_names_and_after_the_main_file():
    printed = shown(
        ("/etc/systemd/journald.conf", "[Journal]\nStorage=a\n"),
        ("/etc/systemd/journald.conf.d/50-x.conf", "[Journal]\nStorage=c"),
        ("/run/systemd/journald.conf.d/50-x.conf", "[Journal]\nStorage=not this\n"),
        ("/usr/lib/systemd/journald.conf", "[Journal]\nStorage=nor this\n"),
        ("/usr/lib/systemd/journald.conf.d/90-y.conf", "[Journal]\nStorage=d\n"),
        ("/usr/lib/systemd/journald.conf.d/91-z.conf", "Storage=in no section\n"),
        ("/usr/lib/systemd/journald.conf.d/10-v.conf", "[Journal]\nStorage=b\n"),
    )
    assert list("abcd") == [value for _, value in configured(printed, "journald.conf", "Journal")]


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "\0end",
        "x\0end\n",
        shown(("/etc/systemd/other.conf", "")),
        shown(("/etc/systemd/journald.conf.d/a/b.conf", "")),
        shown(("/srv/systemd/journald.conf", "")),
        shown(("/etc/systemd/journald.conf", "[Journal]\0Storage=none\n")),
    ],
)
def test_what_is_not_shown_whole_is_not_read(printed):
    with pytest.raises(Unobservable, match=r"journald\.conf"):
        configured(printed, "journald.conf", "Journal")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_files_are_those_that_systemd_shows():
    """Those of this machine, in the order of `systemd-analyze cat-config`."""
    for name, section in (("journald.conf", "Journal"), ("system.conf", "Manager"), ("logind.conf", "Login")):
        asked = subprocess.run(["/bin/sh", "-c", question(name)], capture_output=True, text=True, check=True)
        real = subprocess.run(
            ["systemd-analyze", "cat-config", f"systemd/{name}"], capture_output=True, text=True, check=True
        )
        texts = real.stdout.split("\n\n# /")
        assert configured(asked.stdout, name, section) == [
            one for text in texts for one in settings(text, section)
        ]
