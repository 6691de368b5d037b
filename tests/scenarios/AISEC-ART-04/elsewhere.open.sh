#!/bin/sh
# Everything lies in /data, where nobody has declared it.
# lib: everything_in_data
everything_in_data
