import os
from types import SimpleNamespace

import pytest

from pytest_aisec.facts.software.project_formats import ProjectFile, read_project_file
from pytest_aisec.facts.software.projects import Projects
from pytest_aisec.facts.system.rights import Rights
from pytest_aisec.facts.system.texts import read_files, read_texts
from pytest_aisec.observe.backend import Pending
from pytest_aisec.observe.faults import Unobservable


def named(name, text):
    return {one.name: one.is_exact for one in read_project_file(f"/p/{name}", text).named}


def group(*files):
    files = [read_project_file(path, text) for path, text in files]
    return Projects(files=tuple(files), included={file.path: file for file in files}, absent=(), faults=())


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ({"torch": True}, "torch==2.4.1"),
        ({"torch": True}, "Torch[extra] === 2.4.1 ; python_version > '3.9'  # why"),
        ({"torch": True}, "torch==2.4.1 --hash=sha256:aa \\\n    --hash=sha256:bb"),
        ({"torch": False}, "torch==2.4.*"),
        ({"torch": False}, "torch>=2"),
        ({"torch": False}, "torch"),
        ({"torch": True}, "torch @ https://example.com/torch-2.4.1-cp311-none-linux_x86_64.whl"),
        ({"torch": False}, "torch @ git+https://example.com/torch.git@main"),
        ({"torch": True}, "torch @ git+https://example.com/t.git@" + "a" * 40),
        ({"torch": False}, "-e git+https://example.com/t.git#egg=torch"),
        ({"torch": True}, "./wheels/torch-2.4.1-cp311-none-linux_x86_64.whl"),
        ({}, "-e ."),
        ({}, "./lib"),
        ({}, "# torch"),
        ({}, "--pre --no-binary :all:"),
    ],
)
def test_requirement_lines(expected, line):
    assert expected == named("requirements.txt", line + "\n")


def test_options_and_includes():
    file = read_project_file(
        "/p/requirements.txt",
        "-r deps/a.txt\n--constraint=../c.txt\n-ihttps://i/\n--extra-index-url https://e/\n",
    )
    assert ("/p/deps/a.txt",) == file.includes
    assert ("/c.txt",) == file.constraints
    assert [("index-url", "https://i/"), ("extra-index-url", "https://e/")] == [
        (one.name, one.value) for one in file.options[2:]
    ]


def test_pyproject():
    text = """
[project]
name = "App_One"
dependencies = ["torch>=2"]
[project.optional-dependencies]
gpu = ["vllm==0.6.1"]
[dependency-groups]
dev = ["datasets", {include-group = "x"}]
[tool.poetry.dependencies]
jax = "0.4.1"
accelerate = {version = "^1"}
safetensors = [{version = "==0.4.1"}]
"""
    assert {
        "torch": False,
        "vllm": True,
        "datasets": False,
        "jax": True,
        "accelerate": False,
        "safetensors": True,
    } == named("pyproject.toml", text)
    assert "app-one" == read_project_file("/p/pyproject.toml", text).project_name


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ({"torch": False}, "pytorch"),
        ({"torch": False}, "pytorch=2.4"),
        ({"torch": True}, "conda-forge::pytorch=2.4.1"),
        ({"torch": True}, "pytorch==2.4"),
        ({"torch": True}, "pytorch=2.4.1=py311_cuda"),
        ({"torch": False}, "pytorch>=2.4.1"),
        ({"torch": False}, "pytorch=2.4.*"),
    ],
)
def test_conda(expected, line):
    assert expected == named("environment.yml", f"dependencies:\n  - {line}\n")


def test_conda_with_pip():
    assert {"python": False, "torch": True} == named(
        "environment.yml", "dependencies:\n- python=3.11\n- pip:\n  - torch==2.4.1\n"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", '[[package]]\nname = "Torch"\nversion = "2"\n'),
        ("poetry.lock", '[[package]]\nname = "torch"\nversion = "2"\n'),
        ("pylock.toml", '[[packages]]\nname = "torch"\nversion = "2"\n'),
        ("Pipfile.lock", '{"_meta": {}, "default": {"torch": {"version": "==2"}, "x": {"version": "*"}}}'),
        ("conda-lock.yml", "package:\n- {name: pytorch, version: '2'}\n"),
    ],
)
def test_locks(name, text):
    file = read_project_file(f"/p/{name}", text)
    assert ("lock", frozenset({"torch"})) == (file.kind, file.locked)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[project"),
        ("pyproject.toml", '[project]\ndependencies = ["torch >"]'),
        ("uv.lock", '[[package]]\nversion = "1"'),
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", "[]"),
        ("environment.yml", "a: [\n"),
        ("conda-lock.yml", "- 1\n"),
        ("requirements.txt", "torch = = 2\n"),
        ("requirements.txt", "t\x01o\x01r\x01"),
        ("requirements.txt", "-q 'x\n"),
    ],
)
def test_malformed_files(name, text):
    with pytest.raises(Unobservable) as caught:
        read_project_file(f"/p/{name}", text)
    assert "parse" == caught.value.reason


def test_another_yaml_file_named_environment():
    assert {} == named("environments.yaml", "- dev\n- prod\n")


