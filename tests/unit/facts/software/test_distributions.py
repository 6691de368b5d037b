import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.software.distributions import _is_installed as is_installed
from pytest_aisec.facts.software.distributions import read_name, read_packaged
from pytest_aisec.observe.faults import Unobservable


def name(text):
    found = read_name(f"/e/{text}")
    return found and (found.name, found.version)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (("torch", "2.5.1+cu124"), "torch-2.5.1+cu124.dist-info"),
        (("foo-bar", "1.0"), "Foo_Bar-1.0.dist-info"),
        (("ruamel-yaml", "0.17.21"), "ruamel.yaml-0.17.21.dist-info"),
        (("torch", "2.6.0a0+df5bbc09d1.nv25.1"), "torch-2.6.0a0+df5bbc09d1.nv25.1.dist-info"),
        (("foo", "1.0-1"), "foo-1.0_1.dist-info"),
        (None, "foo-bar-1.0.dist-info"),
        (None, "foo.dist-info"),
        (("numpy", "1.24.2"), "numpy-1.24.2.egg-info"),
        (("numpy", "1.24.2"), "numpy-1.24.2-py3.11.egg-info"),
        (("foo-bar", "1.0"), "foo-bar-1.0-py3.11-linux-x86_64.egg-info"),
        (("foo-2-bar", "1.0"), "foo-2-bar-1.0.egg-info"),
        (("foo", "1.4"), "foo-1.4-py3.11.egg"),
        (None, "foo.egg-info"),
    ],
)
def test_names(expected, text):
    assert expected == name(text)


@given(
    st.text(alphabet=st.characters(exclude_characters="/"), max_size=40),
    st.sampled_from(["dist-info", "egg-info", "egg"]),
)
def test_any_name_is_read(text, kind):
    found = read_name(f"/e/{text}.{kind}")
    assert found is None or (found.name is not None and found.version)


@pytest.mark.parametrize(
    ("expected", "path"),
    [
        (True, "/opt/app/lib/python3.11/site-packages/torch-2.1.0.dist-info"),
        (True, "/srv/app/deps/torch-2.1.0.dist-info"),
        (True, "/opt/e/ray/thirdparty_files/aiohttp-3.9.5.dist-info"),
        (True, "/opt/pkgs/my-great-app/lib/python3.11/site-packages/torch-2.1.0.dist-info"),
        (False, "/opt/e/setuptools/_vendor/zipp-3.19.2.dist-info"),
        (
            False,
            "/opt/conda/pkgs/torch-2.1.0-py3.11_cuda12.1_0/lib/python3.11/site-packages/torch-2.1.0.dist-info",
        ),
        (False, "/opt/conda/pkgs/requests-2.31.0-pyhd8ed1ab_0/site-packages/requests-2.31.0.dist-info"),
        (False, "/opt/e/~orch-2.1.0.dist-info"),
        (False, "/opt/e/.egg-info"),
    ],
)
def test_what_counts_as_installed(expected, path):
    assert expected == is_installed(path)


def test_the_files_of_the_package_manager():
    assert {"/usr/lib/python3/dist-packages/a-1.egg-info"} == read_packaged(
        "/usr/lib/python3/dist-packages/a-1.egg-info\nstatus 0\n", ""
    )
    assert frozenset() == read_packaged("status 1\n", "")


@pytest.mark.parametrize(
    ("reason", "stdout", "stderr"),
    [
        ("unreadable", "status 2\n", "grep: /var/lib/dpkg/info/a.list: Permission denied"),
        ("tool_missing", "status 127\n", "sh: 1: grep: not found"),
        ("unreadable", "", ""),
    ],
)
def test_a_package_manager_that_does_not_answer(reason, stdout, stderr):
    with pytest.raises(Unobservable) as caught:
        read_packaged(stdout, stderr)
    assert reason == caught.value.reason
