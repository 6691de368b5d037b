#!/bin/sh
# The named group is right; the one to which SageMaker itself writes training jobs was never given a retention.
# host: aws
# remedy: {GROUP: /aws/sagemaker/TrainingJobs}
aws logs create-log-group --log-group-name /ai/training-jobs
aws logs put-retention-policy --log-group-name /ai/training-jobs --retention-in-days 365
aws logs create-log-group --log-group-name /aws/sagemaker/TrainingJobs
