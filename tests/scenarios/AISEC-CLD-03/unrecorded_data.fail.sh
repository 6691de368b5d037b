#!/bin/sh
# Reading weights leaves no trace: writes of one bucket, and a part of the other.
# host: aws
for bucket in audit-log acme-models acme-weights; do aws s3api create-bucket --bucket $bucket; done
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws cloudtrail create-trail --name all --s3-bucket-name audit-log --is-multi-region-trail --enable-log-file-validation --kms-key-id "$key"
aws cloudtrail start-logging --name all
aws cloudtrail put-event-selectors --trail-name all --advanced-event-selectors '[
  {"FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]},
  {"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]},
    {"Field":"readOnly","Equals":["false"]},{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::acme-models/"]}]},
  {"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]},
    {"Field":"resources.ARN","StartsWith":["arn:aws:s3:::acme-weights/v1/"]}]}]'
