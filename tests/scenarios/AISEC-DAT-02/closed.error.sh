#!/bin/sh
# The auditor may not look into the dataset.
# lib: dataset
# as: auditor
# reason: privilege
dataset
