#!/bin/sh
# An access control list lets another account replace the directory.
# lib: private_models
private_models
setfacl -m u:operator:rwx /srv
