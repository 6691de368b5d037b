#!/bin/sh
# Where prompts are logged, a data protection policy has to mask what people type.
# host: aws
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws logs create-log-group --log-group-name /aws/bedrock/prompts --kms-key-id "$key"
