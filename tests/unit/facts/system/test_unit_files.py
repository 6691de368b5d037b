import pytest

from pytest_aisec.facts.system.unit_files import settings

FIRST, SECOND = "# /etc/systemd/coredump.conf\n", "\n# /etc/systemd/coredump.conf.d/x.conf\n"


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["none"], f"{FIRST}[Coredump]\nStorage=none\n"),
        (["none"], f"{FIRST}[Coredump]\n#Storage=external\n;Storage=journal\n  Storage = none  \n"),
        ([], f"{FIRST}Storage=none\n[Other]\nStorage=none\n"),
        ([], f"{FIRST}[coredump]\nStorage=none\n"),
        ([], f"{FIRST}[Coredump]\n#Storage=external\n{SECOND}Storage=none\n"),
        (["external", "none"], f"{FIRST}[Coredump]\nStorage=external\n{SECOND}[Coredump]\nStorage=none"),
        (["none # never"], f"{FIRST}[Coredump]\nStorage=none # never\n"),
        ([], f"{FIRST}[Coredump]\nMaxUse=1\\\nStorage=none\n"),
        (["none"], f"{FIRST}[Coredump]\n# a\\\nStorage=no\\\n"[:-2] + "ne\n"),
        ([""], f"{FIRST}[Coredump]\nStorage=\n"),
    ],
)
def test_a_setting_counts_in_its_section_alone(expected, text):
    assert expected == [value for key, value in settings(text, "Coredump") if key == "Storage"]
