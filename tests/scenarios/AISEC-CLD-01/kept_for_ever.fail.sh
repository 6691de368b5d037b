#!/bin/sh
# No retention policy.
# host: aws
# remedy: {GROUP: /ai/training-jobs}
aws logs create-log-group --log-group-name /ai/training-jobs
