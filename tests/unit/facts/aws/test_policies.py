import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.aws.policies import matches, parse_policy
from pytest_aisec.observe.faults import Unobservable

ACCOUNT = "123456789012"


def statement(**changes):
    item = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*", **changes}
    (one,) = parse_policy(json.dumps({"Statement": item}), where="b")
    return one


def is_open(operator=None, key=None, value=None, **changes):
    condition = {operator: {key: value}} if operator else {}
    return statement(Condition=condition, **changes).opens_to_everyone


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::1:root", "*"]}])
def test_everyone(principal):
    assert is_open(Principal=principal)


def test_all_but_some_is_everyone():
    assert is_open(NotPrincipal={"AWS": "arn:aws:iam::1:root"}, Principal={})


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
        {"Principal": {"Service": "cloudtrail.amazonaws.com"}},
        {"Effect": "Deny"},
    ],
)
def test_somebody(changes):
    assert not is_open(**changes)


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("StringEquals", "aws:SourceAccount", ACCOUNT),
        ("StringEquals", "aws:PrincipalOrgID", ["o-abcdefghij", "o-klmnopqrst"]),
        ("ArnLike", "aws:SourceArn", f"arn:aws:logs:us-east-1:{ACCOUNT}:*"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-abcdefghij/r-ab/*"),
        ("StringEquals", "AWS:SourceVpce", "vpce-1"),
        ("IpAddress", "aws:SourceIp", "198.51.100.0/24"),
    ],
)
def test_a_condition_keeps_to_somebody(operator, key, value):
    assert not is_open(operator, key, value)


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("StringLike", "aws:PrincipalOrgID", "*"),
        ("StringLike", "aws:SourceArn", "arn:aws:s3:::*"),
        ("StringEqualsIfExists", "aws:SourceAccount", ACCOUNT),
        ("ForAllValues:StringEquals", "aws:PrincipalOrgPaths", "o-abcdefghij/"),
        ("StringNotEquals", "aws:SourceAccount", ACCOUNT),
        ("StringEquals", "aws:SourceAccount", [ACCOUNT, "${aws:PrincipalAccount}"]),
        ("IpAddress", "aws:SourceIp", ["198.51.100.0/24", "0.0.0.0/1"]),
        ("IpAddress", "aws:SourceIp", "anything"),
        ("StringLike", "aws:Referer", "https://example.com/"),
        ("Bool", "aws:SecureTransport", "true"),
        ("StringEquals", "aws:SourceAccount", []),
    ],
)
def test_a_condition_that_keeps_to_nobody(operator, key, value):
    assert is_open(operator, key, value)


def test_patterns():
    assert matches("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b")
    assert matches("*", "")
    assert not matches("arn:aws:s3:::b", "arn:aws:s3:::bb")
    assert not matches("a.c", "abc")


def leaves():
    return st.none() | st.booleans() | st.integers() | st.text(max_size=5)


@given(
    st.recursive(
        leaves(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["Statement", "Effect", "Principal", "Action", "Resource", "Condition", "AWS"]
                ),
                inner | st.sampled_from(["Allow", "*"]),
                max_size=5,
            )
        ),
    )
)
def test_anything_else_is_refused_in_one_way(document):
    with suppress(Unobservable):
        parse_policy(json.dumps(document), where="b")


@given(st.text())
def test_text_that_is_no_policy_is_refused_in_one_way(text):
    with suppress(Unobservable):
        parse_policy(text, where="b")
