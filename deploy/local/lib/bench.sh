# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# bench.sh - measures the system on this machine; what and how is told in bench/README.md.

help_bench() { exec /usr/bin/python3 "$root/bench/measure" --help; }

command_bench() {
    as_root "$@"
    check_system
    case " $* " in *" --help "*) help_bench ;; esac
    step_logs=$root/build/bench-logs
    mkdir -p "$step_logs"
    install_packages "${run_packages[@]}" "${bench_packages[@]}"
    exec 8>"$root/build/lock"
    flock 8
    step build "build (release)" "The compiler's own words are above." build_bench
    exec 8>&-
    exec /usr/bin/python3 "$root/bench/measure" "$@"
}
build_bench() {
    build_preset release
    cmake --build "$root/build/release" --target bench-programs
}
