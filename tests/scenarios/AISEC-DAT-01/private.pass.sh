#!/bin/sh
# Data that only its account can reach.
# lib: private_data
private_data
