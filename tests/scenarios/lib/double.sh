# A double of a server on a host of the kind `services`: it plays the answers of $ANSWERS, see labkit/double.py.

# double NAME PORT ARGUMENT…: starts it as ai_user, as a program of that name; $SET are more options of systemd-run.
double() {
    name=$1 port=$2
    shift 2
    ln -sf double.py "/opt/double/$name"
    systemd-run -q --unit="double-$port" --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user \
        $SET "-EDOUBLE=$ANSWERS" /usr/bin/python3 "/opt/double/$name" "$@"
    wait_for listens "$port"
}
