#!/bin/sh
# All is well in an account that is not the one to be audited.
# host: aws
# params: {account_id: "210987654321"}
# reason: auth
aws logs create-log-group --log-group-name /ai/training-jobs
aws logs put-retention-policy --log-group-name /ai/training-jobs --retention-in-days 365
