import pytest

from pytest_aisec.facts.software.components import Component, read_packages, read_tools
from pytest_aisec.observe.faults import Unobservable

END = "end\n\n\0"


def tools(*parts, packages=()):
    return read_tools("".join(f"{part}\n\0" for part in parts) + END, "", packages)


def versions(found):
    return [(one.name, one.version) for one in found.found]


@pytest.mark.parametrize(
    ("expected", "part"),
    [
        (
            ("ollama", "0.5.7"),
            (
                "tool ollama /usr/local/bin/ollama\nWarning: could not connect to a running Ollama instance\n"
                "Warning: client version is 0.5.7\n"
            ),
        ),
        (("ollama", "0.17.1-rc0"), "tool ollama /usr/bin/ollama\nollama version is 0.17.1-rc0\n"),
        (
            ("llama.cpp", "4589"),
            "tool llama-server /usr/bin/llama-server\nversion: 4589 (eb7cf15a)\nbuilt with cc\n",
        ),
        (
            ("nvidia-container-toolkit", "1.17.8"),
            "tool nvidia-ctk /usr/bin/nvidia-ctk\nNVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80\n",
        ),
        (("dcgm", "3.3.5"), "tool dcgmi /usr/bin/dcgmi\n\ndcgmi  version: 3.3.5\n"),
        (
            ("runc", "1.2.5"),
            "tool runc /usr/bin/runc\nrunc version 1.2.5\ncommit: v1.2.5-0-g59923ef\nspec: 1.2.0\n",
        ),
        (
            ("nvidia-driver", "535.129.03"),
            (
                "file /proc/driver/nvidia/version\nNVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19\n"
                "GCC version:  gcc version 12.2.0\n"
            ),
        ),
        (
            ("nvidia-driver", "570.86.15"),
            (
                "file /proc/driver/nvidia/version\nNVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  "
                "Release Build\n"
            ),
        ),
        (("triton", "25.07"), "file /opt/tritonserver/TRITON_VERSION\n25.07\n"),
        (("triton", ""), "file /opt/tritonserver/TRITON_VERSION\n2.59.0\n"),
        (("triton", "25.07-rc1"), "file /opt/tritonserver/TRITON_VERSION\n25.07-rc1\n"),
        (("dcgm", "4.5.3-rc1"), "tool dcgmi /usr/bin/dcgmi\n\ndcgmi  version: 4.5.3-rc1\n"),
        (("llama.cpp", "8146-dirty"), "tool llama-server /x\nversion: 8146-dirty (eb7cf15a)\n"),
        (("llama.cpp", ""), "tool llama-server /x\nversion: 0 (unknown)\n"),
        (("trivy", ""), "alone trivy /usr/local/bin/trivy\n"),
        (("llama.cpp", ""), "process llama-server /proc/4711/comm\n"),
    ],
)
def test_versions(expected, part):
    assert [expected] == versions(tools(part))


def test_a_program_that_names_no_version_is_a_fault():
    found = tools("tool ollama /usr/bin/ollama\nError: $HOME is not defined\n")
    assert ((), ["parse"]) == (found.found, [fault.reason for fault in found.faults])


def test_hidden_processes_are_a_fault():
    assert ["privilege"] == [fault.reason for fault in tools("hidden\n").faults]


def test_a_process_of_a_known_program_adds_nothing():
    found = tools("tool ollama /usr/bin/ollama\nollama version is 0.18.0\n", "process ollama /proc/7/comm\n")
    assert [("ollama", "0.18.0")] == versions(found)


@pytest.mark.parametrize(
    ("stdout", "stderr"), [("", ""), ("tool runc /x\n", ""), (END, "sh: 1: head: not found")]
)
def test_an_answer_that_is_not_whole(stdout, stderr):
    with pytest.raises(Unobservable):
        read_tools(stdout, stderr, ())


def test_packages():
    found = read_packages(
        "installed nvidia-container-toolkit 1.17.4-1\ninstalled runc 1.1.5+ds1-1+deb12u1\n"
        "installed datacenter-gpu-manager 1:3.3.9\nstatus 0\n",
        "",
    )
    assert [
        ("nvidia-container-toolkit", "1.17.4", False),
        ("runc", "1.1.5+ds1", True),
        ("dcgm", "3.3.9", False),
    ] == [(one.name, one.version, one.is_packaged) for one in found]


@pytest.mark.parametrize(
    ("expected", "version"),
    [
        ("1.19.1~rc.1", "1.19.1~rc.1-1"),
        ("1.19.1", "1:1.19.1-1~bpo12+1"),
        ("1.19.1", "1.19.1-0ubuntu1~22.04.1"),
        ("1.19.1-0.1.rc1.el9", "1.19.1-0.1.rc1.el9"),
        ("1.19.1-0.git20260101.fc43", "1.19.1-0.git20260101.fc43"),
        ("1.19.1-0.3.20260101.fc43", "1.19.1-0.3.20260101.fc43"),
        ("1.19.1", "1.19.1-0.1"),
    ],
)
def test_a_revision_counts_where_it_says_that_the_release_is_not_out(expected, version):
    (found,) = read_packages(f"installed nvidia-container-toolkit {version}\nstatus 0\n", "")
    assert expected == found.version


@pytest.mark.parametrize(
    ("expected", "path", "version"),
    [
        (True, "/usr/sbin/runc", "1.1.5+ds1"),
        (False, "/usr/local/sbin/runc", "1.1.5+ds1"),
        (False, "/usr/sbin/runc", "1.2.5"),
    ],
)
def test_the_program_of_a_package_of_the_system(expected, path, version):
    packages = (Component(name="runc", version="1.1.5+ds1", where="package", is_packaged=True),)
    assert (
        expected
        == tools(f"tool runc {path}\nrunc version {version}\n", packages=packages).found[-1].is_packaged
    )


@pytest.mark.parametrize("stdout", ["", "status 1\n", "status 127\n"])
def test_a_package_manager_that_does_not_answer(stdout):
    with pytest.raises(Unobservable):
        read_packages(stdout, "dpkg-query: error")
