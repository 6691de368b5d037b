#!/bin/sh
# More groups than AWS gives in one answer; the last of them keeps nothing for long.
# host: aws
# params: {log_groups: ["/ai/*"]}
"$(dirname "$(readlink -f "$AWS_CLI")")/python" - <<'P'
import boto3
logs = boto3.client("logs")
for number in range(60):
    logs.create_log_group(logGroupName=f"/ai/{number:03}")
    logs.put_retention_policy(logGroupName=f"/ai/{number:03}", retentionInDays=7 if number == 59 else 365)
P
