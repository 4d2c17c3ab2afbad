# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# mutants.sh - the tests under test: what it takes, then tests/mutants/run.py.

help_mutants() {
    cat <<'END'
Usage: ./stack mutants [--list] [NAME...]

Puts defects into a copy of the tree (build/mutants/tree), one after the other, builds it and runs the tests that have to
notice: an inbox that remembers nothing, offsets before the commit, a cache that is believed, locks out of order, and so on.
Each is a small diff in tests/mutants, with what is wrong and which tests must fail. --list names them all.

One line a mutant: caught, SURVIVED (a test that is missing), or BROKEN (it applies no more, or does not build). First the same
tests run without any. Those on servers use TEST_PORT_BASE (4001). All of them take about 20 minutes on two cores.

Exit status: 0 all caught; 1 not; 64 usage.
END
}

command_mutants() {
    as_root "$@"
    check_system
    BUILD="test"
    step_logs=$root/build/mutants
    mkdir -p "$step_logs"
    install_packages "${run_packages[@]}" "${test_packages[@]}"
    exec /usr/bin/python3 "$root/tests/mutants/run.py" "$@"
}
