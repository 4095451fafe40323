#!/usr/bin/env bash
# Installs a build into an empty prefix, moves the prefix, and builds and runs the consumer there
# in every way a stranger would. usage: run.sh BUILD_DIR CMAKE CC LIBDIR VERSION
set -euo pipefail
build=$1 cmake=$2 cc=$3 libdir=$4 version=$5
consumer=$(cd "$(dirname "$0")" && pwd)/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "package: $*" >&2
    exit 1
}

quietly() {
    if ! "$@" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        fail "failed: $*"
    fi
}

quietly "$cmake" --install "$build" --prefix "$work/first"
mv "$work/first" "$work/moved"  # nothing installed may know where it was
prefix=$work/moved

for file in include/tidemalloc.h "$libdir/libtidemalloc.a" "$libdir/libtidemalloc.so.1" \
        "$libdir/libtidemalloc.so"; do
    [ -e "$prefix/$file" ] || fail "$file is not installed"
done

# By CMake: both targets.
quietly "$cmake" -S "$consumer" -B "$work/consumer" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_PREFIX_PATH="$prefix" -DWANTED_VERSION="$version"
quietly "$cmake" --build "$work/consumer"
"$work/consumer/shared"
"$work/consumer/static"
"$work/consumer/all_static"
readelf -d "$work/consumer/shared" | grep -q 'NEEDED.*libtidemalloc.so.1' \
    || fail "the shared consumer does not need libtidemalloc.so.1"
if readelf -d "$work/consumer/static" | grep -q 'NEEDED.*libtidemalloc'; then
    fail "the consumer of the archive needs the shared library"
fi

# By pkg-config.
command -v pkg-config >/dev/null || fail "pkg-config is missing"
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
[ "$(pkg-config --modversion tidemalloc)" = "$version" ] || fail "pkg-config tells another version"
read -r -a flags <<<"$(pkg-config --cflags --libs tidemalloc)"
quietly "$cc" -o "$work/by_pkg_config" "$consumer/main.c" "${flags[@]}"
LD_LIBRARY_PATH=$prefix/$libdir "$work/by_pkg_config"

# By preloading it to a program that knows nothing of it.
quietly "$cc" -o "$work/preload" "$consumer/preload.c"
LD_PRELOAD=$prefix/$libdir/libtidemalloc.so "$work/preload" \
    || fail "a preload does not reach malloc"
# The tool, which finds its modules and the library from its own place.
if /usr/bin/python3 -c 'import elftools' 2>/dev/null; then
    [[ $("$prefix/bin/tide" --help) == *'tide watch'* ]] || fail "tide does not find its modules"
    [[ $("$prefix/bin/tide" options) == *$'\nTIDE_TOP_PAD '* ]] \
        || fail "tide does not find the library"
fi
echo "package: installed, moved, and used in five ways"
