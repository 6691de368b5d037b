#!/bin/sh
# An access control list that gives the team no more than the mode does.
# lib: private_models
private_models
setfacl -m g:ai_team:rx /srv/models
