#!/bin/sh
# The declared directory is not there.
# params: {project_roots: [/srv/projcets]}
true
