#!/usr/bin/env bash
# Runs examples/email: a mail server that prints what it gets, and eddy in front. Both end with this script: at
# Ctrl-C, at a signal, when the program that started it has gone, or when a pipe that is its standard input ends.
set -eu
cd "$(dirname "$0")/.."

export HTTP_PORT="${HTTP_PORT:-10080}" SMTP_PORT="${SMTP_PORT:-2525}"
parent=$PPID
pids=()

stop() {
    trap - EXIT INT TERM HUP
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
}
trap 'stop; exit 0' INT TERM HUP
trap stop EXIT

# True when something accepts connections on a port of this machine.
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
alive() { kill -0 "$1" 2>/dev/null; }

for port in "$HTTP_PORT" "$SMTP_PORT"; do
    if listens "$port"; then
        echo "Port $port is taken. Choose others: HTTP_PORT=8081 SMTP_PORT=8025 make run" >&2
        exit 1
    fi
done

bin/mailsink -listen "127.0.0.1:$SMTP_PORT" &
pids+=($!)
sink=$!
bin/eddy -db -f examples/email/haproxy.cfg &
pids+=($!)
eddy=$!

for _ in $(seq 100); do
    if listens "$HTTP_PORT" && listens "$SMTP_PORT"; then break; fi
    alive "$eddy" && alive "$sink" || exit 1
    sleep 0.1
done

cat <<TEXT

eddy answers on port $HTTP_PORT; the mail server on port $SMTP_PORT prints what it gets. Try, in another terminal:

    curl -i http://127.0.0.1:$HTTP_PORT/hello -H 'x-greeting: from the stream'

The answer comes at once, the mail a moment later. Ctrl-C stops both. Here is a first request:

TEXT

exec 3<>"/dev/tcp/127.0.0.1/$HTTP_PORT"
printf 'GET /first HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$HTTP_PORT" >&3
timeout 5 cat <&3 || true
exec 3>&-

piped=""
[ -p /dev/stdin ] && piped=yes
while alive "$eddy" && alive "$sink" && alive "$parent"; do
    if [ -n "$piped" ]; then
        # A line on the pipe means nothing; its end means that whoever held it has gone.
        status=0
        read -r -t 1 _ || status=$?
        [ "$status" -eq 0 ] || [ "$status" -gt 128 ] || exit 0
    else
        sleep 1 &
        wait $! || true
    fi
done
if alive "$parent"; then exit 1; fi
