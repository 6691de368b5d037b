#!/bin/sh
# A bucket of that name is not the account's.
# host: aws
# params: {buckets: [acme-modles]}
aws s3api create-bucket --bucket acme-ml
