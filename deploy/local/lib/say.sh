# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# say.sh - messages, and steps that show on one line what they do and how long it took.

die() {
    printf 'stack: %s\n' "$*" >&2
    exit 1
}

seconds_since() { # $1: an $EPOCHREALTIME
    local ms=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 1000))
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

# On a terminal the line is written again and again; elsewhere only its final form appears.
show_progress() { # $1: what, $2: began, $3: a detail
    [[ -t 1 ]] || return 0
    printf '\r\033[K%-34s %8s  %.60s' "$1" "$(seconds_since "$2")" "$3"
}
show_done() { # $1: what, $2: began, $3: a detail
    [[ ! -t 1 ]] || printf '\r\033[K'
    printf '%-34s %8s  %s\n' "$1" "$(seconds_since "$2")" "${3:-}"
}

# start NAME COMMAND... runs it in the background, with its output in the log NAME; await or finish waits for it.
# Where it failed, finish ends everything with the end of that log and ADVICE.
declare -A started_pid started_at
start() {
    local name=$1
    shift
    started_at[$name]=$EPOCHREALTIME
    # what runs in the background would ignore Ctrl-C
    (trap - INT && set -e && "$@") >"$step_logs/$name.log" 2>&1 </dev/null &
    started_pid[$name]=$!
}
await() { # NAME WHAT: shows progress, returns the command's own status
    local log=$step_logs/$1.log status=0
    while kill -0 "${started_pid[$1]}" 2>/dev/null; do
        show_progress "$2" "${started_at[$1]}" "$(tail -n 1 "$log" 2>/dev/null | tr -d '\r')"
        sleep 0.1
    done
    wait "${started_pid[$1]}" || status=$?
    show_done "$2" "${started_at[$1]}" "$( ((status == 0)) || echo failed)"
    return "$status"
}
finish() { # NAME WHAT ADVICE
    local log=$step_logs/$1.log
    if ! await "$1" "$2"; then
        tail -n 12 "$log" | sed 's/^/    /' >&2
        die "$2: failed. $3 (all of it: $log)"
    fi
}
step() { # NAME WHAT ADVICE COMMAND...
    start "$1" "${@:4}"
    finish "$1" "$2" "$3"
}

# wait_for PROGRAM SECONDS COMMAND...: until COMMAND succeeds, PROGRAM gives up, or time is over.
wait_for() {
    local program=$1 limit=$2 began=$EPOCHREALTIME state
    shift 2
    until "$@" >/dev/null 2>&1; do
        state=$(program_state "$program")
        if [[ $state == FATAL ]] || ((${EPOCHREALTIME/[.,]*/} - ${began/[.,]*/} > limit)); then
            show_done "$program" "$began" 'not ready'
            tail -n 15 "$STACK_DIR/log/$program.log" 2>/dev/null | sed 's/^/    /' >&2 || true
            die "$program is not ready after $(seconds_since "$began") (state: ${state:-unknown}); above is the end of" \
                "$STACK_DIR/log/$program.log"
        fi
        show_progress "$program" "$began" 'waiting until it is ready'
        sleep 0.1
    done
}
