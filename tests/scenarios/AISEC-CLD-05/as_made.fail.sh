#!/bin/sh
# A bucket as the oldest defaults make it.
# host: aws
# remedy: {BUCKET: acme-weights, KEY_ARN: "'\"$(aws kms create-key --query KeyMetadata.Arn --output text)\"'"}
aws s3api create-bucket --bucket acme-weights