def test_constraints_make_exact():
    seen = group(
        ("/p/requirements.txt", "-c constraints.txt\ntorch\n"), ("/p/constraints.txt", "torch==2.4.1\n")
    )
    assert [("torch", True)] == [(one.name, one.is_exact) for one in seen.wanted(seen.files[0])]


def test_includes_in_a_circle_end():
    seen = group(
        ("/p/requirements.txt", "-r requirements-a.txt\ntorch\n"),
        ("/p/requirements-a.txt", "-r requirements.txt\n"),
    )
    assert ["torch"] == [one.name for one in seen.wanted(seen.files[1])]


def test_a_lock_of_another_project_does_not_count():
    lock = '[[package]]\nname = "torch"\nversion = "2"\n[[package]]\nname = "member"\nversion = "1"\n'
    seen = group(
        ("/w/uv.lock", lock),
        ("/w/a/pyproject.toml", '[project]\nname = "member"\n'),
        ("/w/b/pyproject.toml", '[project]\nname = "stranger"\n'),
        ("/wider/pyproject.toml", '[project]\nname = "member"\n'),
    )
    assert [True, False, False] == ["torch" in seen.resolved(file) for file in seen.files[1:]]


def test_requirements_directory_belongs_to_the_project_above():
    assert "/p" == ProjectFile(path="/p/requirements/dev.txt", kind="requirements").directory


class TestTexts:
    def test_each_file(self):
        found = read_texts(
            ["/a", "/b"], "x\n\n==0\n\0stat: '/b': Permission denied\n=given: Permission denied\n=1\n\0"
        )
        assert "x\n" == found["/a"]
        assert "privilege" == found["/b"].reason

    def test_absent_is_not_empty(self):
        found = read_texts(["/a"], "\n=stat: cannot statx '/a': No such file or directory\n=1\n\0")
        assert "unreadable" == found["/a"].reason

    def test_no_text_is_taken_for_how_reading_it_ended(self):
        found = read_texts(["/a", "/b"], "x\n==0\n==0\n\0y\n==0\n=given: Permission denied\n=1\n\0")
        assert ("x\n==0", "privilege") == (found["/a"], found["/b"].reason)

    def test_a_missing_tool(self):
        assert "tool_missing" == read_texts(["/a"], "\n=given: 1: head: not found\n=127\n\0")["/a"].reason

    def test_no_answer(self):
        with pytest.raises(Unobservable) as caught:
            read_texts(["/a", "/b"], "«redacted:private-key:01234567»\n==0\n\0")
        assert "parse" == caught.value.reason

    @pytest.mark.skipif(os.geteuid() != 0, reason="root reads with the rights of others")
    def test_root_reads_what_a_file_or_a_process_names_as_far_as_that_account_could(self, local, tmp_path):
        top = tmp_path
        while top.parent != top.parent.parent:
            top.chmod(0o755)
            top = top.parent
        files = [tmp_path / name for name in ("secret", "plain", "of-alice", "link")]
        secret, plain, of_alice, link = map(str, files)
        for path in files[:3]:
            path.write_text(path.name, encoding="ascii")
        files[3].symlink_to("secret")
        files[0].chmod(0o600)
        for path in files[2:]:
            os.chown(path, 61000, 61000, follow_symlinks=False)
        sizes = dict.fromkeys((secret, plain, of_alice, link), 0)

        def read(by):
            named = dict.fromkeys(sizes, by) if by else {}
            return [
                one if isinstance(one, str) else one.reason
                for one in read_files(local, sizes, named_by=named).values()
            ]

        assert ["privilege", "of-alice", "plain", "secret"] == read("") == read(plain)
        assert (
            ["privilege", "of-alice", "plain", "privilege"]
            == read(of_alice)
            == read(Rights(uid=61000, gid=61000))
            == read(str(tmp_path / "gone"))
        )


class Asked:
    """A host that answers every question once it has been asked it."""

    def __init__(self):
        self.known = set()
        self.waves = 0

    def run(self, command, *pairs):
        paths = pairs[1::2]
        if paths not in self.known:
            self.known.add(paths)
            raise Pending
        return SimpleNamespace(rc=0, stdout="torch\n==0\n\0" * len(paths) + "\nend 0\n", stderr="")

    def whole(self, sizes):
        while True:
            try:
                return read_files(self, sizes)
            except Pending:
                self.waves += 1


def test_all_portions_of_many_files_are_asked_at_once():
    host = Asked()
    read = host.whole({f"/srv/{number:04}.txt": 9 for number in range(1000)})
    assert (1, 1000, {"torch"}) == (host.waves, len(read), set(read.values()))


@pytest.mark.parametrize(("count", "size"), [(60_000, 0), (100, 4_000_000)])
def test_what_is_too_much_is_not_read_and_no_verdict_rests_on_the_rest(count, size):
    host = Asked()
    read = host.whole({f"/srv/{number:05}.txt": size for number in range(count)})
    left_out = [answer for answer in read.values() if isinstance(answer, Unobservable)]
    assert count == len(read)
    assert {"truncated"} == {answer.reason for answer in left_out}
    assert 0 < count - len(left_out) <= 5000
    assert sum(map(len, host.known)) == count - len(left_out)
