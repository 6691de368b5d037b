"""What is read from answers of the `aws` CLI about log groups, trails, buckets and EC2."""

import json
from types import SimpleNamespace

import pytest

from pytest_aisec.facts.aws.cloudtrail import parse_selectors
from pytest_aisec.facts.aws.cloudwatch_logs import fits, parse_log_group
from pytest_aisec.facts.aws.ec2 import parse_instance
from pytest_aisec.facts.aws.policies import parse_policy
from pytest_aisec.facts.aws.s3 import BLOCKS, parse_blocks, parse_listing, requires_tls
from pytest_aisec.facts.aws.security_groups import SecurityGroup, attachments, parse_group, widest
from pytest_aisec.observe.faults import Unobservable

ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/ai/a"


def log_group(**changes):
    return parse_log_group({"logGroupName": "/ai/a", "arn": f"{ARN}:*", **changes}, region="us-east-1")


def test_a_log_group():
    plain = log_group()
    assert (ARN, None, None, False, None) == (
        plain.arn,
        plain.retention_days,
        plain.key,
        plain.masks_data,
        plain.deletion_protected,
    )
    assert log_group(dataProtectionStatus="ACTIVATED").masks_data
    assert log_group(inheritedProperties=["ACCOUNT_DATA_PROTECTION"]).masks_data
    assert not log_group(dataProtectionStatus="DISABLED").masks_data
    for wrong in ({"logGroupName": None}, {"retentionInDays": "365"}, {"arn": ""}):
        with pytest.raises(Unobservable):
            log_group(**wrong)


def test_names_of_log_groups_are_whole():
    assert [True, False, True, False] == [
        fits("/ai/training-jobs", ["/ai/training-jobs"]),
        fits("/ai/training-jobs-old", ["/ai/training-jobs"]),
        fits("/ai/x/y", ["/ai/*"]),
        fits("/AI/x", ["/ai/*"]),
    ]


def basic(**selector):
    return list(parse_selectors({"EventSelectors": [selector]}))


def advanced(**fields):
    names = {"category": "eventCategory", "type": "resources.type", "arn": "resources.ARN"}
    listed = [{"Field": names.get(key, key), **tests} for key, tests in fields.items()]
    return list(parse_selectors({"AdvancedEventSelectors": [{"FieldSelectors": listed}]}))


MANAGEMENT = {"Equals": ["Management"]}
DATA = {"category": {"Equals": ["Data"]}, "type": {"Equals": ["AWS::S3::Object"]}}


def test_management_events():
    (whole,) = advanced(category=MANAGEMENT)
    assert {"read", "write"} == whole.accesses
    assert [{"write"}] == [
        each.accesses for each in advanced(category=MANAGEMENT, readOnly={"Equals": ["false"]})
    ]
    assert [{"read"}] == [each.accesses for each in basic(ReadWriteType="ReadOnly")]
    assert [] == basic(IncludeManagementEvents=False)
    (partly,) = basic(ExcludeManagementEventSources=["kms.amazonaws.com"])
    assert {"kms.amazonaws.com"} == partly.all_but
    assert [] == advanced(category=MANAGEMENT, eventSource={"Equals": ["iam.amazonaws.com"]})
    assert [] == advanced(category=MANAGEMENT, eventName={"NotStartsWith": ["Get"]})


@pytest.mark.parametrize(
    ("values", "covered"),
    [
        (["arn:aws:s3"], True),
        (["arn:aws:s3:::"], True),
        (["arn:aws:s3:::b/"], True),
        (["arn:aws-cn:s3:::b/"], True),
        (["arn:aws:s3:::b/v1/"], False),
        (["arn:aws:s3:::bb/"], False),
        ([], False),
    ],
)
def test_data_events_of_a_bucket(values, covered):
    selector = {"Type": "AWS::S3::Object", "Values": values}
    data = [each for each in basic(DataResources=[selector]) if each.category == "Data"]
    assert [covered] == [each.covers("b") for each in data]


@pytest.mark.parametrize(
    ("arn", "covered"),
    [
        (None, [True]),
        ({"StartsWith": ["arn:aws:s3:::b/"]}, [True]),
        ({"StartsWith": ["arn:aws:s3:::b/x"]}, [False]),
        ({"NotStartsWith": ["arn:aws:s3:::web/"]}, [True]),
        ({"NotStartsWith": ["arn:aws:s3:::b/tmp/"]}, [False]),
        ({"NotEquals": ["arn:aws:s3:::b/"]}, [False]),
        ({"EndsWith": [".pt"]}, []),
    ],
)
def test_data_events_by_advanced_selectors(arn, covered):
    fields = {**DATA, **({"arn": arn} if arn else {})}
    assert covered == [each.covers("b") for each in advanced(**fields)]


def test_data_events_of_other_things_and_some_names_do_not_count():
    assert [] == advanced(category=DATA["category"], type={"Equals": ["AWS::Lambda::Function"]})
    assert [] == advanced(**DATA, eventName={"Equals": ["DeleteObject"]})
    with pytest.raises(Unobservable):
        list(parse_selectors({"TrailARN": "arn"}))


def test_which_buckets_are_meant():
    listing = parse_listing(
        {"Buckets": [{"Name": "web"}, {"Name": "acme-models"}, {"Name": "acme-ml"}]},
        names=["acme-ml", "gone"],
        patterns=["*model*"],
    )
    assert (("acme-ml", "acme-models"), ("gone",), 3) == (listing.names, listing.absent, listing.count)


