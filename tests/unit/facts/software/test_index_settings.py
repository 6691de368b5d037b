import json
import os
import random
import subprocess
import sys

import pytest

from pytest_aisec.facts.software.index_settings import PackageSource, read_configuration, read_variable
from pytest_aisec.observe.faults import Unobservable


def found(path, text):
    return [(one.role, one.value) for one in read_configuration(path, text)]


def source(value, role="index"):
    return PackageSource(where="x", role=role, value=value)


def test_pip():
    text = "[global]\nindex_url = https://a/\nextra-index-url =\n    https://b/\n    https://c/\n[install]\ntrusted-host = d\n"
    assert [
        ("index", "https://a/"),
        ("extra", "https://b/"),
        ("extra", "https://c/"),
        ("unverified", "d"),
    ] == found("/etc/pip.conf", text)


@pytest.mark.parametrize("section", ["global", "install", "download", "wheel", ":env:"])
def test_sections_of_pip_count_that_concern_where_packages_come_from(section):
    assert [("index", "https://a/")] == found("/etc/pip.conf", f"[{section}]\nindex-url = https://a/\n")


@pytest.mark.parametrize(
    "section", ["mirror", "search", "install.global", "default", "GLOBAL", "Install", " global"]
)
def test_other_sections_of_pip_do_not_count(section):
    assert [] == found("/etc/pip.conf", f"[{section}]\nindex-url = https://a/\n")


FRAGMENTS = (
    *("[global]", "[install]", "[DEFAULT]", "[mirror]", " [global]", "[global] # x", "[Global]", "[lock", ""),
    *("index-url = https://a/", "index_url: https://b/", "--index-url=https://c/", "INDEX-URL = https://d/"),
    *(
        "  https://e/",
        "# index-url = https://f/",
        "; x",
        "index-url = https://g/ # x",
        "index-url",
        "x = 1\\",
    ),
    "x = 1\rindex-url = https://h/",
)


PIP = """
import json, os, sys
from pip._internal.configuration import Configuration
from pip._internal.exceptions import PipError
for path in sys.argv[1:]:
    os.environ["PIP_CONFIG_FILE"] = path
    read = Configuration(isolated=True)
    try:
        read.load()
        print(json.dumps(dict(read.items())))
    except PipError:
        print("null")
"""


def test_sections_and_lines_are_those_of_pip(tmp_path):
    """Two hundred files of a few lines each, read by the pip of this machine."""
    chance = random.Random(14)
    paths = [tmp_path / f"{number}.conf" for number in range(200)]
    for path in paths:
        path.write_bytes("\n".join(chance.choices(FRAGMENTS, k=chance.randint(1, 6))).encode())
    asked = [f"{sys.base_prefix}/bin/python3", "-c", PIP, *map(str, paths)]
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path, env=home, check=False)
    if "No module named 'pip'" in done.stderr:
        pytest.skip("there is no pip")
    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        read = json.loads(line)
        try:
            own = {value for _, value in found(str(path), path.read_bytes().decode())}
        except Unobservable:
            assert read is None, path.read_bytes()
            continue
        sections = ("global", "install", "download", "wheel", "lock")
        shown = [read.get(f"{section}.index-url", "") for section in sections]
        assert own == {word for value in shown for word in value.split()}, path.read_bytes()


def test_what_stands_in_the_section_of_defaults_holds_in_the_others():
    text = "[DEFAULT]\nindex-url = https://a/\n"
    assert [] == found("/etc/pip.conf", text)
    assert [("index", "https://a/")] == found("/etc/pip.conf", f"{text}[global]\ntimeout = 1\n")


def test_uv():
    text = """
index-strategy = "unsafe-best-match"
extra-index-url = ["https://a/"]
[[index]]
url = "https://b/"
explicit = true
[[index]]
url = "https://c/"
default = true
[[index]]
url = "https://d/"
"""
    assert [
        ("extra", "https://a/"),
        ("strategy", "unsafe-best-match"),
        ("explicit", "https://b/"),
        ("index", "https://c/"),
        ("extra", "https://d/"),
    ] == found("/x/uv.toml", text)


def test_conda():
    assert [("channel", "defaults"), ("unverified", "ssl_verify: false")] == found(
        "/x/.condarc", "channels: [defaults]\nssl_verify: false\n"
    )
    assert [] == found("/x/.condarc", "")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/pip.conf", "index-url = x"),
        ("/x/uv.toml", "["),
        ("/x/uv.toml", '[[index]]\nname = "x"'),
        ("/x/.condarc", "- a\n"),
        ("/x/.condarc", "a: ["),
    ],
)
def test_malformed(path, text):
    with pytest.raises(Unobservable) as caught:
        read_configuration(path, text)
    assert "parse" == caught.value.reason


@pytest.mark.parametrize(
    ("expected", "name", "value"),
    [
        ([("extra", "https://a/"), ("extra", "https://b/")], "PIP_EXTRA_INDEX_URL", "https://a/ https://b/"),
        ([("extra", "https://a/")], "UV_INDEX", "name=https://a/"),
        ([("channel", "x"), ("channel", "y")], "CONDA_CHANNELS", "x,y"),
        ([], "PIP_EXTRA_INDEX_URL", ""),
        ([], "UV_INDEX_PRIVATE_PASSWORD_URL", "x"),
    ],
)
def test_variables(expected, name, value):
    assert expected == [(one.role, one.value) for one in read_variable("x", name, value)]


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (True, "https://pypi.org/simple"),
        (True, "https://PyPI.org./simple"),
        (True, "https://ci:«redacted:url-password:01234567»@pypi.org/simple"),
        (False, "https://pypi.org@evil.example/simple"),
        (False, "https://pypi.org.evil.example/"),
        (False, "https://evil.example/pypi.org/simple"),
        (False, "https://evilpypi.org/"),
    ],
)
def test_hosts(expected, value):
    assert expected == source(value).is_at(["pypi.org"])


def test_paths_of_a_host():
    allowed = ["conda.anaconda.org/conda-forge"]
    assert source("conda-forge", "channel").is_at(allowed)
    assert not source("conda-forge-evil", "channel").is_at(allowed)
    assert not source("https://conda.anaconda.org/conda-forge/../evil", "channel").is_at(allowed)


@pytest.mark.parametrize(
    ("expected", "value"), [(True, "/opt/wheels"), (True, "file:///opt"), (False, "https://a/")]
)
def test_local(expected, value):
    assert expected == source(value).is_local
