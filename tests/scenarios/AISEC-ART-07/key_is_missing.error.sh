#!/bin/sh
# The trusted key is not where it is said to be.
# lib: signed_model
# reason: unreadable
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/no.pub]}
signed_model
