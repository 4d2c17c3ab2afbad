# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# up.sh - from whatever state the machine is in to a stack that answers.

help_up() {
    cat <<'END'
Usage: ./stack up [--tls] [--monitoring]

Installs what is missing (apt, npm, Kafka by Maven), builds, starts all programs under supervisord, waits until they are
ready and prints the addresses. Run again it builds and restarts only what changed. Needs root. `./stack --help` lists the
settings. --tls is TLS=on: HTTPS, and only that, with a certificate made for this machine; STACK_DIR/tls/certificate.pem is what
clients have to trust. TLS=off ./stack up goes back. --monitoring is MONITORING=on: Prometheus, with its alerts, at port +20 of
this machine alone; MONITORING=off ./stack up stops it and keeps what it has gathered.
END
}

command_up() {
    case ${1:-} in
    '') ;;
    --tls) TLS=on exec "$root/stack" up "${@:2}" ;;
    --monitoring) MONITORING=on exec "$root/stack" up "${@:2}" ;;
    *) die "up takes --tls and --monitoring and nothing else, not '$1'" ;;
    esac
    as_root
    prepare
    start_all
    print_addresses
}

# All that comes before programs are started: what they are made of, in STACK_DIR.
prepare() {
    check_system
    place_stack_dir
    exec 9>"$STACK_DIR/run/lock"
    flock -n 9 || die "another ./stack is at work on $STACK_DIR: wait for it"
    check_disk "$STACK_DIR" 500
    list_programs
    supervisord_runs || check_ports

    if [[ $MONITORING == on ]]; then run_packages+=("${monitoring_packages[@]}"); fi
    install_packages "${run_packages[@]}"
    build_all
    choose_broker
    broker_line | tee "$STACK_DIR/run/broker" # for status
    make_secrets
    set_addresses
    make_certificate
    write_envs
    write_server_configs
    write_supervisord_conf
    install_programs
    install_site
}

# Builds, while npm and Maven fetch: one needs the cores, the others the network.
build_all() {
    mkdir -p "$root/build"
    exec 8>"$root/build/lock"
    flock 8
    start npm npm_parts --omit=dev
    if wants_kafka; then start kafka fetch_kafka; fi
    step build "build ($BUILD)" "The compiler's own words are above." build_programs
    finish npm "npm parts" "Check the network and 'npm config get registry', then run it again."
    kafka_fetched=false
    if wants_kafka && await kafka "Apache Kafka's jars"; then kafka_fetched=true; fi
    exec 8>&-
}
build_programs() { build_preset "$BUILD"; }
build_preset() { # PRESET
    cd "$root" || return
    [[ -e build/$1/build.ninja ]] || cmake --preset "$1"
    NINJA_STATUS='[%f/%t] ' cmake --build --preset "$1"
}

wants_kafka() { [[ $BROKER != embedded && -z ${KAFKA_BROKERS:-} ]]; }

choose_broker() {
    if [[ -n ${KAFKA_BROKERS:-} ]]; then
        broker=external
    elif $kafka_fetched; then
        broker=kafka
    elif [[ $BROKER == kafka ]]; then
        tail -n 5 "$step_logs/kafka.log" >&2
        die "Maven could not fetch Apache Kafka: check the network and ~/.m2/settings.xml, or take BROKER=embedded"
    else
        broker=embedded
    fi
    [[ $broker != embedded || $KAFKA_NODES == 1 ]] ||
        die "KAFKA_NODES=$KAFKA_NODES: the embedded broker is one; Apache Kafka comes by Maven: check the network"
}
broker_line() {
    case $broker in
    kafka) echo "broker: Apache Kafka $(basename "$root"/build/kafka/libs/kafka_2.13-*.jar .jar | cut -d- -f2)" ;;
    external) echo "broker: external, at $KAFKA_BROKERS" ;;
    embedded)
        if [[ $BROKER == embedded ]]; then echo "broker: EMBEDDED, in memory only, as asked for"; else
            echo "broker: EMBEDDED, in memory only, because Maven could not fetch Kafka ($step_logs/kafka.log)"
        fi
        ;;
    esac
}

