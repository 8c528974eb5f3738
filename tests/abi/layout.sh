#!/bin/sh
# SPDX-License-Identifier: MIT
# Size of every public struct, offset and size of every field, number of every constant: frozen.
#     sh tests/abi/layout.sh --update    writes the table again after an intended change
. "$(dirname -- "$0")/common.sh"
table=$root/tests/abi/layout.txt

# layout HEADER: prints its table
layout() {
    mkdir -p "$work/include"
    cp "$1" "$work/include/berth.h"
    awk -f "$root/tests/abi/layout.awk" "$1" >"$work/layout.c"
    "$CC" -std=c11 -DBERTH_EXPERIMENTAL -I"$work/include" "$work/layout.c" -o "$work/layout" ||
        fail "layout.c: no program"
    "$work/layout"
}

if [ "$(uname -m)-$(getconf LONG_BIT)" != x86_64-64 ]; then
    echo "the table is that of x86_64 with 64-bit long and pointers"
    exit 77
fi
layout "$header" >"$work/now"
if [ "${1:-}" = --update ]; then
    cp "$work/now" "$table"
    echo "wrote $table"
    exit 0
fi

# What is experimental changes no layout and no number: without it only its constants are missing.
awk -f "$root/tests/abi/layout.awk" "$header" | grep -v 'BERTH_ORDER_RANK' >"$work/plain.c"
"$CC" -std=c11 -I"$work/include" "$work/plain.c" -o "$work/plain" || fail "plain.c: no program"
"$work/plain" >"$work/plain.txt"
grep -v 'BERTH_ORDER_RANK' "$work/now" | diff -u - "$work/plain.txt" ||
    fail "BERTH_EXPERIMENTAL changes more than it may"

# Every struct and every enum of the header is in the table.
for kind in struct:struct enum:constant; do
    grep -qE "^${kind#*:} " "$work/now" || fail "the table has no ${kind%:*}"
done
structs=$(grep -cE '^(typedef )?struct berth_[a-z_]+ \{' "$header")
[ "$(grep -cE '^struct [a-z_]+ size' "$work/now")" = "$structs" ] ||
    fail "the header has $structs structs, the table another number"
diff -u "$table" "$work/now" || fail "the layout changed; see tests/README.md"

# This test can fail: a field put before another, a wider field, another number.
for edit in \
    's/^    uint32_t face;  .*/    uint32_t inserted; uint32_t face;/' \
    's/^    uint32_t worker_count;  .*/    uint64_t worker_count;/' \
    's/BERTH_REFUSAL_SLOTS = 9/BERTH_REFUSAL_SLOTS = 11/'; do
    sed "$edit" "$header" >"$work/bad.h"
    cmp -s "$header" "$work/bad.h" && fail "bad example does not apply: $edit"
    layout "$work/bad.h" >"$work/bad"
    if cmp -s "$table" "$work/bad"; then fail "not noticed: $edit"; fi
done
echo "$structs structs, $(wc -l <"$work/now") lines"
