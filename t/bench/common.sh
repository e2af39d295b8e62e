# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# common.sh - what t/bench/run, instr, reload, tls, waits, h2, files and compress
# share: a folder of their own, servers on it, sections of RESULTS.md.  Sourced,
# with T_BUILD set by make.
#
# Everything started is a child by pid in $started, is stopped by pid, and ends
# with this shell in any case.

LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=${T_BUILD:-$source/build}
tools=$build/t/bench
results=${BENCH_RESULTS:-$here/RESULTS.md}
started=

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "bench: $*"
    exit 1
}

stop() {
    for pid; do
        kill "$pid" 2>/dev/null
        n=0
        while [ $n -lt 60 ] && kill -0 "$pid" 2>/dev/null &&
            ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do
            sleep 0.05
            n=$((n + 1))
        done
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
}

leave() {
    trap '' HUP INT TERM
    exec 9>&-
    # shellcheck disable=SC2086 # a list
    stop $started
    [ -z "${BENCH_KEEP:-}" ] && rm -rf "$dir"
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX") || exit 1
trap leave EXIT
trap 'exit 1' HUP INT TERM
mkfifo "$dir/hold"
exec 9<>"$dir/hold"

for tool in burst floor_epoll floor_uring idle launch ratio swap; do
    [ -x "$tools/$tool" ] || die "$tools/$tool is missing: use make bench"
done

# The first and the second CPU we may use; the same twice if there is one.
cpus=$(awk '/^Cpus_allowed_list:/ {
    n = split($2, part, ",")
    for (i = 1; i <= n && k < 2; i++) {
        split(part[i] "-" part[i], edge, "-")
        for (c = edge[1]; c <= edge[2] && k < 2; c++) cpu[++k] = c
    }
    print cpu[1], (k > 1 ? cpu[2] : cpu[1]) }' /proc/self/status)
server_cpu=${cpus% *}
client_cpu=${cpus#* }

# wait_for FILE PATTERN PID: until the file has it; the process must live.
wait_for() {
    n=0
    until grep -q "$2" "$1" 2>/dev/null; do
        n=$((n + 1))
        if [ $n -gt 600 ] || ! kill -0 "$3" 2>/dev/null; then
            cat "$1" >&2
            return 1
        fi
        sleep 0.05
    done
}

# begin LOG COMMAND...: a server on its CPU (server_cpu); pid.
begin() {
    log=$1
    shift
    rm -f "$log" # of a server before
    "$tools/launch" "$server_cpu" "$@" >"$log" 2>&1 9>&- &
    pid=$!
    started="$started $pid"
}

# etude NAME EVENT INI: pid, and in port and port2 where it listens.  The pid is
# that of the process that serves, unless it is to have a supervisor.
supervise=no
etude() {
    begin "$dir/$1.log" env ETUDE_EVENT="$2" ETUDE_SUPERVISE="$supervise" \
        "$build/etude" -c "$3"
    wait_for "$dir/$1.log" ' serves: ' "$pid" || die "etude does not start"
    # shellcheck disable=SC2046 # a list
    set -- $(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' \
        "$dir/$1.log") 0
    port=$1
    port2=$2
}

# floor NAME BACKEND MODE: pid and port.
floor() {
    begin "$dir/$1.log" "$tools/floor_$2" 0 "$3"
    wait_for "$dir/$1.log" '^[0-9]' "$pid" || die "floor_$2 does not start"
    port=$(cat "$dir/$1.log")
}

find_nginx() {
    for nginx in "$(command -v nginx)" /usr/sbin/nginx ''; do
        [ -x "$nginx" ] && return
    done
    die "nginx is missing (./configure --install-deps=all)"
}

# nginx_start [WORKERS]: pid, port and port2, as nginx_conf PORT PORT2 WORKERS
# says.  A port may be taken between the question and the answer: then again.
nginx_start() {
    for try in 1 2 3; do
        # shellcheck disable=SC2046 # a list
        set -- "${1:-1}" $("$tools/launch" -p 2)
        port=$2
        port2=$3
        nginx_conf "$port" "$port2" "$1" >"$dir/nginx.conf"
        begin "$dir/nginx.out" "$nginx" -p "$dir" -e "$dir/nginx.log" \
            -c "$dir/nginx.conf"
        n=0
        while [ $n -lt 40 ] && kill -0 "$pid" 2>/dev/null; do
            ask "$port" / >/dev/null 2>&1 && return
            sleep 0.05
            n=$((n + 1))
        done
        say "nginx did not start ($try): $(cat "$dir/nginx.out")"
    done
    die "no nginx"
}

# certificate NAME TYPE-OPTION...: NAME.pem and NAME.key
certificate() {
    name=$1
    shift
    openssl req -x509 -nodes -days 30 -subj /CN=localhost "$@" \
        -keyout "$dir/$name.key" -out "$dir/$name.pem" 2>/dev/null ||
        die "openssl makes no certificate"
}

# Those that are alive: "NAME PID PORT PORT2" in $dir/servers.
record() {
    echo "$1 $pid $port ${port2:-0}" >>"$dir/servers"
    port2=
}

# server NAME: sets pid, port, port2.
server() {
    # shellcheck disable=SC2046 # a list
    set -- $(grep "^$1 " "$dir/servers")
    pid=$2
    port=$3
    port2=$4
}

idle_options= # of the clients below

# hold NAME PORT CONNECTIONS ROUNDS [PATH]: a client, until release.
hold() {
    name=$1
    shift
    rm -f "$dir/$name.idle"
    # shellcheck disable=SC2086 # a list
    "$tools/idle" $idle_options "$@" <"$dir/hold" >"$dir/$name.idle" 9>&- &
    pid=$!
    started="$started $pid"
    wait_for "$dir/$name.idle" '^ready' "$pid" || die "idle: $name"
}

release() {
    exec 9>&-
}

# ask PORT PATH: how long the answer is; fails without one.
ask() {
    # shellcheck disable=SC2086 # a list
    answer=$("$tools/idle" $idle_options "$1" 1 1 "$2" </dev/null) || return 1
    answer=${answer#ready }
    echo "${answer%%[!0-9]*}"
}

# descendants PID: it and all below it.
descendants() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" '
        { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2 }
        END { for (p in parent)
                for (q = p; q in parent; q = parent[q])
                    if (q == root) { print p; break } }'
}

# pss PID: kB of a process and its descendants.
pss() {
    for of in $(descendants "$1"); do
        awk '/^Pss:/ { print $2 }' "/proc/$of/smaps_rollup"
    done | awk '{ sum += $1 } END { print sum + 0 }'
}

# idle_row NAME MOST: of the server just started, which is stopped; of Etude an
# idle connection is to take at most so many bytes.
idle_row() {
    exec 9<>"$dir/hold"
    server=$pid
    hold memory_few "$port" 500 1
    sleep "${idle_settle:-0.5}"
    few=$(pss "$server")
    hold memory_many "$port" "$idle" 1
    sleep "${idle_settle:-0.5}"
    many=$(pss "$server")
    each=$(((many - few) * 1024 / idle))
    echo "| $1 | $few | $many | $each |"
    release
    stop "$pid" "$server"
    case $1 in
    etude*) verdict "memory of an idle connection, $1" "$2 B" "$each" "$2" ;;
    esac
}

# verdict TEXT TARGET MEASURED MOST
verdict() {
    if [ "$3" -le "$4" ]; then met=yes; else met=no; fi
    echo "$1 | $2 | $3 | - | $met" >>"$dir/targets"
}

# ---- configurations

# As long as nginx's answer, which says Connection: keep-alive.
type='text/plain; charset=utf-8; p=12345'

server_ini() {
    cat <<END
[server]
listen = 127.0.0.1:0
workers = ${1:-1}
pin = no
keepalive_timeout = 1h
log_level = info
modules = $source/modules

[plugin respond]
type = "$type"
body = "Hello, World!"

[route home]
match = GET /
handler = respond
END
}

deferred_ini() {
    cat <<END

[listen deferred]
address = 127.0.0.1:0
defer_accept = yes
END
}

echo_ini() {
    cat <<END

[plugin echo]

[route echo]
match = POST /echo
handler = echo
END
}

# steps_ini N: N steps that do nothing, in front of /steps/5 and /steps/N.
steps_ini() {
    awk -v n="$1" -v module="$build/t/fixtures/bench_step.so" 'BEGIN {
        for (i = 1; i <= n; i++) {
            printf "\n[plugin s%d]\nmodule = %s\n", i, module
            all = all (i > 1 ? ", " : "") "s" i
            if (i == 5) five = all
        }
        printf "\n[route five]\nmatch = GET /steps/5\nhandler = respond\n"
        printf "use = %s\n\n[route all]\nmatch = GET /steps/%d\n", five, n
        printf "handler = respond\nuse = %s\n", all }'
}

# routes_ini N: half of them static, half with a parameter.
routes_ini() {
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            path = i % 2 ? "/user" i "/:id/posts" : "/static/" i "/list"
            printf "\n[route r%d]\nmatch = GET %s\nhandler = respond\n", i, path
        } }'
}