# The stack runs copies: a build never changes a program under its feet, and root's checkout may stay closed.
install_programs() {
    local name
    install -C "$root/deploy/local/run" "$root/build/$BUILD"/bin/* "$STACK_DIR/bin/"
    install -C -m 644 -D -t "$STACK_DIR/letters" "$root"/workers/services/letters/*
    if runs_provider; then
        install -C "$root/deploy/provider/provider" "$STACK_DIR/bin/"
        install -d -o nobody "$STACK_DIR/provider"
    fi
    if [[ $MONITORING == on ]]; then install -d -o nobody "$STACK_DIR/prometheus"; fi
    case $broker in
    kafka)
        install -C "$root/deploy/local/kafka/start" "$STACK_DIR/bin/kafka"
        install -d -o nobody "${kafka_nodes[@]/#kafka/$STACK_DIR/kafka/data}"
        # links where both are on one disk
        cp -ru --link "$root/build/kafka/libs" "$STACK_DIR/kafka/" 2>/dev/null ||
            cp -ru "$root/build/kafka/libs" "$STACK_DIR/kafka/"
        ;;
    embedded) install -C "$root/build/$BUILD/bin/embedded-broker" "$STACK_DIR/bin/kafka" ;;
    esac
}

install_site() {
    step site "pages and documentation" "They are made from openapi/." "$root/openapi/build" "$STACK_DIR/www"
    chmod -R a+rX "$STACK_DIR/www"
}

make_postgres() {
    [[ ! -e $STACK_DIR/postgres/PG_VERSION ]] || return 0
    local password=$STACK_DIR/run/postgres/password
    install -d -o postgres -g postgres -m 700 "$STACK_DIR/postgres"
    install -o postgres -m 600 /dev/stdin "$password" <<<"$POSTGRES_PASSWORD"
    cd / || return
    runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -D "$STACK_DIR/postgres" --username=postgres \
        --auth=scram-sha-256 --pwfile="$password" --encoding=UTF8 --locale=C.UTF-8 --no-instructions
    rm "$password"
}

# Servers first, then what they hold, then the programs that need both.
start_all() {
    local name changed
    start_supervisord
    mapfile -t changed < <(changed_programs)
    ((${#changed[@]} == 0)) || supervise stop "${changed[@]}"
    if has postgres "${servers[@]}"; then
        step initdb "PostgreSQL's files" "Is the disk full?" make_postgres
    fi
    supervise start "${servers[@]}" || true # what does not start is told below
    if has postgres "${servers[@]}"; then
        wait_for postgres 60 pg_isready -q -h 127.0.0.1 -p "$postgres_port"
    fi
    if has redis "${servers[@]}"; then wait_for redis 20 redis_answers; fi
    fill_servers
    local programs_began=$EPOCHREALTIME
    supervise start "${ours[@]}" nginx || true
    for name in "${ours[@]}"; do
        [[ -z ${port_of[$name]:-} ]] || wait_for "$name" 60 curl -fsS -m 2 "http://127.0.0.1:${port_of[$name]}/readiness"
    done
    wait_for order-api 60 curl -fsS "${trust[@]}" -m 5 "$base_url/api/utility/readiness"
    if has prometheus "${servers[@]}"; then
        wait_for prometheus 60 curl -fsS -m 2 "http://127.0.0.1:$prometheus_port/-/ready"
    fi
    show_done "programs" "$programs_began"
    remember_programs
}

fill_servers() {
    step migrate "database" "The words of sql/migrate are above." migrate
    step topics "topics" "Is the broker up? ./stack logs kafka" env "KAFKA_BROKERS=$kafka_brokers" \
        "KAFKA_PARTITIONS=$KAFKA_PARTITIONS" "KAFKA_REPLICATION=$KAFKA_NODES" WAIT_SECONDS=240 "$STACK_DIR/bin/make-topics"
}

has() { [[ " ${*:2} " == *" $1 "* ]]; }
redis_answers() { [[ $(redis-cli -h 127.0.0.1 -p "$redis_port" ping) == PONG ]]; }
migrate() {
    local name settings=("DATABASE_URL=$admin_url")
    for name in "${services[@]/%/_DB_PASSWORD}"; do
        name=${name^^}
        settings+=("$name=${!name}")
    done
    env "${settings[@]}" "$root/sql/migrate" --demo
}

print_addresses() {
    cat <<END

Orderline is ready ($(seconds_since "$began")).
  API      $base_url/api/v1/orders      docs  $base_url/docs
  events   $base_url/docs/events        page  $base_url/
  data     $STACK_DIR$([[ $MONITORING == off ]] || printf '\n  alerts   http://127.0.0.1:%s/alerts' "$prometheus_port")

Place an order:
$(first_curl)

Then: ./stack demo, ./stack status, ./stack logs order-api -f, ./stack down
END
    [[ $LISTEN_ADDRESS == 127.* || $LISTEN_ADDRESS == '[::1]' ]] || warn_open
}

# One loud line: nobody is asked who they are.
warn_open() {
    printf '\nWARNING: whoever reaches %s:%s can place, read and cancel orders%s: put an authenticating gateway before it\n' \
        "$LISTEN_ADDRESS" "$http_port" "$([[ $TLS == on ]] || echo ', in clear text')" >&2
}
