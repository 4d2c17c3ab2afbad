# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# supervisor.sh - starting, stopping and asking supervisord.

supervisor_socket=run/supervisor.sock

supervise() { (cd "$STACK_DIR" && "$root/deploy/local/supervise" "$supervisor_socket" "$@"); }

# One that has ended keeps its number until it is waited for, which in a container without an init nobody does: it has no
# program any more.
supervisord_runs() {
    local pid
    pid=$(cat "$STACK_DIR/run/supervisord.pid" 2>/dev/null) && [[ -e /proc/$pid/exe ]] &&
        [[ $(cat "/proc/$pid/comm" 2>/dev/null) == supervisord ]]
}

# Inherited locks would be held for as long as the stack runs.
start_supervisord() {
    local conf=$STACK_DIR/conf/supervisord.conf
    if supervisord_runs; then
        /usr/bin/supervisorctl -c "$conf" update >/dev/null
    else
        /usr/bin/supervisord -c "$conf" 9>&-
        wait_for supervisord 10 supervise states
    fi
}

program_state() { supervise states 2>/dev/null | awk -v name="$1" '$1 == name { print $2 }'; }

# What a program is made of, as one sum: its binary, settings and configuration.
program_sum() {
    local name=$1 files
    files=("$STACK_DIR/bin/run" "$STACK_DIR/conf/env/$name.env" "$STACK_DIR/env/common.env" "$STACK_DIR/env/$name.env")
    case $name in
    nginx) files+=("$STACK_DIR"/conf/nginx/nginx.conf "$STACK_DIR"/conf/nginx/includes/*) ;;
    postgres) files+=("$STACK_DIR/conf/postgresql.conf") ;;
    prometheus) files+=("$STACK_DIR"/conf/monitoring/*) ;;
    redis) files+=("$STACK_DIR/conf/redis.conf") ;;
    kafka*) files+=("$STACK_DIR/bin/kafka" "$STACK_DIR/conf/$name.properties") ;;
    relay-*) files+=("$STACK_DIR/bin/outbox-relay") ;;
    *) files+=("$STACK_DIR/bin/${name%-[0-9]*}") ;;
    esac
    cat "${files[@]}" 2>/dev/null | sha256sum || true
}
remember_programs() {
    local name
    for name in "${servers[@]}" "${ours[@]}" nginx; do program_sum "$name" >"$STACK_DIR/run/$name.sum"; done
}
changed_programs() { # those that were started from something else
    local name sum
    for name in "${servers[@]}" "${ours[@]}" nginx; do
        sum=$STACK_DIR/run/$name.sum
        [[ ! -e $sum || $(program_sum "$name") == "$(<"$sum")" ]] || echo "$name"
    done
}

help_down() {
    cat <<'END'
Usage: ./stack down

Stops all programs of this stack, the ones in front first; requests and events in work are finished. The data stays.
END
}
command_down() {
    as_root "$@"
    stop_all
}
stop_all() {
    STACK_DIR=$(readlink -f "$STACK_DIR")
    supervisord_runs || { echo "nothing runs at $STACK_DIR" && return; }
    local pid began=$EPOCHREALTIME names
    pid=$(<"$STACK_DIR/run/supervisord.pid")
    mapfile -t names < <(supervise states | cut -d' ' -f1)
    # in this order nobody asks a server that is gone
    show_progress down "$began" 'the programs of ours'
    stop_those '^(nginx)$' "${names[@]}"
    stop_those '^(order-api|relay-.*|worker-.*)$' "${names[@]}"
    show_progress down "$began" 'the servers'
    stop_those '.' "${names[@]}"
    kill "$pid"
    while supervisord_runs; do sleep 0.05; done
    show_done down "$began"
}
stop_those() { # PATTERN NAME...
    local chosen
    mapfile -t chosen < <(printf '%s\n' "${@:2}" | grep -E "$1")
    ((${#chosen[@]} == 0)) || supervise stop "${chosen[@]}"
}

help_reset() {
    cat <<'END'
Usage: ./stack reset [--yes]

Stops everything and deletes the data of this stack: orders, events, passwords, logs. Asks first, unless --yes.
END
}
command_reset() {
    as_root "$@"
    local place answer
    [[ -e $STACK_DIR ]] || { echo "there is nothing at $STACK_DIR" && return; }
    place=$(readlink -f "$STACK_DIR")
    [[ -e $place/run || -z $(ls -A "$place") ]] || die "$place does not look like the data of a stack: delete it yourself"
    if [[ ${1:-} != --yes ]]; then
        read -rp "Delete all data in $place? [y/N] " answer || true
        [[ $answer == [yY]* ]] || die "nothing was deleted"
    fi
    ! supervisord_runs || stop_all
    rm -rf "$place"
    [[ ! -L $STACK_DIR ]] || rm "$STACK_DIR"
    echo "deleted $place"
}
