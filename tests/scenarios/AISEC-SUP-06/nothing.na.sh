#!/bin/sh
# Neither configuration nor projects.
rm -f /etc/pip.conf
