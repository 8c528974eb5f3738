#!/bin/sh
# SPDX-License-Identifier: MIT
# Build a bench in release and run it: sh bench/run.sh NAME [options of the bench].
# Its stdout is the bench's alone; what the build says is shown only where it fails.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/bench

usage() {
    echo "usage: sh bench/run.sh NAME [options]"
    echo
    echo "  replay   a trace of requests through a pool (replay --help lists its options)"
    echo "  goodput  every preset around the load that saturates one of them (replay's options)"
    echo "  golden   published experiments repeated, row by row (golden --help)"
    echo "  peers    what would be taken instead, side by side (peers --help)"
    echo "  mailbox  tokens from an engine to its readers (mailbox --help)"
    echo "  instructions [--update]"
    echo "           instructions per operation against the baseline, as a gate"
}

case ${1-} in
replay) program=berth-replay ;;
goodput)
    shift
    set -- replay --goodput "$@"
    program=berth-replay
    ;;
golden) program=berth-golden ;;
peers) program=peers/berth-peers ;;
mailbox) program=berth-mailbox ;;
instructions) program=instructions/berth-instructions ;;
-h | --help)
    usage
    exit 0
    ;;
*)
    [ $# -eq 0 ] || echo "bench/run.sh: no bench is named '$1'" >&2
    usage >&2
    exit 2
    ;;
esac
name=$1
shift

# shellcheck source=tests/support/install.sh
. "$root/tests/support/install.sh"
berth_install gcc cmake ninja-build pkg-config libuv1-dev libjansson-dev libxxhash-dev >&2 || exit 1

# What draws a comparison.
case "$name: $* " in *" --svg"*) berth_install gnuplot-nox >&2 || exit 1 ;; esac

# What only some entrants need: without it they are skipped, by name.
if [ "$name" = peers ]; then
    for package in libglib2.0-dev g++ libtbb-dev libboost-dev; do
        berth_install "$package" >&2 || echo "peers that need $package are skipped" >&2
    done
fi

if [ "$name" = mailbox ]; then
    berth_install valgrind >&2 || echo "without valgrind no instructions are counted" >&2
fi

# The crates among the peers; where cargo or its registry is missing they are skipped, by name.
crates=
build_crates() {
    command -v cargo >/dev/null 2>&1 || return 0
    echo "building the crates among the peers" >&2
    if cargo build --release --quiet --manifest-path "$root/bench/peers/rust/Cargo.toml" \
        --target-dir "$build/cargo" >"$build/cargo.log" 2>&1; then
        crates=$build/cargo/release/libberth_peers_rust.a
    else
        tail -n 5 "$build/cargo.log" >&2
        echo "the crates cannot be built (log: build/bench/cargo.log); they are skipped" >&2
    fi
}

if [ "$name" = instructions ]; then berth_install valgrind >&2 || exit 1; fi

compile() {
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBERTH_BUILD_TESTS=OFF \
        -DBERTH_BUILD_EXAMPLES=OFF "-DBERTH_PEERS_RUST=$crates" -DBERTH_PEERS_CXX=ON &&
        cmake --build "$build" --target "berth-$name" --parallel 2
}

# Two runs at once build one after the other.
mkdir -p "$build"
exec 9>"$build/run.lock"
if command -v flock >/dev/null 2>&1; then flock 9; fi
if [ "$name" = peers ]; then build_crates; fi
if [ -t 2 ] && [ ! -x "$build/bench/$program" ]; then echo "building berth-$name" >&2; fi
if ! compile >"$build/run.log" 2>&1; then
    cat "$build/run.log" >&2
    echo "bench/run.sh: berth-$name does not build" >&2
    exit 1
fi
exec 9>&-
if [ "$name" = instructions ]; then
    exec sh "$root/bench/instructions/gate.sh" "$build/bench/$program" "$@"
fi
exec "$build/bench/$program" "$@"
