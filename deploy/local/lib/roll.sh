# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# roll.sh - new processes for old, one after the other, while requests go on.

help_roll() {
    cat <<'END'
Usage: ./stack roll [--upgrade]

Restarts every program of ours and nginx's workers, one process at a time; each finishes what it has in work. No request
fails meanwhile: order-api's socket stays open, and what relays and workers carry waits for them.

--upgrade first builds this checkout, brings database, topics and pages to what it needs while the programs from before run on,
and puts the new programs in their place. New settings of order-api, of servers, and programs that were not there before wait for
`./stack up`.
END
}

command_roll() {
    case ${1:-} in '' | --upgrade) ;; *) die "roll takes --upgrade and nothing else, not '$1'" ;; esac
    as_root "$@"
    STACK_DIR=$(readlink -f "$STACK_DIR")
    supervisord_runs || die "nothing runs at $STACK_DIR: ./stack up"
    local name
    if [[ ${1:-} == --upgrade ]]; then
        prepare
        fill_servers
    fi
    WORKERS=9 list_programs
    mapfile -t running < <(supervise states | awk '$2 == "RUNNING" { print $1 }')
    for name in "${running[@]}"; do
        case $name in
        relay-* | worker-*) roll_program "$name" ;;
        order-api) roll_order_api ;;
        nginx) kill -HUP "$(program_pid nginx)" ;;
        esac
    done
}
program_pid() { supervise states | awk -v name="$1" '$1 == name { print $3 }'; }

roll_program() { # NAME
    local began=$EPOCHREALTIME
    supervise stop "$1"
    supervise start "$1"
    wait_for "$1" 120 curl -fsS -m 2 "http://127.0.0.1:${port_of[$1]}/readiness"
    show_done "$1" "$began"
    program_sum "$1" >"$STACK_DIR/run/$1.sum"
}

# multiwatch keeps the socket and makes a new process for each that ends; connections wait in the socket meanwhile.
roll_order_api() {
    local began=$EPOCHREALTIME parent child count
    parent=$(program_pid order-api)
    count=$(wc -w <"/proc/$parent/task/$parent/children")
    for child in $(<"/proc/$parent/task/$parent/children"); do
        kill -TERM "$child"
        wait_for order-api 120 order_api_has "$parent" "$count" "$child"
    done
    show_done order-api "$began"
}
order_api_has() { # PARENT COUNT GONE: as many children as before, without that one
    local children
    children=$(<"/proc/$1/task/$1/children")
    [[ $(wc -w <<<"$children") == "$2" && " $children " != *" $3 "* ]]
}
