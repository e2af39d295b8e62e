#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# recipes.sh - conf/Containerfile, conf/kubernetes.yaml and conf/etude.service
# are well-formed, as far as that can be told without their programs, and keep
# to what they promise: no root, nothing written to the root file system,
# probes, limits, and times that fit into one another.
set -u
cd "$(dirname "$0")/../.." || exit 2
bad=0

complain() {
    echo "$1"
    bad=1
}

# has FILE REGEX: a line of it is all of that.
has() {
    grep -qxE "$2" "$1" || complain "$1:1: no line is $2"
}

# ---- Containerfile: known words, the last stage without root, no shell in
# front of process 1.
c=conf/Containerfile
out=$(awk -v file=$c '
    /^#/ || /^[ \t]*$/ { if (!more) next }
    !more {
        if ($1 !~ /^(FROM|RUN|COPY|WORKDIR|ENV|EXPOSE|STOPSIGNAL|USER|ENTRYPOINT)$/)
            printf "%s:%d: %s is not expected\n", file, FNR, $1
        if ($1 == "FROM") { user = ""; if ($2 !~ /:[^:]+$/) printf "%s:%d: no tag\n", file, FNR }
        if ($1 == "USER") user = $2
        if ($1 == "ENTRYPOINT" && $2 !~ /^\[/)
            printf "%s:%d: a shell would be process 1\n", file, FNR
    }
    { more = /\\$/ }
    END {
        if (more) printf "%s:%d: it ends within a line\n", file, FNR
        if (user !~ /^[1-9][0-9]*:[1-9][0-9]*$/)
            printf "%s:%d: the image does not end with a USER by number\n", file, FNR
    }' $c)
[ -z "$out" ] || complain "$out"

# ---- YAML: two blanks a level, no tabs, keys and items only, each key once in
# its mapping; what is below a `|` is text.
y=conf/kubernetes.yaml
out=$(awk -v file=$y '
    function wrong(text) { printf "%s:%d: %s\n", file, FNR, text }
    /\t/ { wrong("a tab") }
    /[ ]$/ { wrong("a blank at its end") }
    /^#/ || /^[ ]*$/ { next }
    /^---$/ { split("", seen); split("", part); text = -1; n_docs++; next }
    {
        depth = match($0, /[^ ]/) - 1
        if (text >= 0 && depth > text) next
        text = -1
        if (depth % 2) wrong("an odd number of blanks")
        line = substr($0, depth + 1)
        if (line ~ /^- /) {
            item[depth]++
            for (k in part) if (k + 0 > depth) delete part[k]
            line = substr(line, 3)
            part[depth] = "-" item[depth]
            depth += 2
        }
        if (line !~ /^[A-Za-z][A-Za-z0-9_.\/-]*:( [^ ].*)?$/) {
            wrong("neither key nor item"); next
        }
        key = line; sub(/:.*/, "", key)
        value = line; sub(/^[^:]*:[ ]?/, "", value)
        for (k in part) if (k + 0 > depth) delete part[k]
        path = ""
        for (i = 0; i < depth; i++) if (i in part) path = path "/" part[i]
        part[depth] = key
        if ((n_docs, path, key) in all) wrong("twice: " key)
        all[n_docs, path, key] = 1
        if (value ~ /^\*/ || value ~ /^[&!%@`]/) wrong("to be quoted: " value)
        if (value ~ /^"/ && value !~ /^"[^"]*"$/) wrong("a quote is open")
        if (value ~ /^\[/ && value !~ /^\[("[^"]*"(, )?)*\]$/) wrong("no list")
        if (value == "|") text = depth
    }' $y)
[ -z "$out" ] || complain "$out"
for line in 'runAsNonRoot: true' 'readOnlyRootFilesystem: true' \
    'allowPrivilegeEscalation: false' 'drop: \["ALL"\]' 'startupProbe:' \
    'livenessProbe:' 'readinessProbe:' 'limits:' 'memory: [0-9]+Mi'; do
    has $y " +$line"
done
has $y ' +runAsUser: [1-9][0-9]*'
user=$(sed -n 's/^USER \([0-9]*\):.*/\1/p' $c)
has $y " +runAsUser: $user"

# What is left after both must be time to end.
seconds() {
    sed -n "/name: $1\$/{n;s/.*\"\\([0-9]*\\)s\"\$/\\1/p;}" $y
}
delay=$(seconds ETUDE_SHUTDOWN_DELAY) drain=$(seconds ETUDE_DRAIN_TIMEOUT)
grace=$(sed -n 's/.*terminationGracePeriodSeconds: //p' $y)
[ $((${delay:-99} + ${drain:-99})) -lt "${grace:-0}" ] ||
    complain "$y:1: shutdown_delay and drain_timeout do not fit into the grace"

# ---- the unit
u=conf/etude.service
out=$(awk -v file=$u '
    /^#/ || /^[ \t]*$/ || /^\[(Unit|Service|Install)\]$/ { next }
    !/^[A-Z][A-Za-z]*=/ { printf "%s:%d: no key=value\n", file, FNR }' $u)
[ -z "$out" ] || complain "$out"
for line in Type=notify KillMode=mixed 'ExecReload=.+' \
    'RestartPreventExitStatus=64 77 78'; do
    has $u "$line"
done

exit $bad
