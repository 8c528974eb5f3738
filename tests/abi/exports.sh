#!/bin/sh
# SPDX-License-Identifier: MIT
# What the shared library exports is src/package/berth.exports, under the version of berth.map.
. "$(dirname -- "$0")/common.sh"
list=$root/src/package/berth.exports

# exports LIBRARY: its defined dynamic symbols with their version, without the version's own name
exports() {
    nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sort
}

[ -e "$shared" ] || fail "$shared is not there"
LC_ALL=C sort -c "$list" || fail "berth.exports is not sorted"
sed 's/$/@@BERTH_0.1/' "$list" | sort >"$work/wanted"
exports "$shared" >"$work/found"
diff -u "$work/wanted" "$work/found" || fail "exports differ from src/package/berth.exports"

soname=$(objdump -p "$shared" | awk '$1 == "SONAME" { print $2 }')
version=$(header_version 'MAJOR|MINOR')
[ "$soname" = "libberth.so.$version" ] || fail "soname is $soname, the header says $version"

# This test can fail: a library with a symbol too many and all the others missing.
echo 'int berth__leaked(void); int berth__leaked(void) { return 0; }' |
    "$CC" -x c -shared -fPIC - -o "$work/bad.so"
exports "$work/bad.so" >"$work/bad"
grep -qx berth__leaked "$work/bad" || fail "a leaked symbol is not listed"
if cmp -s "$work/wanted" "$work/bad"; then fail "a leaked symbol was not noticed"; fi
echo "$(wc -l <"$list") symbols"
