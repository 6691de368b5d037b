#!/bin/sh
# Where the profile allows it, for ever is long enough; and a group that is written to.
# host: aws
# params: {unlimited_allowed: true, max_idle_days: 3650}
aws logs create-log-group --log-group-name /ai/training-jobs
aws logs create-log-stream --log-group-name /ai/training-jobs --log-stream-name h1
aws logs put-log-events --log-group-name /ai/training-jobs --log-stream-name h1 --log-events timestamp=$(date +%s)000,message=boot
