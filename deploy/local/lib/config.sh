# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# config.sh - writes what the programs read: secrets, settings, supervisord's list.

# Fills ${NAME} in FILE with the value given, and leaves every other "$" alone. $1: file, then NAME=value...
render() {
    local text setting
    text=$(<"$1")
    for setting in "${@:2}"; do
        text=${text//"\${${setting%%=*}}"/"${setting#*=}"}
    done
    printf '%s\n' "$text"
}

# Passwords are made once and kept, readable for root alone.
make_secrets() {
    local file=$STACK_DIR/secrets.env name
    touch "$file"
    chmod 600 "$file"
    for name in POSTGRES_PASSWORD "${services[@]/%/_DB_PASSWORD}" PROVIDER_TOKEN; do
        grep -q "^${name^^}=" "$file" || echo "${name^^}=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >>"$file"
    done
    # shellcheck disable=SC1090
    . "$file"
}

# The addresses: of servers of this stack, or those given from outside.
set_addresses() {
    admin_url=${DATABASE_URL:-postgresql://postgres:$POSTGRES_PASSWORD@127.0.0.1:$postgres_port/orderline}
    redis_url=${REDIS_URL:-redis://127.0.0.1:$redis_port}
    kafka_brokers=${KAFKA_BROKERS:-$kafka_addresses}
    cat >"$STACK_DIR/stack.env" <<END
PORT_BASE=$PORT_BASE
TLS=$TLS
MONITORING=$MONITORING
BASE_URL=$base_url
BROKER=$broker
DATABASE_URL=$admin_url
REDIS_URL=$redis_url
KAFKA_BROKERS=$kafka_brokers
END
    chmod 600 "$STACK_DIR/stack.env"
}

# The stack's own certificate, of this machine's names: its own authority, and made anew when a month is left of its year.
make_certificate() {
    [[ $TLS == on && -z $TLS_CERTIFICATE ]] || return 0
    ! openssl x509 -checkend 2592000 -noout -in "$tls_certificate" >/dev/null 2>&1 || return 0
    install -d -m 755 "$STACK_DIR/tls"
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=localhost" \
        -addext "subjectAltName=DNS:localhost,DNS:$(hostname),IP:127.0.0.1,IP:::1" -keyout "$tls_key" -out "$tls_certificate") \
        2>"$step_logs/tls.log" || die "openssl made no certificate: see $step_logs/tls.log"
    chmod 644 "$tls_certificate"
}

# The administrator's URL with the role and password of one service. $1: schema
service_url() {
    local rest=${admin_url#*://} password=${1^^}_DB_PASSWORD
    echo "postgresql://orderline_$1:${!password}@${rest##*@}"
}

write_env() { # PROGRAM NAME=value...
    printf "%s\n" "${@:2}" | sed "s/=\(.*\)/='\1'/" >"$STACK_DIR/conf/env/$1.env"
}

write_envs() {
    local i name copy own provider=("PAYMENT_URL=${PAYMENT_URL:-}" "PAYMENT_TOKEN=${PAYMENT_TOKEN:-}")
    write_env order-api "DATABASE_URL=$(service_url orders)" "REDIS_URL=$redis_url" \
        "METRICS_FILE=$STACK_DIR/run/order-api/metrics"
    write_env kafka "BROKER_PORT=$((PORT_BASE + 4))" "KAFKA_PARTITIONS=$KAFKA_PARTITIONS"
    if runs_provider; then
        write_env provider "PROVIDER_TOKEN=$PROVIDER_TOKEN"
        provider=("PAYMENT_URL=http://127.0.0.1:$provider_port" "PAYMENT_TOKEN=$PROVIDER_TOKEN")
    fi
    for name in "${services[@]}"; do
        write_env "relay-$name" "SERVICE=$name" "DATABASE_URL=$(service_url "$name")" "KAFKA_BROKERS=$kafka_brokers" \
            "HEALTH_PORT=${port_of[relay-$name]}"
    done
    for copy in "${ours[@]}"; do
        [[ $copy == worker-* ]] || continue
        name=${copy#worker-} name=${name%-[0-9]*}
        # the order service's schema is called orders: "order" is a word of SQL
        own=()
        case $name in
        notification) own=("LETTERS=$STACK_DIR/letters") ;;
        payment) if [[ $PAYMENT_GATEWAY == http ]]; then own=(PAYMENT_GATEWAY=http "${provider[@]}"); fi ;;
        esac
        write_env "$copy" "DATABASE_URL=$(service_url "${name/%order/orders}")" "KAFKA_BROKERS=$kafka_brokers" \
            "HEALTH_PORT=${port_of[$copy]}" "${own[@]}"
    done
}

write_kafka_configs() {
    local i node
    for i in "${!kafka_nodes[@]}"; do
        node=${kafka_nodes[i]}
        render "$root/deploy/local/kafka/server.properties" "NODE_ID=$((i + 1))" "VOTERS=$kafka_voters" \
            "KAFKA_PORT=${port_of[$node]}" "CONTROLLER_PORT=${port_of[$node-controller]}" "REPLICATION=$KAFKA_NODES" \
            "MIN_INSYNC=$((KAFKA_NODES / 2 + 1))" "KAFKA_DATA=$STACK_DIR/kafka/data${node#kafka}" \
            >"$STACK_DIR/conf/$node.properties"
    done
}

# What Prometheus asks: nginx for order-api, and every program with a health port.
write_prometheus_config() {
    local name
    rm -rf "$STACK_DIR/conf/monitoring"
    [[ $MONITORING == on ]] || return 0
    install -D -m 644 -t "$STACK_DIR/conf/monitoring" "$root"/deploy/monitoring/{prometheus.local,rules}.yml
    {
        echo "- { targets: ['127.0.0.1:$metrics_port'], labels: { program: order-api } }"
        for name in "${ours[@]}"; do
            [[ $name == order-api || $name == provider ]] ||
                echo "- { targets: ['127.0.0.1:${port_of[$name]}'], labels: { program: ${name%-[0-9]*} } }"
        done
    } >"$STACK_DIR/conf/monitoring/targets.yml"
}

write_server_configs() {
    local tls=(TLS_CERTIFICATE= TLS_KEY=)
    [[ $TLS == off ]] || tls=("TLS_CERTIFICATE=$tls_certificate" "TLS_KEY=$tls_key")
    rm -rf "$STACK_DIR/conf/nginx"
    mkdir -p "$STACK_DIR/conf/nginx"
    cp -r "$root/nginx/includes" "$STACK_DIR/conf/nginx/includes"
    "$root/nginx/configure" NGINX_USER=www-data "HTTP_ADDRESS=$LISTEN_ADDRESS:$http_port" \
        "METRICS_ADDRESS=127.0.0.1:$metrics_port" "FASTCGI_SOCKET=$STACK_DIR/run/order-api/socket" \
        "STATIC_ROOT=$STACK_DIR/www" "NGINX_RUN=$STACK_DIR/run/nginx" "CLIENT_CONNECTIONS=$CLIENT_CONNECTIONS" \
        "CLIENT_RATE=$CLIENT_RATE" "${tls[@]}" >"$STACK_DIR/conf/nginx/nginx.conf"
    write_kafka_configs
    write_prometheus_config
    cp "$root/deploy/local/kafka/log4j.properties" "$root/deploy/local/postgresql.conf" "$root/deploy/local/redis.conf" \
        "$STACK_DIR/conf/"
    chmod -R a+rX "$STACK_DIR/conf/nginx" "$STACK_DIR"/conf/*.*
    chmod 755 "$STACK_DIR/conf"
}

# program NAME PRIORITY USER SIGNAL SECONDS COMMAND: one section. Lower priorities start first and stop last.
program() {
    mkdir -p "$STACK_DIR/run/$1"
    chown "$3:" "$STACK_DIR/run/$1"
    cat <<END

[program:$1]
command=$STACK_DIR/bin/run $1 $3 $6
priority=$2
autostart=false
autorestart=true
startsecs=1
startretries=1000
stopsignal=$4
stopwaitsecs=$5
redirect_stderr=true
stdout_logfile=$STACK_DIR/log/$1.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
END
}

write_supervisord_conf() {
    local name bin=$STACK_DIR/bin
    {
        render "$root/deploy/local/supervisord.conf" "STACK_DIR=$STACK_DIR"
        for name in "${servers[@]}"; do
            case $name in
            # INT is the fast stop: sessions are ended, the checkpoint is written
            postgres) program postgres 10 postgres INT 60 "/usr/lib/postgresql/15/bin/postgres -D $STACK_DIR/postgres \
-c config_file=$STACK_DIR/conf/postgresql.conf -c hba_file=$STACK_DIR/postgres/pg_hba.conf -c port=$postgres_port" ;;
            prometheus) program prometheus 95 nobody TERM 20 "/usr/bin/prometheus --config.file=$STACK_DIR/conf/monitoring/\
prometheus.local.yml --storage.tsdb.path=$STACK_DIR/prometheus --web.listen-address=127.0.0.1:$prometheus_port" ;;
            redis) program redis 10 redis TERM 10 "/usr/bin/redis-server $STACK_DIR/conf/redis.conf --port $redis_port" ;;
            # the embedded broker takes no arguments
            kafka*) program "$name" 20 nobody TERM 60 "$bin/kafka$([[ $broker == embedded ]] || echo " $name")" ;;
            esac
        done
        program nginx 90 root QUIT 15 "/usr/sbin/nginx -e stderr -c $STACK_DIR/conf/nginx/nginx.conf"
        for name in "${ours[@]}"; do
            case $name in
            # multiwatch keeps N processes on the socket; told so, it passes TERM on as it is
            order-api) program order-api 50 www-data TERM 20 "/usr/bin/spawn-fcgi -n -s socket -b 1024 -M 0660 -- \
/usr/bin/multiwatch -s TERM -f $ORDER_API_PROCESSES -- $bin/order-api" ;;
            provider) program provider 30 nobody TERM 10 "$bin/provider --port $provider_port --data $STACK_DIR/provider/books" ;;
            relay-*) program "$name" 40 nobody TERM 20 "$bin/outbox-relay" ;;
            worker-*) program "$name" 40 nobody TERM 20 "$bin/${name%-[0-9]*}" ;;
            esac
        done
    } >"$STACK_DIR/conf/supervisord.conf"
}
