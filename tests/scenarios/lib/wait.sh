# Stands before every script: waiting for what takes its time, and no longer than it may take.

# wait_for COMMAND…: until it succeeds. When it has not within $WAIT seconds (20), the script fails.
wait_for() {
    local end
    end=$(($(date +%s) + ${WAIT:-20}))
    until "$@" > /dev/null 2>&1; do
        if [ "$(date +%s)" -gt "$end" ]; then
            echo "waited ${WAIT:-20} s in vain until: $*" >&2
            exit 1
        fi
        sleep 0.05
    done
}

# listens PORT [PID]: whether something listens there, in the network of that process.
listens() {
    ${2:+nsenter -t "$2" -n} ss -Hltn "sport = :$1" | grep -q .
}

# answers URL: whether somebody speaks HTTP there.
answers() {
    curl -g -s -m 5 -o /dev/null "$1"
}

# runs NAME: whether there is a process of that name (15 characters of it are known); it has its arguments by then.
runs() {
    grep -qsx -- "$1" /proc/[0-9]*/comm
}

# gone NAME: whether there is none.
gone() {
    ! runs "$1"
}
