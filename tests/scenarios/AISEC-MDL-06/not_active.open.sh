#!/bin/sh
# Without leave nothing is sent: a request would change the log, which the runner compares.
# host: services
# double: model
/opt/double/start --unbounded tokens --log /srv/requests.log
