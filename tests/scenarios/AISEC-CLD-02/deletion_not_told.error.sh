#!/bin/sh
# An answer that does not say whether the group may be deleted.
# host: aws
# params: {deletion_protection: true}
# reason: tool_missing
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws logs create-log-group --log-group-name /ai/training-jobs --kms-key-id "$key"
