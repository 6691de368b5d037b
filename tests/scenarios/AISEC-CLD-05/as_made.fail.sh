#!/bin/sh
# A bucket as the oldest defaults make it.
# host: aws
aws s3api create-bucket --bucket acme-weights
