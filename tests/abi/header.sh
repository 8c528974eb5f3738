#!/bin/sh
# SPDX-License-Identifier: MIT
# The header alone, included twice, compiles pedantically as C99, C11, C17 and C++11.
. "$(dirname -- "$0")/common.sh"

# compiles HEADER_DIR COMPILER LANGUAGE STANDARD USE [MORE]
compiles() {
    case $3 in
    c) more='-Wstrict-prototypes -Wmissing-prototypes' ;;
    *) more='-Wold-style-cast' ;;
    esac
    # shellcheck disable=SC2086
    printf '#include <berth.h>\n#include <berth.h>\n%s\n' "$5" |
        "$2" -x "$3" "-std=$4" -pedantic-errors -Wall -Wextra -Wconversion -Wshadow -Wundef \
            -Werror $more ${6:-} -I"$1" -fsyntax-only - 2>"$work/errors"
}

used='extern berth_pool *pool; extern berth_options options; extern berth_stats stats;'
fenced='extern int rank[BERTH_ORDER_RANK];'
count=0
for compiler in "$CC" gcc clang; do
    command -v "$compiler" >/dev/null 2>&1 || continue
    for standard in c99 c11 c17; do
        compiles "$root/include" "$compiler" c "$standard" "$used" &&
            compiles "$root/include" "$compiler" c "$standard" "$fenced" -DBERTH_EXPERIMENTAL || {
            cat "$work/errors" >&2
            fail "$compiler -std=$standard refuses include/berth.h"
        }
        count=$((count + 1))
    done
done
for compiler in "$CXX" g++ clang++; do
    [ -n "$compiler" ] && command -v "$compiler" >/dev/null 2>&1 || continue
    for standard in c++11 c++20; do
        compiles "$root/include" "$compiler" c++ "$standard" "$used" &&
            compiles "$root/include" "$compiler" c++ "$standard" "$fenced" -DBERTH_EXPERIMENTAL || {
            cat "$work/errors" >&2
            fail "$compiler -std=$standard refuses include/berth.h"
        }
        count=$((count + 1))
    done
done
[ "$count" -ge 3 ] || fail "only $count compilations"

# The fence holds: without the macro nothing behind it is there.
if compiles "$root/include" "$CC" c c11 "$fenced"; then fail "something got over the fence"; fi

# This test can fail: a header that needs another one, and one that is not C++.
mkdir "$work/alone" "$work/cxx"
sed 's/^typedef int32_t berth_status;/typedef bool berth_status;/' "$header" >"$work/alone/berth.h"
if compiles "$work/alone" "$CC" c c11 "$used"; then fail "a use of bool was not noticed"; fi
sed 's/berth_call \*call/berth_call *class/' "$header" >"$work/cxx/berth.h"
compiles "$work/cxx" "$CC" c c11 "$used" || fail "the second bad example should still be C"
if [ -n "$CXX" ] && compiles "$work/cxx" "$CXX" c++ c++11 "$used"; then
    fail "a keyword of C++ was not noticed"
fi
echo "$count compilations"
