# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# test.sh - every test and linter there is, in stages, and one line of totals.

help_test() {
    cat <<'END'
Usage: ./stack test [--compose] [PYTEST OPTION...]

Installs what the tests need, builds with sanitizers and failpoints, runs the unit tests, then everything under tests/ by
pytest on a stack of its own (.stack-test, TEST_PORT_BASE=4001), then the linters. The last line is "N passed, N failed, N
skipped". --compose runs the integration tests against containers. Other options go to pytest, such as -k NAME or -x.
Reports and the output of each stage: build/test/reports/.
END
}

ruff_version=0.8.4
passed=0 failed=0 skipped=0
failed_here=0 unsteady=0 # of the report read last; passed at the second try only
again_at_most=10 # failed tests that are run once more; if there are more, something is broken

command_test() {
    as_root "$@"
    check_system
    BUILD="test"
    step_logs=$root/build/test/reports
    mkdir -p "$step_logs"
    exec 9>"$step_logs/lock"
    flock -n 9 || die "another ./stack test runs in this checkout: wait for it"
    rm -f "$step_logs"/*.xml
    exec 8>"$root/build/lock"
    flock 8
    install_packages "${run_packages[@]}" "${test_packages[@]}"
    if wants_kafka; then start kafka fetch_kafka; fi
    start npm npm_parts
    start ruff make_ruff
    if ! stage build "build (test)" build_programs; then
        failed=1
        total
    fi
    await npm "npm parts" || failed=$((failed + 1))
    await ruff "ruff" || true
    kafka_fetched=false
    if wants_kafka && await kafka "Apache Kafka's jars"; then kafka_fetched=true; fi
    exec 8>&-
    choose_broker
    broker_line

    stage unit "unit tests" run_units test || true
    count_report unit
    stage tsan "unit tests (ThreadSanitizer)" run_units tsan || true
    count_report tsan
    lint clang build_preset clang
    test_on_servers "$@"
    lint shellcheck lint_shell
    lint clang-format lint_c
    lint clang-tidy lint_tidy
    if [[ -x $root/build/venv/bin/ruff ]]; then lint ruff lint_python; else skip ruff "PyPI is out of reach"; fi
    if node_runs_redocly; then lint redocly lint_documents; else skip redocly "needs Node.js 20.19 or newer"; fi
    total
}

total() {
    ((unsteady == 0)) || printf '%d of them passed at the second try only: see %s\n' "$unsteady" "$step_logs/pytest.log"
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    ((failed == 0))
    exit
}

# stage NAME WHAT COMMAND...: one line of progress; when it fails, what it said and where the rest is.
stage() {
    start "$1" "${@:3}"
    await "$1" "$2" && return
    tail -n 40 "$step_logs/$1.log" | sed 's/^/    /'
    echo "    (all of it: $step_logs/$1.log)"
    return 1
}

# A test on servers that fails is run once more, by itself: where it passes then, the summary names it, and it is a defect to
# mend, but it does not hide what else the run has to say.
test_on_servers() { # PYTEST OPTION...
    if stage pytest "tests on servers" run_pytest pytest "$@"; then
        count_report pytest
        return
    fi
    count_report pytest
    local first=$failed_here
    ((first > 0 && first <= again_at_most)) || return 0
    stage pytest-again "failed tests, once more" run_pytest pytest-again --last-failed --last-failed-no-failures none "$@" || true
    failed=$((failed - first))
    count_report pytest-again
    unsteady=$((first - failed_here))
}

# Adds up a JUnit report; a runner that left none failed as a whole.
count_report() { # NAME; leaves the number of its failures in failed_here
    local numbers
    numbers=$(/usr/bin/python3 - "$step_logs/$1.xml" <<'END'
import sys
from xml.etree import ElementTree

suites = list(ElementTree.parse(sys.argv[1]).iter("testsuite"))
total, bad, left_out = (sum(int(s.get(k) or 0) for s in suites for k in keys.split())
                        for keys in ("tests", "failures errors", "skipped disabled"))
print(total - bad - left_out, bad, left_out)
END
    ) || numbers="0 1 0"
    # shellcheck disable=SC2086 # three words
    set -- $numbers
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)) failed_here=$2
}
lint() { # NAME COMMAND...
    if stage "$1" "$1" "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
skip() { # NAME WHY
    printf '%-34s %8s  %s\n' "$1" skipped "$2"
    skipped=$((skipped + 1))
}

run_units() { # PRESET
    build_preset "$1" || return
    ctest --test-dir "$root/build/$1" --output-on-failure --no-tests=error --output-junit "$step_logs/${1/test/unit}.xml"
}

# Each folder is named, so that the options of its conftest.py are known.
run_pytest() { # NAME PYTEST OPTION...
    cd "$root" || return
    local folders
    mapfile -t folders < <(find tests -name 'test_*.py' -printf '%h\n' | sort -u)
    BROKER=$([[ $broker == external ]] || echo "$broker") /usr/bin/python3 -m pytest -o cache_dir="$step_logs/pytest.cache" -ra \
        --junitxml="$step_logs/$1.xml" "${folders[@]}" "${@:2}"
}

lint_shell() {
    cd "$root" || return
    { grep -rlIE '^#!.*\b(ba)?sh$' stack .ci sql openapi nginx deploy tests; echo deploy/local/lib/*.sh; } | xargs shellcheck
}
lint_c() {
    cd "$root" || return
    find common fcgi workers ctl deploy tests bench -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
}
# One file a run: clang-tidy 14 sees uninitialized va_lists where it has read another file before.
lint_tidy() {
    cd "$root" || return
    find common fcgi workers ctl deploy -name '*.c' -print0 | xargs -0 -P "$(nproc)" -n 1 clang-tidy -p build/clang --quiet
}
lint_python() { cd "$root" && build/venv/bin/ruff check --no-cache bench bench/measure openapi tests deploy/local/supervise deploy/sbom; }
lint_documents() { cd "$root/openapi" && ../node_modules/.bin/redocly lint; }

make_ruff() {
    [[ -x $root/build/venv/bin/ruff ]] && [[ $("$root/build/venv/bin/ruff" --version) == "ruff $ruff_version" ]] && return
    /usr/bin/python3 -m venv "$root/build/venv"
    "$root/build/venv/bin/pip" install -q "ruff==$ruff_version"
}
node_runs_redocly() {
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'
}
