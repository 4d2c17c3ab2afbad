# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# chaos.sh - the system under faults: what it takes, then tests/chaos/run.py.

help_chaos() {
    cat <<'END'
Usage: ./stack chaos [--seed N] [--minutes M] [--rate R] [--pace S] [--keep]

Clients place R orders a second (20), while for M minutes (5), every S seconds on the average (2), something is killed,
frozen past every time-out, restarted or cut off: each program, PostgreSQL, Redis, nginx, one of three Kafka brokers. Then
everything is healed, comes to rest and is audited: what clients were told against the databases, and every invariant.
Prints the seed (which makes the same faults again), each fault, and the orders sent, acknowledged, found, lost, duplicated.

Takes a stack of its own (.stack-chaos, CHAOS_PORT_BASE=4101) of sanitized programs; --keep leaves it up. Needs root;
without iptables nothing is cut off, without Apache Kafka no broker is harmed, and it says so. docs/RELIABILITY.md tells
what each fault has to do with what is promised.

Exit status: 0 nothing lost, repeated or broken; 1 something was; 2 usage.
END
}

command_chaos() {
    as_root "$@"
    check_system
    BUILD="test"
    step_logs=$root/build/chaos
    mkdir -p "$step_logs"
    install_packages "${run_packages[@]}" "${test_packages[@]}"
    build_all
    choose_broker
    BROKER=$([[ $broker == external ]] || echo "$broker") exec /usr/bin/python3 "$root/tests/chaos/run.py" "$@"
}
