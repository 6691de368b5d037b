#!/bin/sh
# With sudo the auditor sees everything.
# lib: private_models
# as: operator
# sudo: yes
private_models
