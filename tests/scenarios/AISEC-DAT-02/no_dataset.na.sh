#!/bin/sh
# There is no dataset.
true
