#!/bin/sh
# No pair is declared.
true
