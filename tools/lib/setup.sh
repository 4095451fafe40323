# shellcheck shell=bash
# tools/lib/setup.sh - packages and builds for the commands in tools/; to be sourced by bash.
#
# Sets:
#   TIDE_ROOT         the root of the checkout, absolute
#   TIDE_PACKAGES     array: the Debian packages that the product build needs
# Functions (all print what they do on stderr; none of them changes the working directory):
#   say TEXT...               one line on stderr
#   die TEXT...               one line on stderr, exit 1
#   missing_packages PKG...   prints those of PKG... that are not installed, one a line
#   need_packages PKG...      installs what is missing; exits 1 with the names when it cannot.
#                             Does not run apt at all when everything is there. Without dpkg it
#                             says so and returns 0: the build then tells what it misses.
#   want_packages PKG...      the same for packages one can do without: returns 1 with a line
#                             instead of leaving
#   build_preset NAME         cmake --preset NAME and cmake --build --preset NAME into
#                             $TIDE_ROOT/build/NAME; the output is shown when it fails (and
#                             always with TIDE_SETUP_VERBOSE=1) and kept in build/NAME.log.
#                             Exits 1 on failure.
#   build_product             build_preset product; prints nothing but one line when it works
# Environment:
#   TIDE_SETUP_VERBOSE=1      show the output of apt-get and of the build
#   TIDE_SETUP_NO_INSTALL=1   install nothing, go on with what is there
#   TIDE_SETUP_NO_SERVICES=1  servers that are installed are not started (tests start their own)
#   TIDE_JOBS=N               jobs of the build; default: the number of processors

TIDE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034  # for those who source this
TIDE_PACKAGES=(gcc libc6-dev cmake ninja-build liburcu-dev pkg-config python3)
TIDE_CMAKE_MIN=3.25

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "error: $*"
    exit 1
}

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null \
            | grep -qx installed || printf '%s\n' "$package"
    done
}

# The words to put before apt-get: nothing for root, sudo for others. Returns 1 if neither will do.
setup_privilege() {
    if [ "$(id -u)" -eq 0 ]; then
        return 0
    fi
    command -v sudo >/dev/null || return 1
    # Without a terminal nobody can type a password: then only a sudo that asks for none helps.
    if [ -t 0 ] || sudo -n true 2>/dev/null; then
        printf 'sudo\n'
        return 0
    fi
    return 1
}

# Runs a command quietly: its output goes to LOG and is shown only when the command fails.
setup_quietly() {
    local log=$1
    shift
    if [ "${TIDE_SETUP_VERBOSE:-0}" = 1 ]; then
        "$@" 2>&1 | tee "$log" >&2
        return "${PIPESTATUS[0]}"
    fi
    if ! "$@" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        return 1
    fi
}

# Debian's way to say that no package may start a service; kept only while apt-get runs.
setup_policy=/usr/sbin/policy-rc.d
setup_forbid_services() {  # SUDO; returns 1 when there is nothing to take back
    [ "${TIDE_SETUP_NO_SERVICES:-0}" = 1 ] && [ ! -e "$setup_policy" ] || return 1
    # shellcheck disable=SC2086
    $1 sh -c "printf '#!/bin/sh\nexit 101\n' >$setup_policy && chmod 755 $setup_policy"
}

setup_apt_install() {
    local sudo status=0
    sudo=$(setup_privilege) || return 2
    say "installing: $*"
    if setup_forbid_services "$sudo"; then
        # A shell of its own, whose end takes it back however that comes, Ctrl-C included.
        (
            # shellcheck disable=SC2064
            trap "$sudo rm -f $setup_policy" EXIT
            trap 'exit 130' INT
            trap 'exit 143' TERM HUP
            setup_apt_get "$sudo" "$@"
        ) || status=$?
        case $status in
        130 | 143) exit "$status" ;;
        *) return "$status" ;;
        esac
    fi
    setup_apt_get "$sudo" "$@"
}

setup_apt_get() {
    local sudo=$1 log status=0
    shift
    log=$(mktemp) || return 1
    # shellcheck disable=SC2086  # $sudo is one word or none
    if ! setup_quietly "$log" $sudo env DEBIAN_FRONTEND=noninteractive apt-get install \
            --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"; then
        say "the package lists may be old or missing: fetching them, then once more"
        setup_quietly "$log" $sudo apt-get update --quiet &&
            setup_quietly "$log" $sudo env DEBIAN_FRONTEND=noninteractive apt-get install \
                --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" || status=1
    fi
    rm -f "$log"
    return "$status"
}

# Returns 0: all there now. 1: apt-get failed. 2: no right to install. 3: not a Debian system.
setup_provide() {
    local missing
    if [ "${TIDE_SETUP_NO_INSTALL:-0}" = 1 ]; then
        return 0
    fi
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        return 3
    fi
    mapfile -t missing < <(missing_packages "$@")
    if [ "${#missing[@]}" -eq 0 ]; then
        return 0
    fi
    setup_apt_install "${missing[@]}"
}

# Says why setup_provide returned STATUS.
setup_explain() {
    local status=$1 missing
    shift
    case $status in
    1) say "apt-get could not install: $(missing_packages "$@" | xargs)" ;;
    2)
        missing=$(missing_packages "$@" | xargs)
        say "missing packages: $missing"
        say "this user is not root and cannot use sudo here; as root run: apt-get install $missing"
        ;;
    3) say "not a Debian or Ubuntu system: please see to the equivalents of: $*" ;;
    esac
}

need_packages() {
    local status=0
    setup_provide "$@" || status=$?
    if [ "$status" -ne 0 ]; then
        setup_explain "$status" "$@"
    fi
    case $status in
    0 | 3) return 0 ;;
    *) exit 1 ;;
    esac
}

want_packages() {
    local status=0
    setup_provide "$@" || status=$?
    if [ "$status" -ne 0 ]; then
        setup_explain "$status" "$@"
        return 1
    fi
}

setup_need_cmake() {
    local have
    command -v cmake >/dev/null || die "cmake is missing"
    have=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
    if [ "$(printf '%s\n%s\n' "$TIDE_CMAKE_MIN" "$have" | sort -V | head -n 1)" \
            != "$TIDE_CMAKE_MIN" ]; then
        die "cmake $have is too old, $TIDE_CMAKE_MIN or newer is needed" \
            "(Debian 12, Ubuntu 23.04 and later have it)"
    fi
}

setup_cmake_steps() {
    local preset=$1 jobs=${TIDE_JOBS:-$(nproc)}
    cd "$TIDE_ROOT" && cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs"
}

build_preset() {
    local preset=$1
    setup_need_cmake
    mkdir -p "$TIDE_ROOT/build"
    say "building $preset in build/$preset"
    (setup_quietly "$TIDE_ROOT/build/$preset.log" setup_cmake_steps "$preset") \
        || die "the $preset build failed; its output is in build/$preset.log"
}

build_product() {
    build_preset product
}
