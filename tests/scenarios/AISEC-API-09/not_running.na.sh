#!/bin/sh
# Neither runs.
true
