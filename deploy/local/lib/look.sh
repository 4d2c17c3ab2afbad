# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# look.sh - looking at a stack: status, logs, orderctl, demo, and what it is made of.

help_status() {
    cat <<'END'
Usage: ./stack status

Each program with its state, pid, resident memory (with its children) and port. Exit status 3 unless all are running.
END
}
command_status() {
    as_root "$@"
    STACK_DIR=$(readlink -f "$STACK_DIR")
    supervisord_runs || { echo "down ($STACK_DIR)" && return 3; }
    local name state pid down=0
    WORKERS=9 KAFKA_NODES=3 list_programs # for their ports
    printf '%-22s %-9s %8s %9s %6s\n' PROGRAM STATE PID MEMORY PORT
    while read -r name state pid; do
        [[ $state == RUNNING ]] || down=3
        printf '%-22s %-9s %8s %9s %6s\n' "$name" "$state" "${pid/#0/-}" "$(memory_of "$pid")" "${port_of[$name]:--}"
    done < <(supervise states)
    cat "$STACK_DIR/run/broker"
    echo "$base_url  ($STACK_DIR)"
    return $down
}
# Resident MiB of a process and its children. Copies of the parent share most of it: what is their own counts.
memory_of() {
    (($1)) || { echo - && return; }
    local child kib counts
    kib=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status")
    for child in $(<"/proc/$1/task/$1/children"); do
        counts=$(cmp -s "/proc/$1/comm" "/proc/$child/comm" && echo RssAnon: || echo VmRSS:)
        ((kib += $(awk -v counts="$counts" '$1 == counts { print $2 }' "/proc/$child/status")))
    done 2>/dev/null
    printf '%d.%d MiB\n' $((kib / 1024)) $((kib % 1024 * 10 / 1024))
}

help_logs() {
    cat <<'END'
Usage: ./stack logs [PROGRAM] [-f]

The last 40 lines of PROGRAM's log, or the last 5 of every program's; -f follows. The files are STACK_DIR/log/*.log.
END
}
command_logs() {
    local files=() follow=() lines=5 argument
    for argument; do
        case $argument in
        -f) follow=(-F) ;;
        *)
            [[ -e $STACK_DIR/log/$argument.log ]] || die "no log of '$argument'; there are: $(ls "$STACK_DIR/log")"
            files+=("$STACK_DIR/log/$argument.log") lines=40
            ;;
        esac
    done
    ((${#files[@]})) || files=("$STACK_DIR"/log/*.log)
    tail -n "$lines" "${follow[@]}" "${files[@]}"
}

help_ctl() {
    cat <<'END'
Usage: ./stack ctl COMMAND [ARGUMENT...] [OPTION...]

Runs orderctl with the addresses of this stack, and the token of its payment provider: orders, outboxes, dead letters, stock,
load, audit.
`./stack ctl help` lists its commands, `./stack ctl COMMAND --help` tells about one.
END
}
command_ctl() {
    as_root "$@"
    [[ -e $STACK_DIR/stack.env ]] || die "there is no stack at $STACK_DIR: ./stack up makes it"
    local line
    while read -r line; do export "${line?}"; done <"$STACK_DIR/stack.env"
    line=$(sed -n "s/^PAYMENT_TOKEN='\(.*\)'$/\1/p" "$STACK_DIR/conf/env/worker-payment.env")
    export PAYMENT_TOKEN=${PAYMENT_TOKEN:-$line}
    API_URL=$BASE_URL exec "$STACK_DIR/bin/orderctl" "$@"
}

help_sbom() {
    cat <<'END'
Usage: ./stack sbom >sbom.json

What a stack on this machine is made of, as CycloneDX 1.5: our programs (BUILD), Debian's packages that they and the servers come
from, npm's packages, Kafka's jars; with versions, and digests of what is no package of Debian.
END
}
command_sbom() {
    [[ -d $root/build/$BUILD/bin ]] || die "nothing is built: ./stack up builds it"
    "$root/deploy/sbom" "$root/build/$BUILD/bin" multiwatch nginx postgresql-15 redis-server spawn-fcgi supervisor
}

help_demo() {
    cat <<'END'
Usage: ./stack demo

Places an order with curl, waits until it is COMPLETED or CANCELLED, and prints its way with the time of each step.
END
}
first_curl() { # $1: Idempotency-Key
    cat <<END
curl -i${trust[*]:+ ${trust[*]}} -X POST "$base_url/api/external/v1/orders/create" -H "Content-Type: application/json" \\
  -H "Idempotency-Key: ${1:-82c412a6-d932-414a-89f0-5f40b1fac1db}" -d '{"customerId":"67993c38-8059-4d8b-8567-1542560584ee",
  "items":[{"sku":"SKU-1","quantity":33,"unitPrice":19.99},{"sku":"SKU-2","quantity":14.50,"unitPrice":25}],"currency":"USD",
  "shippingAddress":{"country":"USA","city":"Austin","addressLine1":"Lincoln, 65"}}'
END
}
command_demo() {
    local call answer id status began=$EPOCHREALTIME
    call=$(first_curl "demo-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')")
    printf '%s\n\n' "$call"
    answer=$(bash -c "${call/curl -i/curl -sS -i}") || die "no answer from $base_url: is the stack up? ./stack status"
    printf '%s\n\n' "$answer"
    id=$(sed -n 's/.*"orderId":"\([^"]*\)".*/\1/p' <<<"$answer")
    [[ -n $id ]] || die "the order was not accepted, see above"
    until status=$(curl -sS "${trust[@]}" "$base_url/api/v1/orders/$id" | sed -n 's/.*"status":"\([A-Z]*\)".*/\1/p') &&
        [[ $status == COMPLETED || $status == CANCELLED ]]; do
        ((${EPOCHREALTIME/[.,]*/} - ${began/[.,]*/} < 30)) || die "still $status after 30 s: ./stack logs"
        show_progress "$id" "$began" "$status"
        sleep 0.05
    done
    show_done "$id" "$began" "$status"
    curl -sS "${trust[@]}" "$base_url/api/v1/orders/$id/timeline" | /usr/bin/python3 -c '
import json, sys
from datetime import datetime
rows = [(datetime.fromisoformat(r["at"].replace("Z", "+00:00")), r) for r in json.load(sys.stdin)["data"]]
for at, row in rows:
    passed = (at - rows[0][0]).total_seconds() * 1000
    print("  %6.0f ms  %-12s %s" % (passed, row["to"], row["reason"] or ""))'
}
