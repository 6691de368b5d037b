import pytest

from pytest_aisec.facts.artifacts.remote_code import is_on, model_process, read_mentions
from pytest_aisec.facts.system.processes import Process


@pytest.mark.parametrize(
    "line",
    [
        "trust_remote_code: true",
        "trust-remote-code: yes",
        '"trust_remote_code": true,',
        "  trust_remote_code=True)",
        "trust_remote_code = 1",
        'TRUST_REMOTE_CODE="true"',
        "    --trust-remote-code \\",
        "ExecStart=/usr/bin/vllm serve m --trust-remote-code --port 80",
        'command: ["serve", "m", "--trust-remote-code", "--port", "80"]',
        'args: ["--trust-remote-code"]',
        "  - --trust-remote-code",
        "- --trust-remote-code=true",
        "--trust_remote_code True",
        "def load(name, trust_remote_code: bool = True):",
        "trust_remote_code=os.environ.get('X')",
        "trust_remote_code: ${TRUST}",
        "trust_remote_code=False, x=1 # and trust_remote_code=True",
        "--no-trust-remote-code --trust-remote-code",
        'model.kwargs["trust_remote_code"] = True',
        "pretrained=org/m,trust_remote_code=True,dtype=auto",
    ],
)
def test_on(line):
    assert is_on(line)


@pytest.mark.parametrize(
    "line",
    [
        "trust_remote_code: false",
        '"trust_remote_code": false,',
        "trust_remote_code=False)",
        "TRUST_REMOTE_CODE=0",
        "--no-trust-remote-code",
        "--trust-remote-code=false",
        "--trust-remote-code false --port 80",
        '["--trust-remote-code", "false"]',
        "# trust_remote_code: true",
        'parser.add_argument("--trust-remote-code", action="store_true")',
        "def load(name, trust_remote_code: bool = False):",
        "def load(name, trust_remote_code: bool | None = None):",
        "    trust_remote_code: bool",
        "if trust_remote_code:",
        "if not trust_remote_code and local:",
        "trust_remote_code=trust_remote_code,",
        "if args.trust_remote_code == True",
    ],
)
def test_off(line):
    assert not is_on(line)


def process(*arguments, name="python3"):
    return Process(pid=7, name=name, arguments=arguments, core_limit="0")


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        (True, ["vllm", "serve", "m", "--trust-remote-code"]),
        (True, ["vllm", "serve", "m", "--trust-remote-code", "--port", "80"]),
        (True, ["vllm", "serve", "m", "--trust_remote_code", "true"]),
        (True, ["vllm", "serve", "m", "--trust-re"]),
        (True, ["vllm", "serve", "m", "--trust=1"]),
        (True, ["vllm", "serve", "m", "--no-trust-remote-code", "--trust-remote-code"]),
        (True, ["lm_eval", "--model_args", "pretrained=m,trust_remote_code=True"]),
        (True, ["sh", "-c", "exec vllm serve m --trust-remote-code"]),
        (True, ["python3", "train.py", "trust_remote_code=true"]),
        (False, ["vllm", "serve", "m"]),
        (False, ["vllm", "serve", "m", "--trust-remote-code=false"]),
        (False, ["vllm", "serve", "m", "--trust-remote-code", "False"]),
        (False, ["vllm", "serve", "m", "--trust-remote-code", "--no-trust-remote-code"]),
        (False, ["vllm", "serve", "m", "--trusted-proxies", "x"]),
    ],
)
def test_arguments(expected, arguments):
    assert expected == model_process(process(*arguments), ()).is_enabled


@pytest.mark.parametrize(("expected", "value"), [(True, "true"), (True, "1"), (False, "false"), (False, "")])
def test_environment(expected, value):
    assert expected == model_process(process("python3", "x.py"), [value]).is_enabled


def test_nothing_to_do_with_models():
    assert model_process(process("/usr/sbin/cron", "-f", name="cron"), ()) is None
    assert model_process(process(name="kworker/0:1"), ()) is None


def test_model_and_revision():
    found = model_process(process("vllm", "serve", "org/m", "--revision=abc", "--code-revision", "def"), ())
    assert ("org/m", "abc", "def") == (found.model, found.revision, found.code_revision)
    found = model_process(process("python3", "-m", "sglang.launch_server", "--model-path", "org/m"), ())
    assert ("org/m", "") == (found.model, found.revision)


def test_mentions():
    (found,) = read_mentions("/etc/a b:c\x0012:trust_remote_code: true\n")
    assert ("/etc/a b:c", 12, True) == (found.path, found.line, found.is_enabled)


def test_mentions_that_cannot_be_read(reason):
    assert "parse" == reason(lambda: list(read_mentions("Binary file x matches\n")))
