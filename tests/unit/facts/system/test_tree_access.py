import pytest

from pytest_aisec.facts.system.access_lists import AclEntry
from pytest_aisec.facts.system.listings import Trees
from pytest_aisec.facts.system.tree_access import granted


def tree(text, grants):
    entry = AclEntry(path="/srv/m", text=text, grants=grants)
    return Trees(trails={}, matching=(), access=(entry,), ways=(), fault=None)


@pytest.mark.parametrize(
    ("text", "grants"),
    [
        ("user:mallory:r--", "r--"),
        ("group:others:r--", "r--"),
        ("other::r--", "r--"),
        ("default:user:mallory:--x", "--x"),
        ("group:ai_team:rwx", "rwx"),
    ],
)
def test_what_a_list_grants_beyond_the_mode_is_yielded(text, grants):
    assert [("/srv/m", f"ACL {text}")] == [*granted(tree(text, grants), "ai_user", "ai_team", 0o750)]


@pytest.mark.parametrize(
    ("text", "grants"),
    [
        ("user::rwx", "rwx"),
        ("user:ai_user:rwx", "rwx"),
        ("user:root:rwx", "rwx"),
        ("group:ai_team:r-x", "r-x"),
        ("user:mallory:rwx", "---"),
    ],
)
def test_what_the_mode_allows_is_not(text, grants):
    assert [] == [*granted(tree(text, grants), "ai_user", "ai_team", 0o750)]
