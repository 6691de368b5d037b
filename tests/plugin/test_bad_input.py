import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def private(monkeypatch, tmp_path_factory):
    """Where runs keep what they need only while they run: it must be empty in the end."""
    directory = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(directory))
    yield directory
    assert [] == sorted(directory.iterdir())


@pytest.fixture
def refused(audit, pytester, pack):
    """Run with something wrong and return the one message; nothing may have been written or asked."""

    def run(*args, code=4, **given):
        before = sorted(pytester.path.rglob("*"))
        ended = audit(*args, **given)
        assert ended.code == code, ended.text
        assert "Traceback" not in ended.text
        assert "INTERNALERROR" not in ended.text
        assert "test session starts" not in ended.text
        assert not ended.bundle.exists()
        assert before == sorted(pytester.path.rglob("*"))
        assert not (pack.path / "asked").exists()
        return ended.problem

    return run


@pytest.fixture(autouse=True)
def _control(pack):
    pack.control(
        "01",
        f'host.run("touch {pack.path}/asked")',
        params='words: list[str] = ["a"], mode: Mode = "0700", limit: int = 3',
        extra='nist_800_53=["AC-3"],',
    )


PROFILES = {
    "unknown control": ("controls: {ACME-TST-02: {}}", ["acme.yaml:4", "ACME-TST-02", "ACME-TST-01"]),
    "selector without match": ("controls: {ACME-XYZ-*: {}}", ["acme.yaml:4", "ACME-XYZ-*"]),
    "unknown key": ("controls: {ACME-TST-01: {}}\nextend: [x]", ["acme.yaml:5", "'extend'", "extends"]),
    "unknown key within": ("controls: {ACME-TST-01: {param: {}}}", ["acme.yaml:4", "param", "params"]),
    "unknown parameter": (
        "controls:\n  ACME-TST-01: {params: {word: [a]}}",
        ["acme.yaml:5", "'word'", "words"],
    ),
    "unknown common parameter": (
        "controls: {ACME-TST-*: {}}\nparams: {word: [a]}",
        ["acme.yaml:5", "'word'", "words"],
    ),
    "wrong type": ("controls: {ACME-TST-01: {params: {words: 3}}}", ["acme.yaml:4", "words", "list"]),
    "wrong type in common": (
        "controls: {ACME-TST-*: {}}\nparams: {limit: many}",
        ["acme.yaml:5", "limit", "many"],
    ),
    "unquoted mode": (
        "controls: {ACME-TST-01: {params: {mode: 0700}}}",
        ["acme.yaml:4", "mode", "448", '"0700"'],
    ),
    "duplicate key": (
        "controls:\n  ACME-TST-01: {}\n  ACME-TST-01: {}",
        ["acme.yaml:6", "duplicate", "ACME-TST-01", "5"],
    ),
    "duplicate parameter": (
        "controls: {ACME-TST-01: {params: {limit: 1, limit: 2}}}",
        ["acme.yaml:4", "duplicate", "limit"],
    ),
    "exclude without a reason": (
        "controls: {ACME-TST-*: {}}\nexclude: {ACME-TST-01: }",
        ["acme.yaml:5", "ACME-TST-01"],
    ),
    "blank reason": (
        "controls: {ACME-TST-*: {}}\nexclude: {ACME-TST-01: ' '}",
        ["acme.yaml:5", "ACME-TST-01"],
    ),
    "selected and excluded": (
        "controls: {ACME-TST-01: {}}\nexclude: {ACME-TST-01: why}",
        ["acme.yaml:5", "ACME-TST-01"],
    ),
    "unknown severity": (
        "controls: {ACME-TST-01: {severity: urgent}}",
        ["acme.yaml:4", "severity", "urgent", "critical"],
    ),
    "unknown gate": (
        "controls: {ACME-TST-01: {}}\ngate: {fail_on: never}",
        ["acme.yaml:5", "fail_on", "never"],
    ),
    "gate that cannot fail": (
        "controls: {ACME-TST-01: {}}\ngate: {fail_on: critical}",
        ["acme.yaml:5", "can never fail", "critical", "1 high"],
    ),
    "gate that must fail": (
        "controls: {ACME-TST-01: {}}\ngate: {required: [ACME-TST-07]}",
        ["acme.yaml:5", "required", "ACME-TST-07", "ACME-TST-01"],
    ),
    "unknown parent": ("extends: [linux-bas]", ["acme.yaml:4", "linux-bas", "linux-base"]),
    "circle": ("extends: [acme]", ["acme.yaml:4", "circle"]),
    "no mapping": ("controls: [ACME-TST-01]", ["acme.yaml:4", "controls"]),
    "broken YAML": ("controls: {", ["acme.yaml:", "not valid YAML"]),
    "tab": ("controls:\n\tACME-TST-01: {}", ["acme.yaml:5", "not valid YAML"]),
    "tag": ("controls: !!python/object/apply:os.system ['touch asked']", ["acme.yaml", "not valid YAML"]),
    "recursive alias": ("controls: &a {ACME-TST-01: {params: *a}}", ["acme.yaml:4"]),
    "number as a key": ("controls: {1: {}}", ["acme.yaml:4", "1"]),
    "null bytes": ("title2: '\0'", ["acme.yaml", "not valid YAML"]),
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_wrong_profile_is_refused_with_its_line_and_the_right_value(refused, pack, name):
    text, parts = PROFILES[name]
    pack.profile(text)
    message = refused()
    assert [] == [part for part in parts if part not in message], message
    assert message.startswith("ERROR: ")
    assert message.count("\n") <= 2


OPTIONS = {
    "unknown parameter": (["--aisec-param=word=a"], ["--aisec-param", "'word'", "words"]),
    "unknown parameter of a control": (
        ["--aisec-param=ACME-TST-01.word=a"],
        ["--aisec-param", "'word'", "words"],
    ),
    "parameter of an unknown control": (
        ["--aisec-param=ACME-TST-09.words=a"],
        ["ACME-TST-09", "ACME-TST-01"],
    ),
    "parameter without a value": (["--aisec-param=words"], ["--aisec-param", "words", "="]),
    "parameter of a wrong type": (["--aisec-param=limit=many"], ["--aisec-param", "limit", "many"]),
    "unquoted mode is one on the command line, too": (["--aisec-param=mode=7x"], ["mode", "7x"]),
    "unknown family": (["--aisec-select=NOPE"], ["--aisec-select", "NOPE", "ACME-TST-01"]),
    "unknown framework": (["--aisec-select=nist_800_5:AC-3"], ["nist_800_5", "nist_800_53"]),
    "unknown framework id": (["--aisec-select=nist_800_53:AC-33"], ["AC-33", "AC-3"]),
    "severity that nothing has": (["--aisec-select=low"], ["--aisec-select", "low"]),
    "empty selection": (["--aisec-select="], ["--aisec-select"]),
    "no such path": (["--aisec-path=/nowhere/at/all"], ["--aisec-path", "/nowhere/at/all"]),
    "path without content": (["--aisec-path=/proc/self/fd"], ["--aisec-path", "controls"]),
    "no time": (["--aisec-timeout=0"], ["--aisec-timeout"]),
    "negative time": (["--aisec-connect-timeout=-1"], ["--aisec-connect-timeout"]),
    "time that is none": (["--aisec-timeout=nan"], ["--aisec-timeout"]),
    "endless time": (["--aisec-timeout=inf"], ["--aisec-timeout"]),
    "unknown connection": (["--hosts=shh://gpu-1"], ["shh", "ssh"]),
    "no host": (["--hosts=ssh://"], ["ssh://"]),
    "empty host": (["--hosts=ssh://a,,ssh://b"], ["empty"]),
    "no hosts": (["--hosts="], ["--hosts"]),
    "option as a host": (["--hosts=ssh://-oProxyCommand=touch"], ["not a host"]),
    "option as a user": (["--hosts=ssh://-oProxyCommand=touch@gpu-1"], ["not a host"]),
    "host with a command": (["--hosts=ssh://a;touch asked"], ["not a host"]),
    "port that is none": (["--hosts=ssh://gpu-1:ssh"], ["'ssh'", "port"]),
    "port out of range": (["--hosts=ssh://gpu-1:99999"], ["99999", "port"]),
    "unclosed bracket": (["--hosts=ssh://[::1"], ["--hosts"]),
    "no address in brackets": (["--hosts=ssh://[x]"], ["--hosts"]),
    "password": (["--hosts=ssh://root:s3cr3t-word@gpu-1"], ["password"]),
    "unknown keyword": (["--hosts=ssh://gpu-1?sudoo=True"], ["sudoo"]),
    "keyword of a wrong type": (["--hosts=ssh://gpu-1?timeout=soon"], ["timeout"]),
    "docker without a name": (["--hosts=docker://"], ["docker://"]),
    "no inventory": (["--hosts=ansible://all", "--ansible-inventory=/nowhere/hosts"], ["/nowhere/hosts"]),
    "no ssh configuration": (["--hosts=ssh://a", "--ssh-config=/nowhere/config"], ["/nowhere/config"]),
    "no ssh key": (["--hosts=ssh://a", "--ssh-identity-file=/nowhere/key"], ["/nowhere/key"]),
    "no chroot": (["--hosts=chroot:///nowhere/root"], ["/nowhere/root"]),
    "no gate": (["--aisec-gate=/nowhere/gate.yaml"], ["/nowhere/gate.yaml", "cannot be read"]),
    "unknown severity to fail on": (["--aisec-fail-on=hihg"], ["--aisec-fail-on hihg", "high"]),
    "no score": (["--aisec-min-score=90"], ["--aisec-min-score 90", "less than or equal to 1"]),
    "unknown meaning of errors": (["--aisec-error-is=ok"], ["--aisec-error-is ok", "inconclusive"]),
    "no baseline": (["--aisec-baseline=/nowhere/at/all"], ["--aisec-baseline", "/nowhere/at/all"]),
    "baseline that is none": (["--aisec-baseline=/dev/null"], ["--aisec-baseline", "/dev/null"]),
    "gate without a baseline": (["--aisec-fail-on=regression"], ["--aisec-fail-on", "--aisec-baseline"]),
    "gate that cannot fail": (["--aisec-fail-on=critical"], ["can never fail", "planned results: 1 high"]),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_option_is_refused_with_what_is_wrong_and_what_is_right(refused, name):
    args, parts = OPTIONS[name]
    message = refused(*args)
    assert [] == [part for part in parts if part not in message], message
    assert "s3cr3t-word" not in message
    assert message.count("\n") <= 2


@pytest.mark.parametrize(
    ("profile", "parts"),
    [
        ("acm", ["'acm'", "acme"]),
        ("nowhere.yaml", ["nowhere.yaml", "no profile file"]),
        ("./acme", ["acme", "no profile file"]),
        ("/", ["'/'"]),
    ],
)
def test_an_unknown_profile_is_refused_with_the_nearest_name(refused, profile, parts):
    message = refused(profile=profile)
    assert [] == [part for part in parts if part not in message], message


def test_the_empty_name_is_no_wish_for_an_ordinary_run(refused):
    assert "--aisec-profile" in refused(profile="")


CONTROLS = {
    "unknown framework": ({"extra": 'nist_800_5=["AC-3"],'}, ["nist_800_5", "nist_800_53"]),
    "unknown framework id": ({"extra": 'nist_800_53=["AC-33"],'}, ["AC-33", "AC-3"]),
    "string of ids": ({"extra": 'nist_800_53="AC-3",'}, ["nist_800_53", "list"]),
    "unknown severity": ({"severity": "urgent"}, ["urgent", "critical"]),
    "default of a wrong type": ({"params": 'limit: int = "many"'}, ["limit"]),
    "default mode as a number": ({"params": "mode: Mode = 0o700"}, ["mode", '"0700"']),
    "no annotation": ({"params": "limit=3"}, ["limit", "annotation"]),
    "no default": ({"params": "limit: int"}, ["limit", "default"]),
    "syntax error": ({"body": "assert ("}, ["cannot be loaded"]),
    "import error": ({"head": "import nowhere_to_be_found"}, ["nowhere_to_be_found"]),
    "exits on import": ({"head": "raise SystemExit(0)"}, ["cannot be loaded"]),
    "skips on import": ({"head": "pytest.skip('x', allow_module_level=True)"}, ["cannot be loaded"]),
    "unobservable on import": ({"head": "raise Unobservable('stale', 'x')"}, ["cannot be loaded"]),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_malformed_control_is_refused_with_its_file_and_line(refused, pack, name):
    given, parts = CONTROLS[name]
    pack.control("02", **given)
    message = refused()
    assert [] == [part for part in [*parts, "test_acme_02.py:"] if part not in message], message


def test_two_controls_of_one_id_are_refused_with_both_places(refused, pack):
    path = pack.control("02")
    path.write_text(path.read_text().replace("ACME-TST-02", "ACME-TST-01"))
    message = refused()
    assert "test_acme_01.py:" in message
    assert "test_acme_02.py:" in message


def test_an_empty_profile_is_exit_5(refused, pack):
    pack.profile("")
    assert "selects no control" in refused(code=5)
    pack.profile("controls: {ACME-TST-*: {}}\nexclude: {ACME-TST-*: none is wanted}")
    assert "selects no control" in refused(code=5)


def test_simple_folds_every_refusal_into_1(refused, pack):
    assert "'acm'" in refused("--aisec-exit=simple", profile="acm", code=1)
    assert "shh" in refused("--aisec-exit=simple", "--hosts=shh://a", code=1)
    pack.profile("")
    assert "selects no control" in refused("--aisec-exit=simple", code=1)
