#!/bin/sh
# What the recommended command shows is only what came in.
netstat -tunapl | grep ESTABLISHED || true
