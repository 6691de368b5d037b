#!/bin/sh
# No model is served here.
# active: yes
true
