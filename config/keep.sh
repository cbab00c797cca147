#!/bin/sh
# Runs a command, and runs it again whenever a signal has killed it (kill -9, no memory left). A command that ends by
# itself is not run again: its exit status is passed on. SIGTERM and SIGINT are passed to the command, and end it all.
stopping=
trap 'stopping=yes; kill -TERM "$child" 2>/dev/null' TERM INT

while true; do
    "$@" &
    child=$!
    # The signal may have come before there was a command to pass it to.
    [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null
    wait "$child"
    status=$?
    # A signal to this shell ends `wait` too: the command may still be at work.
    while kill -0 "$child" 2>/dev/null; do
        wait "$child"
        status=$?
    done
    if [ -n "$stopping" ] || [ "$status" -le 128 ]; then
        exit "$status"
    fi
    echo "Killed by signal $((status - 128)), started again: $*" >&2
    sleep 1
done
