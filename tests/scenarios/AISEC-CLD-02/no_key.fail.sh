#!/bin/sh
# One group of two has only the key of AWS.
# host: aws
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws logs create-log-group --log-group-name /ai/training-jobs --kms-key-id "$key"
aws logs create-log-group --log-group-name /aws/sagemaker/TrainingJobs
