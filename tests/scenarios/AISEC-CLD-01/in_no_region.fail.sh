#!/bin/sh
# Two regions are looked at, and neither has it.
# host: aws
# params: {regions: [eu-central-1, us-east-1]}
aws logs create-log-group --region us-east-1 --log-group-name /ai/inference
