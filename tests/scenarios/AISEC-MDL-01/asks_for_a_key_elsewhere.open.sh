#!/bin/sh
# A program that nobody knows asks for a key where models are listed, at another port than the one that is tried.
# host: services
# lib: stranger
# active: yes
stranger "$(printf 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 25\r\nConnection: close\r\n\r\n{"error": "Unauthorized"}')"
