#!/bin/sh
# A directory that anybody may enter.
# lib: private_models
private_models
chmod 0755 /srv/models
