"""Configuration files in Python: what is read of them is what running them would set."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.web.python_settings import read_python
from pytest_aisec.facts.web.python_values import UNKNOWN, is_known


class Part(dict):
    """A section of a configuration as traitlets has it, as far as the texts here go."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name[0].isupper() and name not in self:
            self[name] = Part()
        return self[name]

    def __getitem__(self, name):
        if name[0].isupper() and name not in self:
            self[name] = Part()
        return super().__getitem__(name)

    def __setattr__(self, name, value):
        self[name] = value


def run(text):
    """What the text sets, when it is run."""
    config = Part()
    exec(text, {"c": config, "get_config": lambda: config, "os": SimpleNamespace(environ={"T": "t"})})
    return {f"{owner}.{name}": value for owner, part in config.items() for name, value in part.items()}


@pytest.mark.parametrize(
    "text",
    [
        "if True:\n    c.ServerApp.token = ''\n",
        "c.ServerApp.update({'token': ''}, ip='*')\n",
        "c.ServerApp.update(dict(token='', ip='*'))\n",
        "setattr(c.ServerApp, 'token', '')\n",
        "c['Server' + 'App'].token = ''\n",
        "c.ServerApp.token, x = '', 1\n",
        "T = ''\nc.ServerApp.token = T\n",
        "OPEN = True\nc.ServerApp.token = '' if OPEN else 'x'\n",
        "if 1 < 2 and not False:\n    c.ServerApp.token = ''\nelse:\n    c.ServerApp.token = 'x'\n",
        "s = c.ServerApp\ns.token = ''\n",
        "for app in (c.ServerApp, c.NotebookApp):\n    app.token = ''\n",
        "for n in ['Server', 'Notebook']:\n    c[n + 'App'].token = ''\n",
        "for k, v in {'token': '', 'port': 1}.items() if False else [('token', '')]:\n    c.ServerApp[k] = v\n",
        "c = get_config()\nhost = '0.0.0.0'\nc.ServerApp.ip = f'{host}'\nc.ServerApp.port = 8000 + 888\n",
        "c.ServerApp.token = c.NotebookApp.x = ''.join([])\n",
        "x = 'a'\nx += 'b'\nc.ServerApp.token = x.upper().replace('A', '')\n",
        "def f():\n    c.ServerApp.token = ''\nc.ServerApp.token = 'x'\n",
        "c.ServerApp.token = 'a,b'.split(',')[1][:1]\n",
        "c.ServerApp.token = None or ('' and 'x')\n",
        "c.ServerApp.token = '%s-%s' % ('a', 1)\n",
    ],
)
def test_what_can_be_told_is_what_running_tells(text):
    assert (run(text), False) == read_python(text)


@pytest.mark.parametrize(
    "text",
    [
        "import os\nif os.environ.get('T'):\n    c.ServerApp.token = ''\n",
        "import os\nc.ServerApp.token = 'x' + os.environ['T']\n",
        "try:\n    import x\n    c.ServerApp.token = ''\nexcept ImportError:\n    c.ServerApp.token = 'x'\n",
        "from x import t\nc.ServerApp.token = t() or ''\n",
        "c.ServerApp.token = ''\nc.ServerApp.token += 'x'\n",
        "x = ['']\ny = x\ny += ['a']\nc.ServerApp.token = x[-1]\n",
        "x = ['', 'a']\ny = x.pop(0)\nc.ServerApp.token = x[0]\n",
        "from m import f\nx = ['']\ny = f(x)\nc.ServerApp.token = x[0]\n",
        "x = {'a': ''}\nx['a'] = 'b'\nc.ServerApp.token = x['a']\n",
        "c.ServerApp.token = 'x' * 10 ** 9\n",
        "c.ServerApp.token = '%1000000000d' % 1\n",
    ],
)
def test_what_cannot_be_told_is_not_known(text):
    traits, is_dynamic = read_python(text)
    assert (True, False) == (traits["ServerApp.token"] is UNKNOWN, is_dynamic)


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    c.ServerApp.token = ''\nf()\n",
        "def f():\n    c.ServerApp.token = ''\ng = f\nx = g()\n",
        "def f():\n    c.ServerApp.token = ''\nx = list(map(f, [1]))\n",
        "def f():\n    c.ServerApp.token = ''\n@f\ndef g(): pass\n",
        "f = lambda: c.ServerApp.update(token='')\nx = f()\n",
        "s = c.ServerApp\nx = [s.update(token=t) for t in ['']]\n",
        "from m import f\nx = f(c)\n",
        "from m import f\nx = f([c.ServerApp])\n",
        "exec('c.ServerApp.token = \"\"')\n",
        "class A:\n    c.ServerApp.token = ''\n",
        "(x := c).ServerApp.token = ''\n",
        "from m import *\n",
        "while True:\n    c.ServerApp.token = ''\n",
        "c = object()\nc.ServerApp.token = ''\n",
        "x = [''] * 3\nfor y in x:\n    break\n",
        "for y in range(10**9):\n    c.ServerApp.port = y\n",
        "setattr(c.ServerApp, open('x').read(), '')\n",
        "try:\n    if x:\n        c.ServerApp.token = ''\nexcept E:\n    pass\n",
    ],
)
def test_what_cannot_be_followed_is_a_program(text):
    try:
        assert read_python(text)[1]
    except ValueError:
        assert ":=" in text


