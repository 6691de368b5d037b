from collections.abc import Iterator

from pytest_aisec import Host, control, not_applicable
from pytest_aisec.facts.aws.client import AccountId, Region, account
from pytest_aisec.facts.aws.s3 import (
    BLOCKS,
    Bucket,
    BucketName,
    BucketPattern,
    list_buckets,
    parse_listing,
    requires_tls,
)
from pytest_aisec.facts.aws.s3 import buckets as read_buckets


def _faults(bucket: Bucket) -> Iterator[str]:
    missing = [setting for setting in BLOCKS if setting not in bucket.blocks]
    if missing:
        yield f"public access not blocked: {', '.join(missing)} off"
    policy = bucket.policy or ()
    for statement in policy:
        if statement.opens_to_everyone:
            yield f"policy open to everyone: {statement.sid}"
    if not requires_tls(bucket.name, policy):
        yield "policy lets in requests without TLS"
    if bucket.algorithm not in {"aws:kms", "aws:kms:dsse"}:
        yield f"encrypted with {bucket.algorithm or 'nothing'}, not with KMS"
    elif bucket.key is None or not bucket.key.is_customers:
        yield "encrypted with a key of AWS, not of the customer"
    elif bucket.key.state != "Enabled":
        yield f"its key is {bucket.key.state}"
    if bucket.ownership != "BucketOwnerEnforced":
        yield "ACLs are in force"


@control(
    "AISEC-CLD-05",
    severity="critical",
    platforms=("linux", "darwin"),
    objectives=["secure_configuration", "encryption_at_rest", "model_confidentiality"],
    nist_800_53=["SC-8"],
    iso_27001=["A.5.23"],
    atlas_techniques=["AML.T0036"],
    remediation=(
        'for b in BUCKET; do aws s3api put-public-access-block --bucket "$b" '
        "--public-access-block-configuration "
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true; "
        'aws s3api put-bucket-ownership-controls --bucket "$b" --ownership-controls '
        "'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'; aws s3api put-bucket-encryption --bucket "
        '"$b" --server-side-encryption-configuration '
        '\'{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms",'
        '"KMSMasterKeyID":"KEY_ARN"}}]}\'; '
        'aws s3api put-bucket-policy --bucket "$b" --policy '
        """'{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*",'"""
        """'"Resource":["arn:aws:s3:::'"$b"'","arn:aws:s3:::'"$b"'/*"],'"""
        """'"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}'; """
        "done"
    ),
)
def test_model_and_dataset_buckets_are_private(
    host: Host,
    *,
    buckets: list[BucketName] = [],
    name_patterns: list[BucketPattern] = ["*model*", "*weights*", "*checkpoint*", "*dataset*", "*training*"],
    regions: list[Region] = [],
    account_id: AccountId | None = None,
) -> None:
    """Model and dataset buckets are private and encrypted.

    An open bucket is the commonest way in which weights and training data leave. The buckets of all regions
    are judged, by name.
    """
    aws = account(host, regions=regions, account_id=account_id)
    listed = parse_listing(aws.ask([list_buckets(aws)])[0], names=buckets, patterns=name_patterns)
    wrong = {name: ["declared, but absent"] for name in listed.absent}
    if not listed.names and not wrong:
        shapes = ", ".join(name_patterns)
        not_applicable(
            f"none of the account's {listed.count} buckets is named like {shapes}", claims=["name_patterns"]
        )
    for bucket in read_buckets(aws, listed.names) if listed.names else ():
        faults = list(_faults(bucket))
        if faults:
            wrong[bucket.name] = faults
    assert wrong == {}
