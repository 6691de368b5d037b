#!/bin/sh
# A group may read cloud credentials.
# lib: home
home
credential .aws/credentials 0640
