#!/bin/sh
# Two regions are looked at, and jobs run in one of them.
# host: aws
# params: {regions: [eu-central-1, us-east-1]}
aws logs create-log-group --region us-east-1 --log-group-name /ai/training-jobs
aws logs put-retention-policy --region us-east-1 --log-group-name /ai/training-jobs --retention-in-days 365
aws logs create-log-group --region eu-central-1 --log-group-name /aws/sagemaker/TrainingJobs
aws logs put-retention-policy --region eu-central-1 --log-group-name /aws/sagemaker/TrainingJobs --retention-in-days 731
