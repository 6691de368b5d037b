#!/bin/sh
# Encrypted, but anybody may read: the condition lets in every organization.
# host: aws
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws logs create-log-group --log-group-name /ai/training-jobs --kms-key-id "$key"
aws logs put-resource-policy --policy-name share --policy-document '{"Version":"2012-10-17","Statement":
  {"Effect":"Allow","Principal":{"AWS":"*"},"Action":"logs:GetLogEvents",
   "Resource":"arn:aws:logs:us-east-1:123456789012:log-group:/ai/*:*",
   "Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}}}}'
