#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs into a temporary prefix, moves it, and builds and runs a consumer by pkg-config and by
# CMake, each with the shared library and with the archive.
. "$(dirname -- "$0")/common.sh"

quietly() {
    "$@" >"$work/log" 2>&1 </dev/null || {
        cat "$work/log" >&2
        fail "failed: $*"
    }
}

# runs PROGRAM shared|static: it runs, and is linked the way it should be
runs() {
    said=$(LD_LIBRARY_PATH=$libdir timeout 60 "$1") || fail "$1 leaves with $?"
    [ "$said" = "$version $version" ] || fail "$1 says '$said', not '$version' twice"
    needed=$(objdump -p "$1" | awk '$1 == "NEEDED" && $2 ~ /^libberth/ { print $2 }')
    case "$2:$needed" in
    shared:libberth.so.*) ;;
    static:) ;;
    *) fail "$1 should be $2, but needs '$needed'" ;;
    esac
}

version=$(header_version 'MAJOR|MINOR|PATCH')
quietly "$CMAKE" --install "$build" --prefix "$work/first"
mv "$work/first" "$work/prefix" # nothing in it may know where it was
pc=$(find "$work/prefix" -name berth.pc)
[ -n "$pc" ] || fail "berth.pc is not installed"
libdir=$(dirname -- "$(dirname -- "$pc")")
for file in "$work/prefix/include/berth.h" "$libdir/libberth.a" "$libdir/libberth.so" \
    "$libdir/libberth.so.$version" "$libdir/cmake/berth/berth-config.cmake"; do
    [ -e "$file" ] || fail "${file#"$work/prefix/"} is not installed"
done
if grep -rIlF -e "$work/first" -e "$root" "$work/prefix/include" "$libdir/cmake" "$pc"; then
    fail "the files above name the place where they were made"
fi

# pkg-config. For the archive the shared library is out of sight: pkg-config does not choose.
cp "$root/tests/abi/consumer.c" "$work/consumer.c"
export PKG_CONFIG_PATH="$libdir/pkgconfig"
[ "$(pkg-config --modversion berth)" = "$version" ] || fail "berth.pc has another version"
# shellcheck disable=SC2046,SC2086
quietly "$CC" -std=c11 $flags "$work/consumer.c" $(pkg-config --cflags --libs berth) \
    -o "$work/pc_shared"
runs "$work/pc_shared" shared
cp -R "$work/prefix" "$work/archive"
find "$work/archive" -name 'libberth.so*' -exec rm -f {} +
PKG_CONFIG_PATH=$work/archive/${libdir#"$work/prefix/"}/pkgconfig
# shellcheck disable=SC2046,SC2086
quietly "$CC" -std=c11 $flags "$work/consumer.c" $(pkg-config --static --cflags --libs berth) \
    -o "$work/pc_static"
runs "$work/pc_static" static
unset PKG_CONFIG_PATH

# CMake.
mkdir "$work/project"
cp "$work/consumer.c" "$work/project/consumer.c"
cp "$root/tests/abi/consumer.cmake" "$work/project/CMakeLists.txt"
quietly "$CMAKE" -S "$work/project" -B "$work/project/build" -G Ninja -DCMAKE_C_COMPILER="$CC" \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_PREFIX_PATH="$work/prefix" -DWANTED_VERSION="${version%.*}"
quietly "$CMAKE" --build "$work/project/build"
runs "$work/project/build/with_shared" shared
runs "$work/project/build/with_static" static

# This test can fail: a version that is not there is refused, and so is a linkage mixed up.
if "$CMAKE" -S "$work/project" -B "$work/project/other" -G Ninja -DCMAKE_C_COMPILER="$CC" \
    -DCMAKE_PREFIX_PATH="$work/prefix" -DWANTED_VERSION=99.0 >/dev/null 2>&1; then
    fail "find_package(berth 99.0) was satisfied"
fi
if (runs "$work/pc_shared" static) 2>/dev/null; then fail "a wrong linkage was not noticed"; fi
echo "four consumers of $version"