# ---- RESULTS.md

machine() {
    awk -F': *' '/^model name/ { print $2; exit }' /proc/cpuinfo
    printf '%s cores, Linux %s' "$(nproc)" "$(uname -r)"
}

commit() {
    if head=$(git -C "$source" rev-parse --short HEAD 2>/dev/null); then
        [ -z "$(git -C "$source" status --porcelain -uno 2>/dev/null)" ] ||
            head="$head with changes"
        echo "$head"
    else
        echo "of no repository"
    fi
}

stamp() {
    printf '%s; %s; commit %s.\n' "$(date -u +%Y-%m-%d)" \
        "$(machine | tr '\n' ',' | sed 's/,$//; s/,/, /')" "$(commit)"
}

# targets TEXT: a table of $dir/targets, what ratio.c and swap.c append; the
# text says what is measured.
targets() {
    [ -s "$dir/targets" ] || return 0
    printf '\n### Targets\n\n'
    echo "$1"
    echo "Met: the upper end of the 95 % interval is at most target + 0.03."
    printf '\n| what | target | measured | interval | met |\n'
    printf '|---|--:|--:|--:|---|\n'
    sed 's/^/| /; s/$/ |/' "$dir/targets"
    awk -F' [|] ' '
        { n++ }
        $5 == "yes" { met++; next }
        { out = out (out ? "; " : "") $1 " (" $3 ", target " $2 ")" }
        END { printf "\n%d of %d targets are met.", met, n
              if (out) printf "  Not met: %s.", out
              print "" }' "$dir/targets"
}

# put_section NAME FILE: in the place of the section that is there.
put_section() {
    [ -e "$results" ] || printf '# Measured\n' >"$results"
    awk -v name="$1" -v file="$2" '
        function put() {
            print "<!-- " name " -->"
            while ((getline line < file) > 0) print line
            print "<!-- end of " name " -->"
            done = 1
        }
        $0 == "<!-- " name " -->" { put(); skip = 1 }
        !skip { print }
        $0 == "<!-- end of " name " -->" { skip = 0 }
        END { if (!done) { print ""; put() } }' "$results" >"$dir/results" &&
        cat "$dir/results" >"$results"
}
