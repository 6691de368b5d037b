#!/bin/sh
# A trail as the remediation makes it, kept in another region; read and write events by two selectors.
# host: aws
# params: {regions: [us-east-1, eu-west-1], buckets: [acme-ml]}
for bucket in audit-log acme-ml acme-models; do aws s3api create-bucket --bucket $bucket >/dev/null; done
key=$(aws kms create-key --region eu-west-1 --query KeyMetadata.Arn --output text)
aws cloudtrail create-trail --region eu-west-1 --name all --s3-bucket-name audit-log --is-multi-region-trail --enable-log-file-validation --kms-key-id "$key"
aws cloudtrail start-logging --region eu-west-1 --name all
aws cloudtrail put-event-selectors --region eu-west-1 --trail-name all --event-selectors '[
  {"ReadWriteType":"All","IncludeManagementEvents":true,
   "DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3:::acme-models/","arn:aws:s3:::acme-ml/"]}]}]'
