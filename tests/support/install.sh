# SPDX-License-Identifier: MIT
# Sourced, not run: berth_install PACKAGE... makes sure that these Debian packages, or what they
# bring, are there. Silent where nothing is missing. Otherwise it installs with apt-get, as root
# or through sudo; where it cannot, it says what to install and returns 1.

# Is there what the package brings? Asked by its effect, so that other systems and hand-made
# installations count as well.
berth__have() {
    case "$1" in
    cmake | gcc | g++ | clang | gcovr | git | pkg-config | make) command -v "$1" >/dev/null 2>&1 ;;
    ninja-build) command -v ninja >/dev/null 2>&1 ;;
    gnuplot-nox) command -v gnuplot >/dev/null 2>&1 ;;
    libc6-dev) [ -e /usr/include/stdio.h ] ;;
    libuv1-dev) pkg-config --exists libuv 2>/dev/null ;;
    libcmocka-dev) pkg-config --exists cmocka 2>/dev/null ;;
    libjansson-dev) pkg-config --exists jansson 2>/dev/null ;;
    libxxhash-dev) pkg-config --exists libxxhash 2>/dev/null ;;
    *) dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed ;;
    esac
}

berth__missing() {
    for berth__package in "$@"; do
        berth__have "$berth__package" || printf ' %s' "$berth__package"
    done
}

berth_install() {
    # A compiler without the C library's headers is of no use; on Debian they are only recommended.
    berth__wanted=$(berth__missing "$@" libc6-dev)
    [ -n "$berth__wanted" ] || return 0
    berth__as=
    if ! command -v apt-get >/dev/null 2>&1; then
        berth__as=none
    elif [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
            berth__as='sudo -n env DEBIAN_FRONTEND=noninteractive'
        else
            berth__as=none
        fi
    else
        berth__as='env DEBIAN_FRONTEND=noninteractive'
    fi
    if [ "$berth__as" = none ]; then
        echo "these are missing, please install them:$berth__wanted" >&2
        echo "    sudo apt-get install$berth__wanted" >&2
        return 1
    fi
    echo "installing$berth__wanted"
    berth__log=$(mktemp)
    # Word splitting is wanted: both are lists.
    # shellcheck disable=SC2086
    if ! { $berth__as apt-get update -q -o Acquire::Retries=3 &&
        $berth__as apt-get install -q -y --no-install-recommends $berth__wanted; } \
        >"$berth__log" 2>&1 </dev/null; then
        tail -n 20 "$berth__log" >&2
        rm -f "$berth__log"
        echo "could not install:$berth__wanted" >&2
        return 1
    fi
    rm -f "$berth__log"
    berth__wanted=$(berth__missing "$@")
    if [ -n "$berth__wanted" ]; then
        echo "installed, but still not found:$berth__wanted" >&2
        return 1
    fi
}
