"""The places of values in TOML."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.catalog import tomlfile
from pytest_aisec.errors import UsageProblem

TEXT = """\
# profile = "not this"
profile = "a#b"
hosts = [
  "ssh://x", # one ]
  'ssh://y',
]
a.b."c d" = 1
long = \"\"\"
[no]
profile = 1
\"\"\"
inner = { u = [1, [2, 3]], v = {w = "}"} }
day = 2026-01-01 # a day
[groups."gpu 1"]
profile = 'x'
params = { model_dirs = ["/srv"] }

[[twice]]
a = 1
[[twice]]
a = 2
[twice.sub]
b = 3
"""


@pytest.fixture
def written(tmp_path):
    def write(text, name="aisec.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def line(document, *loc):
    return int(document.at(loc).split(":")[1])


@pytest.mark.parametrize(
    ("expected", "loc"),
    [
        (2, ("profile",)),
        (3, ("hosts",)),
        (4, ("hosts", 0)),
        (5, ("hosts", 1)),
        (7, ("a", "b", "c d")),
        (8, ("long",)),
        (12, ("inner", "u", 1, 1)),
        (12, ("inner", "v", "w")),
        (13, ("day",)),
        (14, ("groups", "gpu 1")),
        (15, ("groups", "gpu 1", "profile")),
        (16, ("groups", "gpu 1", "params", "model_dirs", 0)),
        (19, ("twice", 0, "a")),
        (21, ("twice", 1, "a")),
        (15, ("groups", "gpu 1", "profile", "what is not there")),
    ],
)
def test_each_value_is_on_the_line_where_it_stands(written, expected, loc) -> None:
    assert expected == line(tomlfile.read(written(TEXT)), *loc)


def test_the_column_is_that_of_the_key_or_the_item(written) -> None:
    document = tomlfile.read(written(TEXT))
    assert (12, 23) == document.place(("inner", "u", 1, 1))
    assert (5, 3) == document.place(("hosts", 1))
    assert (12, 11) == document.place(("inner", "u"))


def test_a_part_keeps_the_lines_of_the_whole(written) -> None:
    part = tomlfile.below(tomlfile.read(written(TEXT)), ("groups", "gpu 1"))
    assert {"profile": "x", "params": {"model_dirs": ["/srv"]}} == part.data
    assert (14, 15) == (line(part), line(part, "profile"))


def test_one_table_of_a_file_is_read_as_if_it_were_the_file(written) -> None:
    path = written('[project]\nname = "x"\n[tool.pytest-aisec]\nprofile = "p"\n', "pyproject.toml")
    found = tomlfile.read(path, ("tool", "pytest-aisec"))
    assert ({"profile": "p"}, 4) == (found.data, line(found, "profile"))
    assert None is tomlfile.read(path, ("tool", "other"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = \n", r":2:\d+: not valid TOML: Invalid value"),
        ("a = 1\na = 2\n", r":2:\d+: not valid TOML: Cannot overwrite a value"),
        ("a = [1,\n", r":2:\d+: not valid TOML: "),
    ],
)
def test_what_is_not_toml_is_named_with_its_line(written, text, expected) -> None:
    with pytest.raises(UsageProblem, match=expected):
        tomlfile.read(written(text))


def test_what_cannot_be_read_is_said_without_a_traceback(tmp_path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'a = "\xe4"\n')
    for name, expected in (("none.toml", "No such file"), ("latin.toml", "not UTF-8")):
        with pytest.raises(UsageProblem, match=expected):
            tomlfile.read(tmp_path / name)


KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,3}", fullmatch=True)
VALUES = st.recursive(
    st.one_of(
        st.integers(0, 9).map(str),
        st.sampled_from(['"]"', "'}'", '"#"', '"""\n[x]\n"""', "'''a = \n'''", "true", '"\\""']),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(
            lambda items: "[ # [\n" + "".join(f"{item},\n" for item in items) + "]"
        ),
        st.dictionaries(KEYS, inner, max_size=2).map(
            lambda items: "{" + ", ".join(f"{key} = {value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=6,
)
TABLES = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), max_size=3)


@given(TABLES)
def test_every_value_of_any_file_has_a_place_of_its_own_line(tables) -> None:
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in pairs.items())
        for name, pairs in tables.items()
    )
    found = tomlfile._Places(text).found
    wanted = set()

    def walk(loc, value):
        if loc:
            wanted.add(loc)
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, item in items:
            walk((*loc, key), item)

    walk((), tomllib.loads(text))
    assert wanted == {*found}
    for name, pairs in tables.items():
        assert f"[{name}]\n" == text[found[name,] :][: len(name) + 3]
        for key in pairs:
            assert text[found[name, key] :].startswith(f"{key} = ")
