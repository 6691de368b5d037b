import json

import pytest

from pytest_aisec.facts.software.locks import locked
from pytest_aisec.facts.software.project_formats import read_project_file
from pytest_aisec.observe.faults import Unobservable

SHA = "ef503165f2341942bfdf2bd520152f19540d0c0e34961232f134dc59ad435be8"


def read(name, text):
    return [
        (one.name, one.version, bool(one.unhashed), one.is_own)
        for one in locked(read_project_file(f"/p/{name}", text))
    ]


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        (("torch", "2.4.1", False, False), f"torch==2.4.1 --hash=sha256:{SHA}"),
        (
            ("torch", "2.4.1", False, False),
            f"torch==2.4.1 \\\n    --hash=sha256:{SHA.upper()} \\\n  --hash=md5:aa",
        ),
        (("torch", "2.4.1", True, False), "torch==2.4.1 --hash=sha256:aaaa"),
        (("torch", "2.4.1", True, False), f"torch==2.4.1 --hash=sha256:{SHA}0"),
        (("torch", "2.4.1", False, False), f"torch==2.4.1 --hash=sha512:{SHA}{SHA}"),
        (("torch", "2.4.1", False, False), f"torch==2.4.1 --hash sha384:{SHA}{SHA[:32]}"),
        (("torch", "2.4.1", False, False), f"https://e.com/torch-2.4.1.tar.gz#sha512={SHA}{SHA}"),
        (("torch", "2.4.1", True, False), f"torch==2.4.1 --hash=sha512:{SHA}"),
        (("torch", "2.4.1", True, False), f"torch==2.4.1 --hash=sha1:{SHA[:40]}"),
        (("torch", "2.4.1", True, False), f"torch==2.4.1 --hash=sha256:{SHA}{SHA}"),
        (("torch", "2.4.1", True, False), f"torch==2.4.1  # --hash=sha256:{SHA}"),
        (
            ("torch", "2.4.1", False, False),
            f"torch @ https://e.com/torch-2.4.1-py3-none-any.whl#sha256={SHA}",
        ),
        (("torch", "2.4.1+cu121", True, False), "https://e.com/torch-2.4.1%2Bcu121-py3-none-any.whl"),
        (("torch", "", True, False), "torch @ git+https://e.com/torch@" + "a" * 40),
    ],
)
def test_requirements(expected, line):
    assert [expected] == read("requirements.txt", line + "\n")


@pytest.mark.parametrize("line", ["torch>=2", "torch", "-r other.txt"])
def test_open_requirements_are_no_lock(line):
    with pytest.raises(Unobservable) as caught:
        read("requirements.txt", line + "\n")
    assert "parse" == caught.value.reason


def test_uv():
    text = f"""
version = 1
[[package]]
name = "app"
version = "1.0"
source = {{ virtual = "." }}
[[package]]
name = "torch"
version = "2.4.1"
source = {{ registry = "https://pypi.org/simple" }}
sdist = {{ url = "https://e.com/torch-2.4.1.tar.gz", hash = "sha256:{SHA}", size = 1 }}
wheels = [{{ url = "https://e.com/torch-2.4.1-py3-none-any.whl" }}]
[[package]]
name = "trl"
version = "0.9"
source = {{ git = "https://e.com/trl#0123" }}
"""
    assert [
        ("app", "1.0", False, True),
        ("torch", "2.4.1", True, False),
        ("trl", "0.9", True, False),
    ] == read("uv.lock", text)


def test_poetry_before_and_since_its_second_format():
    package = '[[package]]\nname = "Torch"\nversion = "2.4.1"\n'
    since = package + f'files = [{{file = "torch-2.4.1.whl", hash = "sha256:{SHA}"}}]\n'
    before = package + f'[metadata.files]\nTorch = [{{file = "torch-2.4.1.whl", hash = "sha256:{SHA}"}}]\n'
    assert [("torch", "2.4.1", False, False)] == read("poetry.lock", since) == read("poetry.lock", before)
    assert [("torch", "2.4.1", True, False)] == read("poetry.lock", package)


def test_pipfile_and_conda():
    lock = {
        "_meta": {},
        "default": {"torch": {"version": "==2.4.1", "hashes": [f"sha256:{SHA}"]}, "x": {"version": "==1"}},
    }
    assert [("torch", "2.4.1", False, False), ("x", "1", True, False)] == read(
        "Pipfile.lock", json.dumps(lock)
    )
    conda = f"package:\n- {{name: torch, version: 2.4.1, url: u, hash: {{md5: a, sha256: {SHA}}}}}\n- {{name: x, version: '1', hash: {{md5: a}}}}\n"
    assert [("torch", "2.4.1", False, False), ("x", "1", True, False)] == read("conda-lock.yml", conda)


def test_pylock():
    text = f"""
lock-version = "1.0"
[[packages]]
name = "torch"
version = "2.4.1"
wheels = [{{name = "a.whl", url = "u", hashes = {{sha256 = "{SHA}"}}}}]
[[packages]]
name = "mine"
directory = {{path = "."}}
"""
    assert [("torch", "2.4.1", False, False), ("mine", "", False, True)] == read("pylock.toml", text)


@pytest.mark.parametrize("text", ["package = 3\n", '[[package]]\nversion = "1"\n', "[package]\nx = 1\n"])
def test_what_is_no_lock_file_is_a_fault(text):
    with pytest.raises(Unobservable) as caught:
        read("uv.lock", text)
    assert "parse" == caught.value.reason
