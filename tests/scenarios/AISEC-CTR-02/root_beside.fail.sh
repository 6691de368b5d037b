#!/bin/sh
# The first process is app, and a setuid program below it is root.
# host: services
# lib: containers
docker_up
docker run -d --network=none --user app localhost/busybox:1 sh -c '/bin/su toor -c "sleep 9000" & sleep 9000'
wait_for pgrep -u root -x sleep
