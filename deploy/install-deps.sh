#!/bin/sh
# Installs what building, running and testing Weft needs, from Debian's own archive (12 or newer).
#
#   deploy/install-deps.sh                install what is missing
#   deploy/install-deps.sh --check        print what is missing; exit 1 if anything is
#   ... --client-tests                    also Node.js, npm, Chromium and matrix-nio, for the tests with real clients
#
# Run it as often as you like: it costs a few milliseconds when everything is there. Services of the
# installed packages (PostgreSQL, HAProxy, Redis, supervisor) are neither started nor enabled, and no
# default PostgreSQL cluster is made: `weft up` runs private instances.
#
# Exit status: 0 all present, 1 something missing (--check) or apt failed, 2 usage, 3 not allowed to
# install (the command to run is printed).
set -eu

# One requirement a line; alternatives as apt writes them, newest distribution first.
requirements='
clang
lld
llvm
libclang-rt-14-dev | libclang-rt-dev
ccache
ninja-build
cmake
make
pkg-config
git
ca-certificates
libboost1.83-dev | libboost1.81-dev
libboost-url1.83-dev | libboost-url1.81-dev
libboost-json1.83-dev | libboost-json1.81-dev
libpq-dev
catch2
libfmt-dev
libspdlog-dev
libyaml-cpp-dev
libcli11-dev
libsodium-dev
libicu-dev
libssl-dev
openssl
prometheus-cpp-dev
libhiredis-dev
zlib1g-dev
libcrypt-dev
libgumbo-dev
libvips-dev
libjemalloc-dev
postgresql (>= 15) | postgresql-17 | postgresql-16 | postgresql-15
haproxy
supervisor
redis-server
python3
python3-yaml
'

check_only=no
client_tests=no
for argument in "$@"; do
    case $argument in
        --check) check_only=yes ;;
        --client-tests) client_tests=yes ;;
        *)
            echo "usage: $0 [--check] [--client-tests]" >&2
            exit 2
            ;;
    esac
done

# Any Node.js from 18 on will do, wherever it came from; otherwise Debian's.
node_is_usable() {
    command -v npm >/dev/null 2>&1 || return 1
    major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
    [ "${major:-0}" -ge 18 ]
}
if [ "$client_tests" = yes ]; then
    requirements="${requirements}chromium
python3-matrix-nio
"
fi
if [ "$client_tests" = yes ] && ! node_is_usable; then
    requirements="${requirements}nodejs (>= 18)
npm
"
fi

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "weft: this is not a Debian-like system; please install the equivalents of:" >&2
    echo "$requirements" >&2
    exit 3
fi

# "name version" of every installed package among the alternatives of all requirements, one query.
names=$(echo "$requirements" | sed 's/([^)]*)//g' | tr '|' '\n' | tr -d ' ' | grep .)
# shellcheck disable=SC2086  # a list of words
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' $names 2>/dev/null |
    sed -n 's/^installed //p' || true)

# is_satisfied "a (>= 1) | b": is one of the alternatives installed in a version that will do?
is_satisfied() {
    echo "$1" | tr '|' '\n' | {
        while read -r name operator wanted; do
            version=$(echo "$installed" | sed -n "s/^$name //p" | head -n 1)
            [ -n "$version" ] || continue
            [ -n "$operator" ] || exit 0
            dpkg --compare-versions "$version" ge "${wanted%)}" && exit 0
        done
        exit 1
    }
}

# Asking once for all saves a process a package in the usual case, that nothing is missing.
find_missing() {
    echo "$requirements" | while read -r requirement; do
        [ -n "$requirement" ] || continue
        is_satisfied "$requirement" || echo "$requirement"
    done
}
missing=$(find_missing)
[ -n "$missing" ] || exit 0

if [ "$check_only" = yes ]; then
    echo "$missing"
    exit 1
fi

wish=$(echo "$missing" | paste -s -d, | sed 's/,/, /g')
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        if [ "$client_tests" = yes ]; then
            exec sudo -n "$0" --client-tests
        fi
        exec sudo -n "$0"
    fi
    echo "weft: these Debian packages are missing, and installing them needs root. Please run:" >&2
    echo >&2
    echo "    sudo apt-get satisfy --no-install-recommends \"$wish\"" >&2
    echo >&2
    echo "or, without starting the packages' own services:  sudo $0" >&2
    exit 3
fi

# While packages are being configured: no service starts, no default database cluster.
policy=/usr/sbin/policy-rc.d
cluster_settings=/etc/postgresql-common/createcluster.d/weft-install.conf
restore() {
    if [ -e "$policy.before-weft" ] || [ -L "$policy.before-weft" ]; then
        mv -f "$policy.before-weft" "$policy"
    else
        rm -f "$policy"
    fi
    rm -f "$cluster_settings"
    # Only what this run brought in: a service the machine already had stays as it was.
    if command -v systemctl >/dev/null 2>&1; then
        for service in postgresql haproxy redis-server supervisor; do
            if echo "$missing" | grep -q "^$service"; then
                systemctl disable "$service" >/dev/null 2>&1 || true
            fi
        done
    fi
}
if [ -e "$policy" ] || [ -L "$policy" ]; then
    mv -f "$policy" "$policy.before-weft"
fi
trap restore EXIT
trap 'exit 130' INT TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"
mkdir -p "$(dirname "$cluster_settings")"
echo 'create_main_cluster = false' >"$cluster_settings"

export DEBIAN_FRONTEND=noninteractive
satisfy() {
    apt-get satisfy -y --no-install-recommends "$@" "$wish"
}
echo "weft: installing: $wish"
# The package lists may be absent or old; fetch them only when they cannot serve.
satisfy --simulate >/dev/null 2>&1 || apt-get update
satisfy || { apt-get update && satisfy; }
