from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, not_applicable, now
from pytest_aisec.facts.aws.client import AccountId, Region, account
from pytest_aisec.facts.aws.cloudwatch_logs import (
    LogGroup,
    LogGroupName,
    PolicyStatement,
    fits,
    is_pattern,
    log_groups_and_policies,
    newest_events,
)
from pytest_aisec.facts.aws.cloudwatch_logs import log_groups as read_log_groups
from pytest_aisec.facts.aws.policies import matches

Days = Annotated[int, Field(ge=1)]


def _absent(
    names: Sequence[str], regions: Sequence[str], groups: Sequence[LogGroup], *, in_each: bool = False
) -> Iterator[str]:
    """Yield what no region has, or with `in_each` what one of them lacks."""
    for places in [[region] for region in regions] if in_each else [list(regions)]:
        have = [group.name for group in groups if group.region in places]
        where = ", ".join(places)
        yield from (f"{where} {name}" for name in names if not any(fits(one, [name]) for one in have))


def _kept(group: LogGroup, *, min_days: int, max_days: int | None, unlimited_allowed: bool) -> str:
    """Return what is wrong with how long a group keeps its logs; empty where nothing is."""
    days = group.retention_days
    if group.kind == "DELIVERY":
        return "kept for days only: a delivery group"
    if days is None:
        return "" if unlimited_allowed and max_days is None else "kept for ever: no retention policy"
    if days < min_days or (max_days is not None and days > max_days):
        return f"kept for {days} days"
    return ""


@control(
    "AISEC-CLD-01",
    severity="high",
    platforms=("linux", "darwin"),
    objectives=["secure_configuration", "log_retention"],
    nist_800_53=["AC-3", "AU-12"],
    nist_csf=["PR.AA-05"],
    iso_27001=["A.5.23"],
    remediation=(
        'for g in GROUP; do aws logs create-log-group --log-group-name "$g" 2>/dev/null || :; aws logs '
        'put-retention-policy --log-group-name "$g" --retention-in-days {min_days}; done  # for each '
        "of {log_groups}, in a region where jobs run, and for what is there of {service_groups}, in "
        "every region that has it"
    ),
)
def test_log_groups_exist_and_keep_logs(
    host: Host,
    *,
    log_groups: list[LogGroupName] = ["/ai/training-jobs"],
    service_groups: list[LogGroupName] = [
        "/aws/sagemaker/*Jobs",
        "/aws/sagemaker/Clusters/*",
        "/aws/batch/job",
    ],
    regions: list[Region] = [],
    in_each_region: bool = False,
    account_id: AccountId | None = None,
    min_days: Days = 365,
    max_days: Days | None = None,
    unlimited_allowed: bool = False,
    max_idle_days: Days | None = None,
) -> None:
    """Training-job log groups exist and keep logs for at least 365 days.

    What was deleted after a month cannot tell who took the weights last quarter. Without a retention policy
    logs are kept, and paid for, for ever: nobody has decided. The groups to which AWS itself writes jobs
    need not exist; where they do, they are judged likewise.
    """
    names = [*log_groups, *service_groups]
    if not names:
        not_applicable("no log group is named", claims=["log_groups"])
    aws = account(host, regions=regions, account_id=account_id)
    groups = read_log_groups(aws, names)
    if not groups and not log_groups:
        not_applicable(f"no log group fits {', '.join(names)}", claims=["service_groups"])
    wrong = dict.fromkeys(_absent(log_groups, aws.regions, groups, in_each=in_each_region), "absent")
    for group in groups:
        fault = _kept(group, min_days=min_days, max_days=max_days, unlimited_allowed=unlimited_allowed)
        if fault:
            wrong[group.where] = fault
    if max_idle_days is not None:
        since = now() - timedelta(days=max_idle_days)
        for where, newest in newest_events(
            aws, [one for one in groups if fits(one.name, log_groups)]
        ).items():
            if newest is None or newest < since:
                idle = f"last written {newest:%Y-%m-%d}" if newest else "never written to"
                wrong[where] = f"{wrong[where]}; {idle}" if where in wrong else idle
    assert wrong == {}


def _reaches(statement: PolicyStatement, group: LogGroup) -> bool:
    if statement.region != group.region:
        return False
    resources = statement.statement.resources
    return not resources or any(
        resource.startswith(f"{group.arn}:")
        or any(matches(resource, f"{group.arn}{end}") for end in ("", ":*", ":log-stream:x"))
        for resource in resources
    )


@control(
    "AISEC-CLD-02",
    severity="medium",
    platforms=("linux", "darwin"),
    objectives=["secure_configuration", "audit_logging", "encryption_at_rest"],
    nist_800_53=["AC-3", "AU-9"],
    nist_csf=["PR.AA-05"],
    iso_27001=["A.5.23"],
    remediation=(
        "For each log group: aws logs associate-kms-key --log-group-name GROUP --kms-key-id KEY_ARN; "
        "for those of {prompt_groups}: aws logs put-data-protection-policy; give each resource policy "
        "a named principal or a condition on aws:SourceAccount (aws logs put-resource-policy)"
    ),
    remediation_is_words=(
        "which groups hold prompts, which key is theirs, and who may write to them is not seen in the account"
    ),
)
def test_log_groups_are_encrypted_and_protected(
    host: Host,
    *,
    log_groups: list[LogGroupName] = ["/ai/*", "/aws/sagemaker/*", "/aws/bedrock/*"],
    prompt_groups: list[LogGroupName] = ["/aws/bedrock/*"],
    regions: list[Region] = [],
    account_id: AccountId | None = None,
    deletion_protection: bool = False,
) -> None:
    """Log groups are encrypted with a customer key and protected.

    Prompts and answers lie in logs: who may read the group reads them all, and who may write to it can bury
    what happened. Judges the account-wide resource policies, not those of single log groups.
    """
    aws = account(host, regions=regions, account_id=account_id)
    names = [*log_groups, *prompt_groups]
    groups, policies = log_groups_and_policies(aws, names)
    if not groups:
        not_applicable(f"no log group fits {', '.join(names)}", claims=["log_groups", "prompt_groups"])
    wrong: dict[str, list[str]] = {}
    for name in _absent([name for name in log_groups if not is_pattern(name)], aws.regions, groups):
        wrong.setdefault(name, []).append("absent")
    untold = []
    for group in groups:
        faults = [] if group.key else ["no customer key"]
        if fits(group.name, prompt_groups) and not group.masks_data:
            faults.append("no data protection policy")
        if deletion_protection and group.deletion_protected is False:
            faults.append("may be deleted")
        if deletion_protection and group.deletion_protected is None:
            untold.append(group.where)
        faults += [
            f"open to everyone by resource policy {each.policy} ({each.statement.sid})"
            for each in policies
            if each.statement.opens_to_everyone and _reaches(each, group)
        ]
        if faults:
            wrong.setdefault(group.where, []).extend(faults)
    if untold and not wrong:
        raise Unobservable("tool_missing", "this aws CLI does not tell whether log groups may be deleted")
    assert wrong == {}
