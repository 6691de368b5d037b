#!/bin/sh
# None runs.
true
