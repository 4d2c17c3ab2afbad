# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# settings.sh - what the user may set, what follows from it, and the tables of programs.

: "${STACK_DIR:=$root/.stack}" "${PORT_BASE:=}" "${BROKER:=auto}" "${BUILD:=release}"
: "${KAFKA_NODES:=1}" "${KAFKA_PARTITIONS:=6}" "${ORDER_API_PROCESSES:=2}" "${WORKERS:=1}"
: "${LISTEN_ADDRESS:=127.0.0.1}" "${TLS:=}" "${MONITORING:=}" "${TLS_CERTIFICATE:=}" "${TLS_KEY:=}"
: "${CLIENT_CONNECTIONS:=2000}" "${CLIENT_RATE:=50000}" "${PAYMENT_GATEWAY:=simulator}"
[[ $STACK_DIR == /* ]] || STACK_DIR=$PWD/$STACK_DIR
step_logs=$STACK_DIR/log/up # the output of each step, one file a step
case $BROKER in auto | kafka | embedded) ;; *) die "BROKER=$BROKER: it is auto, kafka or embedded" ;; esac
for name in CLIENT_CONNECTIONS CLIENT_RATE; do
    [[ ${!name} =~ ^(0|[1-9][0-9]{0,6})$ ]] || die "$name=${!name}: it is a whole number up to 9999999, 0 for no limit"
done
case $PAYMENT_GATEWAY in simulator | http) ;; *) die "PAYMENT_GATEWAY=$PAYMENT_GATEWAY: it is simulator or http" ;; esac
case $KAFKA_NODES in 1 | 3) ;; *) die "KAFKA_NODES=$KAFKA_NODES: it is 1 or 3" ;; esac

services=(orders payment inventory fulfillment notification) # each with a schema and a relay
workers=(order payment inventory fulfillment notification)

# A stack keeps the ports it was made with, unless told otherwise.
if [[ -z $PORT_BASE ]]; then
    PORT_BASE=$(sed -n 's/^PORT_BASE=//p' "$STACK_DIR/stack.env" 2>/dev/null || true)
    PORT_BASE=${PORT_BASE:-3001}
fi
http_port=$PORT_BASE metrics_port=$((PORT_BASE + 1)) postgres_port=$((PORT_BASE + 2)) redis_port=$((PORT_BASE + 3))
provider_port=$((PORT_BASE + 10)) prometheus_port=$((PORT_BASE + 20))

# So it does with Prometheus,
MONITORING=${MONITORING:-$(sed -n 's/^MONITORING=//p' "$STACK_DIR/stack.env" 2>/dev/null || true)}
MONITORING=${MONITORING:-off}
case $MONITORING in on | off) ;; *) die "MONITORING=$MONITORING: it is on or off" ;; esac

# and with HTTPS.
TLS=${TLS:-$(sed -n 's/^TLS=//p' "$STACK_DIR/stack.env" 2>/dev/null || true)}
TLS=${TLS:-off}
case $TLS in
off) base_url=http://localhost:$http_port ;;
on) base_url=https://localhost:$http_port ;;
*) die "TLS=$TLS: it is on or off" ;;
esac
[[ ${TLS_CERTIFICATE:+set} == "${TLS_KEY:+set}" ]] || die "TLS_CERTIFICATE and TLS_KEY go together: set both, or neither"
[[ $LISTEN_ADDRESS =~ ^([0-9.]+|\[[0-9a-f:]+\])$ ]] ||
    die "LISTEN_ADDRESS=$LISTEN_ADDRESS: it is an address, such as 127.0.0.1, 0.0.0.0 or [::]"
tls_certificate=${TLS_CERTIFICATE:-$STACK_DIR/tls/certificate.pem} tls_key=${TLS_KEY:-$STACK_DIR/tls/key.pem}
trust=() # what curl needs to know the stack's own certificate
[[ $TLS == off || -n $TLS_CERTIFICATE ]] || trust=(--cacert "$tls_certificate")

# The programs of this stack, nginx aside, and the ports they listen on.
servers=() ours=() kafka_nodes=() kafka_addresses='' kafka_voters=''
declare -A port_of
list_programs() {
    local i n count
    servers=() ours=(order-api) port_of=([nginx]=$http_port [nginx-metrics]=$metrics_port)
    kafka_nodes=() kafka_addresses='' kafka_voters=''
    if [[ -z ${DATABASE_URL:-} ]]; then servers+=(postgres) port_of[postgres]=$postgres_port; fi
    if [[ -z ${REDIS_URL:-} ]]; then servers+=(redis) port_of[redis]=$redis_port; fi
    if [[ -z ${KAFKA_BROKERS:-} ]]; then
        for ((n = 1; n <= KAFKA_NODES; n++)); do
            kafka_nodes+=("kafka$( ((n == 1)) || echo "-$n")")
            port_of[${kafka_nodes[-1]}]=$((PORT_BASE + 2 + 2 * n))
            port_of[${kafka_nodes[-1]}-controller]=$((PORT_BASE + 3 + 2 * n))
            kafka_addresses+=${kafka_addresses:+,}127.0.0.1:$((PORT_BASE + 2 + 2 * n))
            kafka_voters+=${kafka_voters:+,}$n@127.0.0.1:$((PORT_BASE + 3 + 2 * n))
        done
        servers+=("${kafka_nodes[@]}")
    fi
    if [[ $MONITORING == on ]]; then servers+=(prometheus) port_of[prometheus]=$prometheus_port; fi
    if runs_provider; then ours+=(provider) port_of[provider]=$provider_port; fi
    for i in "${!services[@]}"; do
        ours+=("relay-${services[i]}")
        port_of[relay-${services[i]}]=$((PORT_BASE + 11 + i))
    done
    for i in "${!workers[@]}"; do
        count=WORKERS_${workers[i]^^}
        for ((n = 1; n <= ${!count:-$WORKERS}; n++)); do
            ours+=("worker-${workers[i]}$( ((n == 1)) || echo "-$n")")
            port_of[${ours[-1]}]=$((PORT_BASE + 21 + i + 10 * (n - 1)))
        done
    done
}

# Where charges go over HTTP, and to no provider from outside, one of the stack's own takes them.
runs_provider() { [[ $PAYMENT_GATEWAY == http && -z ${PAYMENT_URL:-} ]]; }

as_root() {
    ((EUID == 0)) && return
    command -v sudo >/dev/null || die "needs root: run it as root, or install sudo"
    local keep='^(STACK_DIR|LISTEN_|TLS|MONITORING|CLIENT_|PORT_BASE|BROKER|BUILD|KAFKA_|ORDER_API_|WORKERS|DATABASE_URL|REDIS_URL|TEST_|CHAOS_|COMPOSE_|PAYMENT_|.*_proxy)'
    exec sudo --preserve-env="$(compgen -e | grep -E "$keep" | paste -sd,)" "$root/stack" "$command" "$@"
}
