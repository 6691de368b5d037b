#!/bin/sh
# A compressed file under the name of a pickle.
mkdir -p /srv/models
printf '\200\002}q\000.' | gzip >/srv/models/forest.joblib
