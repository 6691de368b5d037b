# Ray as a double on a host of the kind `services`: a program where its dashboard would lie, that plays $ANSWERS.

# ray VERSION ARGUMENT…: starts its dashboard; $SET are more options of systemd-run.
ray() {
    version=$1
    shift
    site=/opt/ray/site-packages
    mkdir -p "$site/ray/dashboard" "$site/ray-$version.dist-info"
    cp /opt/double/double.py "$site/ray/dashboard/dashboard.py"
    systemd-run -q --unit=ray --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 $SET "-EDOUBLE=$ANSWERS" \
        /usr/bin/python3 -u "$site/ray/dashboard/dashboard.py" --port=8265 "$@"
    wait_for listens 8265
}
