#!/bin/sh
# A declared dataset is not there.
# params: {data_dirs: [/srv/data]}
true
