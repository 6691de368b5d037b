#!/bin/sh
# Two quotes that the shell did not take off are an empty token, too.
# host: services
# lib: jupyter
jupyter ai_user 8888 "--ServerApp.token=''"
