#!/bin/sh
# Both regions have it, and one forgets after a month.
# host: aws
# params: {regions: [eu-central-1, us-east-1]}
for region in eu-central-1 us-east-1; do
  aws logs create-log-group --region $region --log-group-name /ai/training-jobs
done
aws logs put-retention-policy --region eu-central-1 --log-group-name /ai/training-jobs --retention-in-days 365
aws logs put-retention-policy --region us-east-1 --log-group-name /ai/training-jobs --retention-in-days 30
