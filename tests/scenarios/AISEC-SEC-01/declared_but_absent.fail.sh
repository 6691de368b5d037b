#!/bin/sh
# The declared directory of homes is not there.
# params: {homes: [/hoem]}
true
