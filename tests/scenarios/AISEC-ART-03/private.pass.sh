#!/bin/sh
# A model directory that only the serving account and its team can enter.
# lib: private_models
private_models
