#!/bin/sh
# Asked for its files without a token, it refuses.
# host: services
# lib: jupyter
# active: yes
jupyter ai_user 8888 --ServerApp.base_url=/nb/
