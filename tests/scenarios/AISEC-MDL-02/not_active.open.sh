#!/bin/sh
# Without leave nothing is sent: a request would change the log, which the runner compares.
# host: services
# double: model
/opt/double/start --leaks plain --log /srv/requests.log
