from collections.abc import Iterator, Sequence

from pytest_aisec import Host, Unobservable, control
from pytest_aisec.facts.aws.client import AccountId, Region, account
from pytest_aisec.facts.aws.cloudtrail import Recorded, Trail, trails
from pytest_aisec.facts.aws.s3 import BucketName, BucketPattern, list_buckets, parse_listing


def _faults(trail: Trail) -> Iterator[str]:
    if not trail.is_multi_region:
        yield "one region only"
    if not trail.records_global_services:
        yield "no events of global services"
    if not trail.validates_log_files:
        yield "no log file validation"
    if trail.key is None:
        yield "not encrypted with a KMS key"
    if trail.is_logging is False:
        yield "does not log"
    if trail.delivery_error:
        yield f"delivery fails: {trail.delivery_error}"


def _missing(recorded: Sequence[Recorded]) -> list[str]:
    have = {access for one in recorded for access in one.accesses}
    return sorted({"read", "write"} - have)


@control(
    "AISEC-CLD-03",
    severity="high",
    platforms=("linux", "darwin"),
    objectives=["secure_configuration", "audit_logging"],
    nist_800_53=["AC-3", "AU-9", "AU-9(3)"],
    nist_csf=["PR.AA-05"],
    iso_27001=["A.5.23", "A.8.16"],
    cis_v8_1=["3.14", "8.12"],
    remediation=(
        "aws cloudtrail create-trail --name TRAIL --s3-bucket-name LOG_BUCKET --is-multi-region-trail "
        "--enable-log-file-validation --kms-key-id KEY; aws cloudtrail start-logging --name TRAIL; aws "
        "cloudtrail put-event-selectors --trail-name TRAIL --event-selectors "
        '\'[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":['
        '{"Type":"AWS::S3::Object","Values":["arn:aws:s3:::BUCKET/"]}]}]\''
    ),
    remediation_is_words="it needs a bucket with a policy of its own, and a key",
)
def test_cloudtrail_records_with_integrity(
    host: Host,
    *,
    buckets: list[BucketName] = [],
    name_patterns: list[BucketPattern] = ["*model*", "*weights*", "*checkpoint*", "*dataset*", "*training*"],
    regions: list[Region] = [],
    account_id: AccountId | None = None,
    unrecorded_sources: list[str] = [],
) -> None:
    """CloudTrail records management and model/data events with integrity.

    Without it nobody can tell who read the weights, changed a policy or switched off logging, and a log that
    can be changed unnoticed proves nothing. Model and data events are those of objects in S3.
    """
    aws = account(host, regions=regions, account_id=account_id)
    found, (listing,) = trails(aws, [list_buckets(aws)])
    listed = parse_listing(listing, names=buckets, patterns=name_patterns)
    fitting = [trail for trail in found if not list(_faults(trail))]
    sound = [trail for trail in fitting if not trail.is_unseen]
    wrong: dict[str, list[str]] = {}
    for region in aws.regions:
        if not any(region in trail.seen_from for trail in sound):
            seen = [trail for trail in found if region in trail.seen_from]
            wrong[region] = [f"trail {trail.name}: {', '.join(_faults(trail))}" for trail in seen] or [
                "no trail"
            ]
    recorded = [each for trail in sound for each in trail.recorded or ()]
    management = [
        each
        for each in recorded
        if each.category == "Management" and not each.all_but - set(unrecorded_sources)
    ]
    if sound and (missing := _missing(management)):
        wrong["management events"] = [f"not all {access} events are recorded" for access in missing]
    for name in listed.names:
        of_bucket = [each for each in recorded if each.category == "Data" and each.covers(name)]
        if missing := _missing(of_bucket):
            wrong[f"bucket {name}"] = [f"not all {access} events are recorded" for access in missing]
    hidden = [trail.arn for trail in fitting if trail.is_unseen]
    if wrong and hidden and not listed.absent:
        raise Unobservable("privilege", f"only its own account is shown what {', '.join(hidden)} records")
    wrong.update({f"bucket {name}": ["declared, but absent"] for name in listed.absent})
    assert wrong == {}
