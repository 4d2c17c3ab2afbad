# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# packages.sh - what comes from apt, npm and Maven, each only where it is missing.

run_packages=(
    ca-certificates cmake curl gcc libc6-dev ninja-build pkg-config
    libcjson-dev libcurl4-openssl-dev libfcgi-dev libhiredis-dev libmicrohttpd-dev libpq-dev librdkafka-dev libssl-dev
    multiwatch nginx openssl postgresql-15 python3-yaml redis-server spawn-fcgi supervisor
)
monitoring_packages=(prometheus)
bench_packages=(python3-psycopg2 wrk)
test_packages=(
    chromium clang clang-format clang-tidy iso-codes iptables libcmocka-dev man-db patch postgresql-15-plpgsql-check prometheus
    shellcheck systemd wrk python3-aiosmtpd python3-confluent-kafka python3-hypothesis python3-jsonschema python3-psycopg2 python3-pytest
    python3-redis python3-requests python3-venv
)

missing_packages() { # prints those of $@ that are not installed
    comm -23 <(printf '%s\n' "$@" | sort -u) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u)
}

# Debian starts every server it installs, on ports that may not be ours to take. Here none is started, no default
# database is made, and none starts at the next boot; what was running before keeps running.
apt_install() {
    local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/orderline.conf package
    if [[ ! -e $policy ]]; then
        trap 'rm -f /usr/sbin/policy-rc.d /etc/postgresql-common/createcluster.d/orderline.conf' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    mkdir -p "${cluster%/*}"
    echo 'create_main_cluster = false' >$cluster
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
    rm -f $cluster
    for package in "$@"; do
        case $package in
        nginx | prometheus | redis-server | supervisor) disable_service "$package" ;;
        postgresql-15) disable_service postgresql ;;
        esac
    done
}
disable_service() {
    ! command -v systemctl >/dev/null || systemctl disable --quiet "$1" || true
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    command -v npm >/dev/null || missing+=(npm)
    if [[ $BROKER != embedded && -z ${KAFKA_BROKERS:-} ]]; then
        command -v java >/dev/null || missing+=(default-jre-headless)
        [[ -e $root/build/kafka/.complete ]] || command -v mvn >/dev/null || missing+=(maven)
    fi
    ((${#missing[@]})) || return 0
    check_disk / 2500
    step apt "packages (${#missing[@]} missing)" \
        "Check the network and /etc/apt/sources.list*, then run it again." apt_install "${missing[@]}"
}

# npm_parts [--omit=dev]: node_modules as package-lock.json has it. A copy of that file tells what was installed.
npm_parts() {
    local all=$root/build/npm-all.lock some=$root/build/npm-some.lock lock=$root/package-lock.json
    ! cmp -s "$lock" "$all" || return 0
    [[ ${1:-} != --omit=dev ]] || ! cmp -s "$lock" "$some" || return 0
    rm -f "$all" "$some"
    (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund ${1:+"$1"})
    cp "$lock" "$([[ ${1:-} == --omit=dev ]] && echo "$some" || echo "$all")"
}

# Kafka's jars, pinned by deploy/local/kafka/pom.xml, shared by all stacks of this checkout.
fetch_kafka() {
    local into=$root/build/kafka
    [[ $into/.complete -ot $root/deploy/local/kafka/pom.xml ]] || return 0
    rm -rf "$into"
    mkdir -p "$into"
    timeout 900 mvn --batch-mode --no-transfer-progress -U -f "$root/deploy/local/kafka/pom.xml" \
        dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$into/libs"
    touch "$into/.complete"
}
