import pytest

from pytest_aisec.facts.web.jupyter import UNKNOWN, read_json, read_python, traits_of


def test_python_configuration():
    text = (
        '"""x"""\nc = get_config()\nc.ServerApp.token = ""\nc["ServerApp"]["ip"] = "0.0.0.0"\n# c.X.y = 1\n'
    )
    assert ({"ServerApp.token": "", "ServerApp.ip": "0.0.0.0"}, False) == read_python(text)


def test_what_only_running_it_tells_is_not_known():
    traits, is_dynamic = read_python("import os\nc.ServerApp.token = os.environ['T']\n")
    assert (True, False) == (traits["ServerApp.token"] is UNKNOWN, is_dynamic)


@pytest.mark.parametrize(
    "text",
    [
        "load_subconfig('x.py')\n",
        "c.merge({'ServerApp': {'token': ''}})\n",
        "c.ServerApp = {'token': ''}\n",
    ],
)
def test_a_configuration_that_does_more_than_set_is_a_program(text):
    assert read_python(text)[1]


def test_json_configuration_and_strength():
    weak, strong = read_json('{"ServerApp": {"token": "a", "ip": "x"}}'), {"ServerApp.token": ""}
    assert {"token": [""], "ip": ["x"]} == traits_of([weak, strong])
    assert {"token": ["a", ""], "ip": ["x"]} == traits_of([weak, {"YApp.token": ""}])


@pytest.mark.parametrize(("read", "text"), [(read_json, "[]"), (read_json, "{"), (read_python, "c.x. =")])
def test_what_is_no_configuration_is_refused(read, text):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the parser says
        read(text)
