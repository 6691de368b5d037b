# The home of ai_user, $H.
home() {
    H=$(getent passwd ai_user | cut -d: -f6)
    mkdir -p "$H"
    chown ai_user:ai_team "$H"
}

# credential FILE MODE [OWNER]: a file in it, of ai_user unless somebody else is named.
credential() {
    mkdir -p "$H/$(dirname "$1")"
    echo x > "$H/$1"
    chmod "$2" "$H/$1"
    chown "${3:-ai_user:ai_team}" "$H/$1"
}
