#!/bin/sh
# Everything is set but one block, and the policy lets everyone read; TLS is required for a part only.
# host: aws
# params: {buckets: [acme-ml]}
bucket=acme-ml
aws s3api create-bucket --bucket $bucket --object-ownership BucketOwnerEnforced
aws s3api put-public-access-block --bucket $bucket --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=false
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws s3api put-bucket-encryption --bucket $bucket --server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"'"$key"'"}}]}'
aws s3api put-bucket-policy --bucket $bucket --policy '{"Version":"2012-10-17","Statement":[
  {"Sid":"Read","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::'$bucket'/*"},
  {"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::'$bucket'/public/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}'
