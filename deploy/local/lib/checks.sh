# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# checks.sh - what has to be so before anything is installed or started; each failure is one line that says what to do.

check_system() {
    local id version
    # shellcheck disable=SC1091
    id=$(. /etc/os-release && echo "$ID") version=$(. /etc/os-release && echo "${VERSION_ID:-}")
    [[ $id == debian && $version == 12 ]] ||
        die "./stack is made for Debian 12, this is $id $version: use 'docker compose up --build' instead"
}

check_disk() { # $1: folder, $2: MiB that it needs
    local free
    free=$(df --output=avail -m "$1" | tail -n 1)
    ((free >= $2)) || die "$((free)) MiB free at $1, $2 are needed: make room there"
}

# Prints who listens on port $1, if anybody does. /proc tells it without any tool.
port_owner() {
    local inode pid fd
    inode=$(awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && $2 ~ port "$" { print $10; exit }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null)
    [[ -n $inode ]] || return 0
    fd=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" -print -quit 2>/dev/null || true)
    pid=$(cut -d/ -f3 <<<"$fd")
    echo "$(cat "/proc/$pid/comm" 2>/dev/null || echo 'another program')${pid:+ (pid $pid)}"
}

check_ports() {
    local program owner
    for program in nginx "${!port_of[@]}"; do
        owner=$(port_owner "${port_of[$program]}")
        [[ -z $owner ]] || die "port ${port_of[$program]} for $program is taken by $owner: stop that, or choose other" \
            "ports with PORT_BASE (now $PORT_BASE)"
    done
}

# Servers drop root, so STACK_DIR has to be reachable for everybody. Below a closed home directory such as /root its
# contents live in /var/lib/orderline instead, and STACK_DIR is a link.
place_stack_dir() {
    local place
    [[ ! -L $STACK_DIR || -e $STACK_DIR ]] || rm "$STACK_DIR"
    [[ -e $STACK_DIR ]] || mkdir -p "$STACK_DIR"
    STACK_DIR=$(readlink -f "$STACK_DIR")
    if ! setpriv --reuid=nobody --regid=nogroup --clear-groups test -x "$STACK_DIR/."; then
        place=/var/lib/orderline/$(cksum <<<"$STACK_DIR" | cut -d' ' -f1)
        [[ ! -e $place ]] || die "$STACK_DIR is closed to other users and $place is in use: set STACK_DIR to an open folder"
        mkdir -p "${place%/*}"
        mv "$STACK_DIR" "$place"
        ln -s "$place" "$STACK_DIR"
        STACK_DIR=$place
    fi
    ((${#STACK_DIR} <= 70)) || die "$STACK_DIR is too long for unix sockets below it: set STACK_DIR to a shorter path"
    chmod 755 "$STACK_DIR"
    mkdir -p "$STACK_DIR"/{bin,conf/env,env,log/up,run,www}
    chmod 700 "$STACK_DIR"/{conf/env,env}
}
