# Ray on a host with the wheels of `ray`.

# It writes logs all the time: they lie outside of what an audit must not change.
ray_logs() {
    mkdir -m 777 /tmp/ray
    mount -t tmpfs -o mode=1777 ray /tmp/ray
}

# ray OPTION…: starts a head, and waits until it answers; options are those of systemd-run, $HOW is more of `ray start`.
ray() {
    test -e /tmp/ray || ray_logs
    systemd-run -q --unit=ray --uid=ai_user -E PYTHONPATH=/opt/ray -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user \
        "$@" /usr/bin/python3 /opt/ray/bin/ray start --head --block --num-cpus=1 --disable-usage-stats $HOW
    WAIT=180
    wait_for answers http://127.0.0.1:8265/
    wait_for answers http://127.0.0.1:52365/
}

# ray_token: puts a token where Ray looks for it, in the home of ai_user.
ray_token() {
    test -e /tmp/ray || ray_logs
    HOME=/home/ai_user PYTHONPATH=/opt/ray PYTHONDONTWRITEBYTECODE=1 \
        setpriv --reuid=ai_user --regid=ai_user --clear-groups \
        python3 /opt/ray/bin/ray get-auth-token --generate > /dev/null
}
