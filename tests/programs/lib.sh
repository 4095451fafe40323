# tests/programs/lib.sh - what the scripts of this folder share: run a program without and with
# the library preloaded, compare the two runs, start and stop private servers.
#
# A script is called with ALLOC=PATH, the shared library to preload, and ends with
#   0   the program did the same with the library as without it
#   1   it did not: the reason is on stderr
#   77  a program it needs is not installed: the reason names the Debian package
# Optional: KEEP=1 keeps the working directory, ALLOC_ENV="NAME=VALUE..." sets variables for
# the preloaded runs only.
#
# A run called NAME leaves, under $WORK/plain/NAME and $WORK/preloaded/NAME,
#   stdout stderr  what the program printed
#   status         its exit status
#   files/         its working directory
# While it runs the working directory is $CWD in both cases, so that paths that a program prints
# or stores are the same. The environment is the fixed one below, nothing else.
# shellcheck shell=bash

set -euo pipefail
ulimit -c 0
exec </dev/null
export PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/usr/local/sbin LC_ALL=C.UTF-8

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
INPUT=$HERE/input
NAME=$(basename "$0" .sh)
RUN_LIMIT=${RUN_LIMIT:-300}  # seconds one run may take before it counts as hanging
WORK=
SERVERS=()                   # process groups to end when the script ends

fail() {
    printf '%s: FAILED: %s\n' "$NAME" "$*" >&2
    exit 1
}

skip() {
    printf '%s: skipped: %s\n' "$NAME" "$*"
    exit 77
}

say() {
    printf '%s: %s\n' "$NAME" "$*"
}

# need PROGRAM PACKAGE: goes on only where the program is installed.
need() {
    command -v "$1" >/dev/null || skip "no $1 here (Debian package $2)"
}

# Set-up of every script; runs when this file is read.
set_up() {
    [[ -n ${ALLOC:-} ]] || fail "set ALLOC to the library to preload"
    [[ -r $ALLOC ]] || fail "cannot read the library $ALLOC"
    ALLOC=$(realpath "$ALLOC")
    [[ $ALLOC != *[:\ ]* ]] || fail "LD_PRELOAD cannot hold a path with a space or a colon: $ALLOC"
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/tide.XXXXXX")
    trap clean_up EXIT
    trap 'exit 143' TERM INT HUP
    mkdir "$WORK"/{home,tmp,plain,preloaded}
    CWD=$WORK/cwd
    ENVIRONMENT=(PATH="$PATH" LC_ALL=C.UTF-8 TZ=UTC HOME="$WORK/home" TMPDIR="$WORK/tmp")
    read -ra PRELOAD <<<"${ALLOC_ENV:-}"
    PRELOAD+=(LD_PRELOAD="$ALLOC")
}

clean_up() {
    local group
    for group in "${SERVERS[@]}"; do
        kill -TERM -- "-$group" 2>/dev/null && sleep 0.3
        kill -KILL -- "-$group" 2>/dev/null || true
    done
    [[ -n ${KEEP:-} ]] && say "kept $WORK" || rm -rf "$WORK"
}

# environment plain|preloaded: sets ENV to the words for env -i.
environment() {
    ENV=("${ENVIRONMENT[@]}")
    [[ $1 == plain ]] || ENV+=("${PRELOAD[@]}")
}

# run MODE RUN COMMAND...: one run to its end; the program reads the stdin of the caller.
run() {
    local mode=$1 run=$2 status=0 dir
    shift 2
    dir=$WORK/$mode/$run
    environment "$mode"
    mkdir -p "$dir" "$CWD"
    (cd "$CWD" && exec timeout -k 5 "$RUN_LIMIT" env -i "${ENV[@]}" "$@") \
        >"$dir/stdout" 2>"$dir/stderr" || status=$?
    echo "$status" >"$dir/status"
    mv "$CWD" "$dir/files"
}

# show_end FILE: the last lines of a file, for a failure message.
show_end() {
    tail -n 15 "$1" | cut -c 1-300 | sed 's/^/    /' >&2
}

# run_plain RUN COMMAND...: the run to compare with; it has to succeed.
run_plain() {
    run plain "$@"
    local dir=$WORK/plain/$1
    [[ $(<"$dir/status") == 0 ]] && return
    show_end "$dir/stdout"
    show_end "$dir/stderr"
    fail "$1 ends with $(<"$dir/status") even without the library"
}

# run_preloaded RUN COMMAND...: the same on the library.
run_preloaded() {
    run preloaded "$@"
    check_quiet "$1"
    local dir=$WORK/preloaded/$1
    [[ $(<"$dir/status") == 0 ]] && return
    show_end "$dir/stdout"
    show_end "$dir/stderr"
    fail "$1 ends with $(<"$dir/status") on the library"
}

# check_quiet RUN: neither the library nor the loader complained.
check_quiet() {
    local dir=$WORK/preloaded/$1
    if grep -a -m 5 -e 'tidemalloc:' -e 'cannot be preloaded' -r "$dir" --include=stderr \
        --include=stdout --include='*.log' >&2; then
        fail "$1: the library or the loader complained"
    fi
}

