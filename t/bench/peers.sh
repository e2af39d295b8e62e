# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# peers.sh - what t/bench/files and compress share: nginx, h2o and lighttpd
# beside Etude, all alive at once.  Sourced behind common.sh, with nginx_conf,
# h2o_conf and lighttpd_conf to be defined, and in $proof the path of a file of
# 1 KiB or more, which all of them have.

# find_program NAME: its program in $found, or it is left out.
find_program() {
    for found in "$(command -v "$1")" "/usr/sbin/$1" ''; do
        [ -x "$found" ] && return
    done
    say "$1 is missing: left out (./configure --install-deps=all)"
    return 1
}

# other NAME COMMAND...: a server with NAME_conf PORT; pid and port.
other() {
    name=$1
    shift
    for try in 1 2 3; do
        port=$("$tools/launch" -p 1)
        "${name}_conf" "$port" >"$dir/$name.conf"
        begin "$dir/$name.out" "$@"
        n=0
        while [ $n -lt 40 ] && kill -0 "$pid" 2>/dev/null; do
            ask "$port" "$proof" >/dev/null 2>&1 && return
            sleep 0.05
            n=$((n + 1))
        done
        say "$name did not start ($try): $(cat "$dir/$name.out")"
    done
    die "no $name"
}

servers= # names
peers=   # of them, those that are not Etude

# alive NAME [peer]: the server just started is.
alive() {
    record "$1"
    servers="$servers $1"
    [ "${2:-}" = peer ] && peers="$peers${peers:+ }$1"
    [ "$(ask "$port" "$proof")" -gt 1024 ] || die "$1 has no $proof"
}

# start_peers: those of them that are installed.
start_peers() {
    nginx_start
    alive nginx peer
    if find_program h2o; then
        other h2o "$found" -m worker -c "$dir/h2o.conf"
        alive h2o peer
    fi
    if find_program lighttpd; then
        other lighttpd "$found" -D -f "$dir/lighttpd.conf"
        alive lighttpd peer
    fi
}

# ratios SCENARIO TITLE PEER...: a table, and a target of 1 against each peer.
ratios() {
    name=$1
    title=$2
    shift 2
    beside=$*
    set --
    for event in io_uring epoll; do
        for peer in $beside; do
            set -- "$@" "etude_$event/$peer=1=$title, $event, to $peer"
        done
    done
    "$tools/ratio" "$name" "$(echo "$beside" | tr ' ' ,)" "$dir/targets" "$@" \
        <"$dir/lines"
}

# median SCENARIO SERVER EXPRESSION: of all rounds, by awk, of the fields of a
# line of burst.
median() {
    awk -v scenario="$1" -v of="$2" \
        "\$1 == scenario && \$2 == of && \$4 > 0 { print $3 }" "$dir/lines" |
        sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
