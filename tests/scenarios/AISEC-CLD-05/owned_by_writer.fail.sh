#!/bin/sh
# All is right but that who uploads an object owns it, and may open it.
# host: aws
bucket=acme-models
aws s3api create-bucket --bucket $bucket
aws s3api put-public-access-block --bucket $bucket --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-ownership-controls --bucket $bucket --ownership-controls 'Rules=[{ObjectOwnership=ObjectWriter}]'
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws s3api put-bucket-encryption --bucket $bucket --server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"'"$key"'"}}]}'
aws s3api put-bucket-policy --bucket $bucket --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::'$bucket'","arn:aws:s3:::'$bucket'/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}'
