#!/bin/sh
# The account blocks what the bucket does not; the key by its id, the bucket in another region.
# host: aws
bucket=acme-dataset
aws s3api create-bucket --bucket $bucket --create-bucket-configuration LocationConstraint=eu-west-1
aws s3control put-public-access-block --account-id 123456789012 --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-ownership-controls --bucket $bucket --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
key=$(aws kms create-key --region eu-west-1 --query KeyMetadata.KeyId --output text)
aws s3api put-bucket-encryption --bucket $bucket --server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"'"$key"'"}}]}'
aws s3api put-bucket-policy --bucket $bucket --policy '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}}'
