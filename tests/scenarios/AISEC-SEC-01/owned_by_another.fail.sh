#!/bin/sh
# Somebody else owns the credentials.
# lib: home
home
credential .netrc 0600 operator
