#!/usr/bin/env bash
# tests/programs/nginx.sh - nginx with two workers serves plain, compressed and proxied pages to wrk
# through reloads of its configuration; every page has the right bytes before and after.
source "$(dirname "$0")/lib.sh"
need nginx nginx-light
need wrk wrk
need curl curl

FILES="small.txt page.html large.bin"
mkdir "$WORK/pages"
echo small >"$WORK/pages/small.txt"
seq -f 'line %g of a page that compresses well' 4000 >"$WORK/pages/page.html"
seq 300000 >"$WORK/pages/large.bin"

# configure PORT: one server, and a second one that fetches everything from the first.
configure() {
    cat >"$WORK/nginx.conf" <<END
$([[ $(id -u) != 0 ]] || echo "user $(id -un) $(id -gn);")
daemon off;
worker_processes 2;
worker_shutdown_timeout 5s;
pid $WORK/nginx.pid;
error_log $WORK/preloaded/server/error.log warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $WORK/tmp/body;
    proxy_temp_path $WORK/tmp/proxy;
    fastcgi_temp_path $WORK/tmp/fastcgi;
    uwsgi_temp_path $WORK/tmp/uwsgi;
    scgi_temp_path $WORK/tmp/scgi;
    proxy_cache_path $WORK/tmp/cache keys_zone=pages:1m;
    gzip on;
    gzip_types *;
    gzip_comp_level 2;
    server { listen unix:$WORK/origin.sock; root $WORK/pages; }
    server {
        listen 127.0.0.1:$1;
        root $WORK/pages;
        location /proxied/ { proxy_pass http://unix:$WORK/origin.sock:/; proxy_buffering on; }
        location /cached/ {
            proxy_pass http://unix:$WORK/origin.sock:/;
            proxy_cache pages;
            proxy_cache_valid 1s;
        }
    }
}
END
}

start() {
    local try port
    mkdir -p "$WORK/preloaded/server"
    for try in 1 2 3; do
        port=$(free_port)
        URL=http://127.0.0.1:$port
        configure "$port"
        start_server preloaded server nginx -c "$WORK/nginx.conf"
        until curl -sf -o "$WORK/first" "$URL/small.txt" &&
            cmp -s "$WORK"/{first,pages/small.txt}; do
            kill -0 "$SERVER" 2>/dev/null || break
            sleep 0.1
        done
        kill -0 "$SERVER" 2>/dev/null && return
        grep -q 'Address already in use' "$WORK/preloaded/server/error.log" || server_died
        say "port $port was taken, try $try"
    done
    fail "no free port"
}

# check_pages: each file in each way, bare and compressed, with a curl on the library too.
check_pages() {
    local way file
    for way in / /proxied/ /cached/; do
        for file in $FILES; do
            environment preloaded
            env -i "${ENV[@]}" curl -sSf -m 30 -o "$WORK/bare" "$URL$way$file" ||
                fail "no $way$file"
            env -i "${ENV[@]}" curl -sSf -m 30 --compressed -o "$WORK/packed" "$URL$way$file" ||
                fail "no compressed $way$file"
            cmp -s "$WORK/bare" "$WORK/pages/$file" || fail "wrong bytes in $way$file"
            cmp -s "$WORK/packed" "$WORK/pages/$file" || fail "wrong compressed bytes in $way$file"
        done
    done
}

workers() {
    cat "/proc/$SERVER/task/$SERVER/children"
}

# load RUN PATH WRK-OPTIONS...: a stretch of requests without one that fails. Errors of reading are
# told by wrk when a worker of the old configuration closes idle connections, and are no failure.
load() {
    local run=$1 path=$2
    shift 2
    client "$run" wrk -t2 -c40 -d4s --timeout 20s "$@" "$URL$path"
    grep -q 'requests in' "$CLIENT" || fail "wrk told nothing"
    ! grep -q '^ *0 requests in' "$CLIENT" || fail "no request of $run was answered"
    ! grep -E 'Non-2xx|timeout [1-9]|connect [1-9]' "$CLIENT" || fail "requests of $run failed"
}

check_loaded curl curl --version
start
check_mapped "$SERVER"
[[ $(workers | wc -w) -ge 2 ]] || fail "nginx has no two workers"
for pid in $(workers); do check_mapped "$pid"; done
check_pages
load small /small.txt
load page /page.html -H 'Accept-Encoding: gzip'
load proxied /proxied/page.html
load large /large.bin -H 'Accept-Encoding: gzip'

# New workers take over while requests go on.
(for ((i = 0; i < 4; i++)); do sleep 0.7; kill -HUP "$SERVER"; done) &
reloader=$!
load reload /cached/page.html -H 'Accept-Encoding: gzip'
wait "$reloader"
check_pages
stop_server
! grep -E 'alert|emerg|crit' "$WORK/preloaded/server/error.log" || fail "nginx complained"
check_quiet server
say "$(cat "$WORK"/preloaded/*/stdout | grep -c 'requests in') loads served:" \
    "$(cat "$WORK"/preloaded/*/stdout | awk '/requests in/ { n += $1 } END { print n }') requests"
