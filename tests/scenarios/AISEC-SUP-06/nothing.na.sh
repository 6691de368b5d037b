#!/bin/sh
# Neither configuration nor projects.
set -e
rm -f /etc/pip.conf