def test_what_stands_behind_a_statement_that_cannot_be_followed_still_counts():
    text = "x = ''\nload_subconfig('y.py')\nc.ServerApp.token = ''\nc.ServerApp.ip = x\n"
    traits, is_dynamic = read_python(text)
    assert ("", True, True) == (traits["ServerApp.token"], traits["ServerApp.ip"] is UNKNOWN, is_dynamic)


def test_what_a_branch_that_cannot_be_followed_sets_is_not_known():
    traits, is_dynamic = read_python("import os\nif os.x:\n    c.ServerApp.token = ''\n    y(c)\n")
    assert (True, True) == (traits["ServerApp.token"] is UNKNOWN, is_dynamic)


VALUES = st.sampled_from(
    [
        "''",
        "'x'",
        "0",
        "1",
        "True",
        "None",
        "a",
        "b",
        "['', 'x']",
        "{'token': ''}",
        "(1, 'y')",
        "os.environ['T']",
    ]
)
EXPRESSIONS = st.recursive(
    VALUES,
    lambda inner: st.one_of(
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["+", "or", "and", "==", "!=", "*", "%", "in"]), inner
        ),
        st.builds("(not {})".format, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("f'{{{}}}'".format, st.sampled_from("ab")),
        st.builds("str({})".format, inner),
        st.builds("({}).upper()".format, inner),
    ),
    max_leaves=4,
)
TARGETS = st.sampled_from(["a", "b", "c.ServerApp.token", "c['ServerApp']['ip']", "s.token", "s"])
SIMPLE = st.one_of(
    st.builds("{} = {}".format, TARGETS, EXPRESSIONS),
    st.builds("{} += {}".format, st.sampled_from("ab"), EXPRESSIONS),
    st.builds("c.ServerApp.update({})".format, EXPRESSIONS),
    st.builds("a[{}] = {}".format, EXPRESSIONS, EXPRESSIONS),
    st.just("s = c.ServerApp"),
    st.just("a = b"),
    st.just("b = a.pop()"),
)
BLOCKS = st.one_of(
    SIMPLE,
    st.builds("if {}:\n    {}\nelse:\n    {}".format, EXPRESSIONS, SIMPLE, SIMPLE),
    st.builds("for a in {}:\n    {}".format, EXPRESSIONS, SIMPLE),
    st.builds("try:\n    {}\n    {}\nexcept Exception:\n    {}".format, SIMPLE, SIMPLE, SIMPLE),
)


@given(st.lists(BLOCKS, min_size=1, max_size=6))
def test_whatever_runs_is_what_was_read_or_is_not_known(blocks):
    text = "\n".join(["a, b, s = '', [''], c.ServerApp", *blocks])
    traits, is_dynamic = read_python(text)
    if is_dynamic:
        return
    try:
        done = run(text)
    except Exception:  # noqa: BLE001 - whatever it raises, it is no configuration
        return
    told = {name: value for name, value in traits.items() if is_known(value)}
    assert set(done) <= set(traits), text
    assert told == {name: done[name] for name in told}, text
