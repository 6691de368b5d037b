#!/bin/sh
# No AI service runs.
true
