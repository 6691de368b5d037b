#!/bin/sh
# Buckets of other things.
# host: aws
aws s3api create-bucket --bucket web
