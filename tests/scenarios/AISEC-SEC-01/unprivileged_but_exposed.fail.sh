#!/bin/sh
# What is exposed is seen without privileges too.
# lib: home
# as: auditor
home
chmod 0755 "$H"
credential .netrc 0644
