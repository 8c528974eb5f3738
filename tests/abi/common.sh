# SPDX-License-Identifier: MIT
# Sourced by the scripts of this folder. CTest sets the variables; by hand they default to
# build/dev.
set -eu
root=${BERTH_SOURCE_DIR:-$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)}
build=${BERTH_BUILD_DIR:-$root/build/dev}
static=${BERTH_STATIC:-$build/libberth.a}
shared=${BERTH_SHARED:-$build/libberth.so}
CC=${CC:-gcc}
CXX=${CXX:-}
CMAKE=${CMAKE:-cmake}
header=$root/include/berth.h
flags=
case "${BERTH_SANITIZE:-}" in
'') ;;
*) flags="-fsanitize=$BERTH_SANITIZE -fno-sanitize-recover=all" ;;
esac
case "${BERTH_COVERAGE:-}" in
1 | ON | on | TRUE) flags="$flags --coverage" ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "$0: $*" >&2
    exit 1
}

# header_version PARTS: the version that the header names, such as 0.1 of MAJOR|MINOR
header_version() {
    awk -v parts="^BERTH_VERSION_($1)$" '$1 == "#define" && $2 ~ parts {
        printf "%s%s", dot, $3
        dot = "."
    }' "$header"
}
