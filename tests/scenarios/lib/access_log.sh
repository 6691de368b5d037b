# The access log of an API, /var/log/api/api_access.log.

# line STATUS PRINCIPAL ID: a request of now, with all that a log should have.
line() {
    printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "method": "POST", "path": "/v1/chat/completions", "status_code": %s, "principal": "%s", "request_id": "r-%s", "model": "tiny"}\n' \
        "$(date -u +%FT%TZ)" "$1" "$2" "$3"
}

# thirty STATUS [AGE]: a new log, of thirty requests from one client that were answered so.
thirty() {
    mkdir -p /var/log/api
    for n in $(seq 30); do
        printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "status_code": %s}\n' \
            "$(date -u -d "${2:-now}" +%FT%TZ)" "$1"
    done > /var/log/api/api_access.log
}
