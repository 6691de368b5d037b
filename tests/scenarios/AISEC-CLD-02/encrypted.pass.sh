#!/bin/sh
# A customer's key in the account's regions; who may write is kept to one account; an open policy is for others.
# host: aws
# params: {regions: [us-east-1, eu-west-1], prompt_groups: []}
for region in us-east-1 eu-west-1; do
  key=$(aws kms create-key --region $region --query KeyMetadata.Arn --output text)
  aws logs create-log-group --region $region --log-group-name /ai/training-jobs --kms-key-id "$key"
done
aws logs put-resource-policy --policy-name es --policy-document '{"Version":"2012-10-17","Statement":[
  {"Sid":"Es","Effect":"Allow","Principal":{"Service":"es.amazonaws.com"},"Action":"logs:PutLogEvents","Resource":"*"},
  {"Sid":"Own","Effect":"Allow","Principal":"*","Action":"logs:*","Resource":"*",
   "Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:es:us-east-1:123456789012:*"}}},
  {"Sid":"Elsewhere","Effect":"Allow","Principal":{"AWS":"*"},"Action":"logs:*",
   "Resource":"arn:aws:logs:us-east-1:123456789012:log-group:/web/*"}]}'
