#!/bin/sh
# No retention policy.
# host: aws
aws logs create-log-group --log-group-name /ai/training-jobs