# check_same WHAT FILE FILE: two files hold the same bytes.
check_same() {
    cmp -s "$2" "$3" && return
    diff -a "$2" "$3" | head -n 20 | cut -c 1-300 >&2 || true
    fail "$1 differs between the plain (<) and the preloaded (>) run"
}

# compare_stdout RUN, compare RUN (stderr too), compare_file RUN FILE (made by the run).
compare_stdout() {
    [[ -s $WORK/plain/$1/stdout ]] || fail "$1 printed nothing: there is nothing to compare"
    check_same "stdout of $1" "$WORK"/{plain,preloaded}/"$1"/stdout
}

compare() {
    compare_stdout "$1"
    check_same "stderr of $1" "$WORK"/{plain,preloaded}/"$1"/stderr
}

compare_file() {
    [[ -s $WORK/plain/$1/files/$2 ]] || fail "$1 left no $2: there is nothing to compare"
    check_same "$2 of $1" "$WORK"/{plain,preloaded}/"$1"/files/"$2"
}

# same RUN COMMAND...: plain, preloaded, and equal in everything printed.
same() {
    run_plain "$@"
    run_preloaded "$@"
    compare "$1"
}

# check_loaded PROGRAM COMMAND...: the loader says that every dynamic process of the command has
# the library, and that PROGRAM (a pattern for the last part of its path) was one of them.
check_loaded() {
    local program=$1 log=$WORK/loader file
    shift
    rm -rf "$log"
    mkdir -p "$log" "$CWD"
    environment preloaded
    (cd "$CWD" && exec timeout -k 5 "$RUN_LIMIT" env -i "${ENV[@]}" LD_DEBUG=files \
        LD_DEBUG_OUTPUT="$log/pid" "$@") >"$log/output" 2>&1 || {
        show_end "$log/output"
        fail "'$*' does not run on the library"
    }
    rm -rf "$CWD"
    for file in "$log"/pid.*; do
        [[ -e $file ]] || fail "the loader said nothing about '$*'"
        grep -qF "file=$ALLOC [0];  generating link map" "$file" ||
            fail "the library is missing in a process of '$*':" \
                "$(grep -m 1 'initialize program' "$file")"
    done
    grep -qE "initialize program: (.*/)?$program\$" "$log"/pid.* ||
        fail "'$*' never ran $program"
}

# ---- servers -------------------------------------------------------------------------------

# start_server MODE RUN COMMAND...: in the background, in a process group of its own which ends
# with the script; sets SERVER to the process id.
start_server() {
    local mode=$1 run=$2 dir
    shift 2
    dir=$WORK/$mode/$run
    environment "$mode"
    mkdir -p "$dir"
    setsid setpriv --pdeathsig TERM env -i "${ENV[@]}" "$@" >"$dir/stdout" 2>"$dir/stderr" &
    SERVER=$!
    SERVER_LOG=$dir
    SERVERS+=("$SERVER")
}

# wait_for SECONDS COMMAND...: until the command succeeds; the server has to live on.
wait_for() {
    local tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        kill -0 "$SERVER" 2>/dev/null || server_died
        ((tries-- > 0)) || {
            show_end "$SERVER_LOG/stderr"
            fail "'$*' never succeeded"
        }
        sleep 0.1
    done
}

server_died() {
    local status=0
    wait "$SERVER" || status=$?
    show_end "$SERVER_LOG/stdout"
    show_end "$SERVER_LOG/stderr"
    fail "the server ended with status $status"
}

# check_mapped PID: the library is in the address space of a running process.
check_mapped() {
    grep -qF "$ALLOC" "/proc/$1/maps" || fail "the library is not in /proc/$1/maps"
}

# stop_server [STATUS]: asks it to end, waits 30 s at most, expects the exit status (default 0).
stop_server() {
    local expected=${1:-0} status=0 tries=300
    kill -0 "$SERVER" 2>/dev/null || server_died
    kill -TERM "$SERVER"
    while kill -0 "$SERVER" 2>/dev/null; do
        ((tries-- > 0)) || fail "the server does not end on SIGTERM"
        sleep 0.1
    done
    wait "$SERVER" || status=$?
    [[ $status == "$expected" ]] || {
        show_end "$SERVER_LOG/stderr"
        fail "the server ended with status $status instead of $expected"
    }
    forget_server
}

forget_server() {
    local kept=() group
    for group in "${SERVERS[@]}"; do
        [[ $group == "$SERVER" ]] || kept+=("$group")
    done
    SERVERS=("${kept[@]}")
}

# client RUN COMMAND...: one run of a client on the library, to be judged by what it prints.
client() {
    run_preloaded "$@"
    CLIENT=$WORK/preloaded/$1/stdout
}

# free_port: prints a port of 127.0.0.1 on which nobody listens, below the ports that the kernel
# hands out by itself.
free_port() {
    local port
    while :; do
        port=$((RANDOM % 20000 + 10000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

set_up
