# nginx on a host of the kind `services`.

# proxy: starts it with the servers that come on standard input, and no others.
proxy() {
    rm -f /etc/nginx/sites-enabled/default
    cat > /etc/nginx/conf.d/api.conf
    systemctl start nginx
}
