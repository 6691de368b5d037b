#!/bin/sh
# Training data that only their account reaches, without a manifest.
# lib: private_data
# remedy: {}
private_data
