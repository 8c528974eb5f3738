#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing, builds, and shows Berth's main job.
set -eu

usage() {
    cat <<'TEXT'
usage: sh examples/quickstart.sh [--trace FILE]
  --trace FILE  take lengths and arrivals from a trace in the Azure format
                (TIMESTAMP,ContextTokens,GeneratedTokens); without it a built-in burst is used
TEXT
}

trace=
case "$#:${1-}" in
0:) ;;
1:--help | 1:-h)
    usage
    exit 0
    ;;
2:--trace) trace=$2 ;;
*)
    usage >&2
    exit 2
    ;;
esac
if [ -n "$trace" ] && [ ! -r "$trace" ]; then
    echo "quickstart: cannot read the trace: $trace" >&2
    exit 1
fi
case "$trace" in
'' | /*) ;;
*) trace=$(pwd)/$trace ;; # the way there is the caller's, and we are about to leave
esac

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
. tests/support/install.sh
build=build/quickstart
log=build/quickstart.log

quietly() {
    if "$@" >>"$log" 2>&1; then return 0; fi
    echo "quickstart: this failed: $*" >&2
    echo "quickstart: the end of $log:" >&2
    tail -n 40 "$log" >&2
    exit 1
}

mkdir -p build
: >"$log"
berth_install gcc cmake ninja-build pkg-config libuv1-dev libjansson-dev libxxhash-dev
echo "building (log: $log)"
quietly cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DBERTH_BUILD_TESTS=OFF -DBERTH_BUILD_BENCH=OFF
quietly cmake --build "$build" --target berth-quickstart --parallel 2
program=$(find "$build" -type f -name berth-quickstart | head -n 1)
if [ -n "$trace" ]; then
    exec "$program" --trace "$trace"
fi
exec "$program"
