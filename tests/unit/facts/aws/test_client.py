import json
from types import SimpleNamespace

import pytest

from pytest_aisec.facts.aws.client import Account, Call, account, fault_of, parse_region, rows
from pytest_aisec.observe.backend import ObservingBackend, Pending
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.hosts import Host
from pytest_aisec.observe.transcript import Transcript

IDENTITY = json.dumps({"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/a"})
GROUPS = Call(words=("logs", "describe-log-groups"))


class Played:
    """A host with one answer for each operation."""

    def __init__(self, **answers):
        self.answers = {"get_caller_identity": (0, IDENTITY, ""), **answers}

    def run(self, command, *args):
        name = next((key for key in self.answers if key.replace("_", "-") in (*args, command)), "region")
        return SimpleNamespace(**dict(zip(("rc", "stdout", "stderr"), self.answers[name], strict=True)))


def ask(call=GROUPS, claimed=None, **answers):
    return Account(host=Played(**answers), regions=("us-east-1",), claimed=claimed).ask([call])[0]


def reason_of(function, *args, **kwargs):
    with pytest.raises(Unobservable) as caught:
        function(*args, **kwargs)
    return caught.value.reason


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (
            "An error occurred (AccessDeniedException) when calling the X operation: User: a is no",
            "privilege",
        ),
        (
            "aws: [ERROR]: An error occurred (UnauthorizedOperation) when calling the X operation: n",
            "privilege",
        ),
        ("An error occurred (ExpiredToken) when calling the X operation: The token is expired", "auth"),
        ("An error occurred (AuthFailure) when calling the X operation: AWS was not able to", "auth"),
        (
            "An error occurred (ThrottlingException) when calling the X operation (reached max retries: 4): Rate",
            "unreadable",
        ),
        ('Unable to locate credentials. You can configure them by running "aws configure".', "auth"),
        ("The config profile (prod) could not be found", "auth"),
        ("The SSO session associated with this profile has expired or is otherwise invalid.", "auth"),
        ('Could not connect to the endpoint URL: "https://logs.us-esat-1.amazonaws.com/"', "unreachable"),
        ('Read timeout on endpoint URL: "https://logs.us-east-1.amazonaws.com/"', "timeout"),
        ("aws: error: argument operation: Invalid choice, valid choices are:", "tool_missing"),
        ("", "unreadable"),
    ],
)
def test_why_a_call_failed(problem, reason):
    assert reason == fault_of("logs describe-log-groups", problem, 255).reason


@pytest.mark.parametrize(
    "text",
    [
        "    region                eu-west-1              env    AWS_DEFAULT_REGION\n",
        "region     : eu-west-1                : env              : ['AWS_REGION', 'AWS_DEFAULT_REGION']\n",
    ],
)
def test_region_of_both_kinds_of_cli(text):
    assert "eu-west-1" == parse_region(text)


@pytest.mark.parametrize("text", ["", "    region                <not set>             None    None\n"])
def test_no_region_is_not_a_region(text):
    assert "unreadable" == reason_of(parse_region, text)


def test_named_regions_need_no_question_and_count_once():
    assert ("us-east-1",) == account(None, regions=["us-east-1", "us-east-1"], account_id=None).regions


def test_a_cli_that_fails_has_no_region():
    host = Played(region=(255, "", "The config profile (x) could not be found"))
    assert "auth" == reason_of(account, host, regions=[], account_id=None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((0, "", ""), "parse"),
        ((0, "{", ""), "parse"),
        ((0, '{"logGroups": [], "nextToken": "x"}', ""), "truncated"),
        ((0, '{"Buckets": [], "IsTruncated": true}', ""), "truncated"),
        ((254, "", "An error occurred (AccessDenied) when calling the X operation: no"), "privilege"),
    ],
)
def test_only_a_whole_answer_is_one(answer, reason):
    assert reason == reason_of(ask, describe_log_groups=answer)


def test_what_aws_says_is_absent_is_none():
    call = Call(words=("s3api", "get-bucket-policy"), absent=("NoSuchBucketPolicy",))
    no_policy = (254, "", "An error occurred (NoSuchBucketPolicy) when calling the X operation: none")
    no_bucket = (254, "", "An error occurred (NoSuchBucket) when calling the X operation: none")
    assert ask(call, get_bucket_policy=no_policy) is None
    assert "unreadable" == reason_of(ask, call, get_bucket_policy=no_bucket)


def test_the_account_is_the_one_that_was_claimed():
    whole = (0, '{"logGroups": []}', "")
    assert {"logGroups": []} == ask(claimed="123456789012", describe_log_groups=whole)
    assert "auth" == reason_of(ask, claimed="210987654321", describe_log_groups=whole)
    assert "parse" == reason_of(ask, describe_log_groups=whole, get_caller_identity=(0, "{}", ""))


@pytest.mark.parametrize("answer", [{}, {"logGroups": None}, {"logGroups": ["a"]}, [], None])
def test_a_list_that_is_not_there_is_not_empty(answer):
    assert "parse" == reason_of(rows, answer, "logGroups")


def test_the_collector_hears_all_questions_at_once():
    backend = ObservingBackend("local://", None, Transcript())
    host = Host(backend)
    backend.set_host(host)
    questions = backend.begin(collecting=True)
    with pytest.raises(Pending):
        Account(host=host, regions=("us-east-1",), claimed=None).ask([GROUPS, Call(words=("kms", "x"))])
    assert 3 == len(questions.open)