def test_blocks():
    assert frozenset() == parse_blocks(None)
    on = {"PublicAccessBlockConfiguration": dict.fromkeys(BLOCKS, True)}
    assert set(BLOCKS) == parse_blocks(on)
    with pytest.raises(Unobservable):
        parse_blocks({})


BOTH = ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("changes", "required"),
    [
        ({}, True),
        ({"Resource": "*", "Action": "*", "Principal": {"AWS": ["*"]}}, True),
        ({"Resource": ["arn:aws-cn:s3:::b", "arn:aws-cn:s3:::b/*"]}, True),
        ({"Effect": "Allow"}, False),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Action": "s3:GetObject"}, False),
        ({"Resource": "arn:aws:s3:::b/*"}, False),
        ({"Resource": "arn:aws:s3:::b"}, False),
        ({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/public/*"]}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}}, False),
        ({"Condition": {**NO_TLS, "IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}, False),
        ({"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}, False),
        ({"Principal": {}, "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}}, False),
    ],
)
def test_tls_only(changes, required):
    item = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": BOTH,
        "Condition": NO_TLS,
        **changes,
    }
    assert required == requires_tls("b", parse_policy(json.dumps({"Statement": [item]}), where="b"))


def instance(**changes):
    item = {
        "InstanceId": "i-0a",
        "InstanceType": "p5.48xlarge",
        "State": "running",
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
            "HttpEndpoint": "enabled",
        },
        "PublicIpAddress": None,
        "Volumes": ["vol-1"],
        "Interfaces": [],
        **changes,
    }
    return parse_instance(item, region="us-east-1")


@pytest.mark.parametrize(
    ("changes", "addresses"),
    [
        ({}, ()),
        ({"PublicIpAddress": "198.51.100.7"}, ("198.51.100.7",)),
        (
            {"Interfaces": [{"Association": {"PublicIp": "1.2.3.4"}, "Private": [{"PublicIp": "1.2.3.4"}]}]},
            ("1.2.3.4",),
        ),
        ({"Interfaces": [{"Association": None, "Private": [{"PublicIp": "1.2.3.5"}]}]}, ("1.2.3.5",)),
        ({"Interfaces": [{"Association": {"CarrierIp": "1.2.3.6"}, "Private": None}]}, ("1.2.3.6",)),
        ({"Interfaces": [{"Ipv6": ["2600:1f18::1", "fd00::1"]}]}, ("2600:1f18::1",)),
    ],
)
def test_addresses_that_the_internet_can_route_to(changes, addresses):
    assert addresses == instance(**changes).public_addresses


def test_metadata_service():
    assert "required" == instance().metadata_tokens
    off = {"HttpTokens": "optional", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "disabled"}
    assert "off" == instance(MetadataOptions=off).metadata_tokens
    for wrong in ({"MetadataOptions": None}, {"Volumes": None}, {"Interfaces": None}, {"InstanceId": "x"}):
        with pytest.raises(Unobservable):
            instance(**wrong)


def group(**permission):
    item = {"GroupId": "sg-1", "GroupName": "g", "IpPermissions": [permission]}
    return parse_group(item, region="us-east-1").rules


def test_rules():
    (rule,) = group(IpProtocol="tcp", FromPort=8000, ToPort=9000, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    assert (8000, 8888) == rule.reaches([22, 8888, 8000])
    (everything,) = group(IpProtocol="-1", Ipv6Ranges=[{"CidrIpv6": "::/0"}])
    assert (1, 65535) == everything.reaches([1, 65535])
    assert ("pl-1",) == group(
        IpProtocol="6", FromPort=-1, ToPort=-1, PrefixListIds=[{"PrefixListId": "pl-1"}]
    )[0].prefix_lists
    assert () == group(IpProtocol="udp", FromPort=0, ToPort=65535, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    for wrong in (
        {"IpProtocol": "tcp", "IpRanges": [{}]},
        {"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "x"}]},
        *({"IpProtocol": value, "IpRanges": []} for value in (None, 6, -1, True, [], ["tcp"], {})),
        *({"IpProtocol": "-1", "IpRanges": value} for value in (None, "", {}, 0)),
        {"IpProtocol": "-1", "Ipv6Ranges": None},
        {"IpRanges": []},
    ):
        with pytest.raises(Unobservable):
            group(**wrong)


@pytest.mark.parametrize("held", [None, "sg-1", [], [None], ["sg-1", 5], ["sg-2"], [["sg-1"]]])
def test_an_interface_has_the_groups_that_were_asked_for(held):
    one = SecurityGroup(region="us-east-1", id="sg-1", name="g", rules=())

    def asking(groups):
        rows = [{"Id": "eni-1", "Groups": groups}]
        return SimpleNamespace(ask=lambda calls: [rows for _ in calls])

    assert {("us-east-1", "sg-1"): ("eni-1",)} == attachments(asking(["sg-2", "sg-1"]), [one])
    with pytest.raises(Unobservable, match="parse"):
        attachments(asking(held), [one])


def test_halves_make_a_whole():
    rules = group(IpProtocol="-1", IpRanges=[{"CidrIp": f"{first}.0.0.0/8"} for first in range(256)])
    assert ["0.0.0.0/0"] == [str(network) for network in widest(rules[0].networks)]
