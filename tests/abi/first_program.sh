#!/bin/sh
# SPDX-License-Identifier: MIT
# The program in the header's head comment compiles as it stands and prints what it should.
. "$(dirname -- "$0")/common.sh"

# From its first #include to the brace that closes main.
awk '/^ \*     #include <berth.h>/ { on = 1 }
     on { print substr($0, 8) }
     on && /^ \*     }$/ { exit }' "$header" >"$work/first.c"
[ "$(wc -l <"$work/first.c")" -ge 20 ] || fail "the first program was not found in the header"
libraries=$(pkg-config --libs libuv jansson)
# shellcheck disable=SC2086
"$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror $flags -I"$root/include" "$work/first.c" "$static" \
    $libraries -pthread -o "$work/first" || fail "it does not compile"
timeout 60 "$work/first" >"$work/out" </dev/null || fail "it leaves with $?"
for sequence in 0 1 2; do echo "$sequence: token"; done >"$work/wanted"
diff -u "$work/wanted" "$work/out" || fail "it prints something else"
echo "one request, three tokens"
