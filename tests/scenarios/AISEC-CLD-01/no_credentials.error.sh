#!/bin/sh
# Nothing was asked, so nothing is known.
# host: aws
# reason: auth
rm ~/.aws/credentials
