#!/bin/sh
# SPDX-License-Identifier: MIT
# Bugs that the tests have to catch. Each NAME.patch beside this script is applied to a copy of the
# tree; the tests that its head names are built and run there, and at least one of them must fail.
# A patch that no longer applies, or does not build, is a failure: the suite has to keep its bugs.
#
#   sh tests/seeded/run.sh [NAME ...]      JOBS=N for the build; default 2
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
jobs=${JOBS:-2}
seconds=120 # a test that hangs has failed
copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' HUP INT TERM

say() { printf '%s\n' "$*"; }
die() { say "seeded: $*"; exit 1; }

tests_of() { sed -n 's/^Tests: *//p;/^---/q' "$1"; }

# Build the named tests in the copy; what goes wrong is in build.log.
build() {
    targets=
    for each in "$@"; do targets="$targets test_$each"; done
    # shellcheck disable=SC2086 # one word per target
    cmake --build "$copy/build" -j "$jobs" --target $targets >"$copy/build.log" 2>&1
}

# The first named test that fails; nothing if all pass.
first_failure() {
    for each in "$@"; do
        timeout "$seconds" "$copy/build/tests/test_$each" >"$copy/test.log" 2>&1 && continue
        say "$each"
        return
    done
}

patches=
if [ $# -eq 0 ]; then
    patches=$(ls "$here"/*.patch)
else
    for name in "$@"; do patches="$patches $here/$name.patch"; done
fi

(cd "$root" && git ls-files -co --exclude-standard) | while IFS= read -r file; do
    [ -f "$root/$file" ] || continue
    mkdir -p "$copy/tree/$(dirname "$file")"
    cp -p "$root/$file" "$copy/tree/$file"
done
cmake -S "$copy/tree" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
    -DBERTH_HAS_SEEDED_BUG=ON >"$copy/build.log" 2>&1 ||
    { tail -20 "$copy/build.log"; die "the copy cannot be configured"; }

# Without a bug every test passes, or its failure would prove nothing.
all=$(for patch in $patches; do tests_of "$patch"; done | tr ' ' '\n' | sort -u)
# shellcheck disable=SC2086 # one word per test
build $all || { tail -20 "$copy/build.log"; die "the copy cannot be built"; }
# shellcheck disable=SC2086
failure=$(first_failure $all)
[ -z "$failure" ] || die "$failure fails without any bug"

caught=0
count=0
for patch in $patches; do
    name=$(basename "$patch" .patch)
    names=$(tests_of "$patch")
    count=$((count + 1))
    if ! (cd "$copy/tree" && git apply --unsafe-paths "$patch") 2>"$copy/apply.log"; then
        say "$name: NOT CAUGHT: the patch does not apply"
        cat "$copy/apply.log"
        continue
    fi
    # shellcheck disable=SC2086
    if ! build $names; then
        say "$name: NOT CAUGHT: it does not build"
        grep -m 3 'error' "$copy/build.log"
    else
        # shellcheck disable=SC2086
        failure=$(first_failure $names)
        if [ -n "$failure" ]; then
            caught=$((caught + 1))
            say "$name: caught by $failure"
        else
            say "$name: NOT CAUGHT by $names"
        fi
    fi
    (cd "$copy/tree" && git apply -R --unsafe-paths "$patch") || die "$name cannot be taken back"
done
say "seeded: $caught of $count caught"
[ "$count" -gt 0 ] && [ "$caught" -eq "$count" ]
