#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the rules of common.sh on the project.
. "$(dirname -- "$0")/common.sh"
cd "$root"
static=${BERTH_STATIC:-build/dev/libberth.a}
bad=0

report() { # NAME OFFENCES
    [ -n "$2" ] || return 0
    echo "$1:"
    echo "$2" | sed 's/^/    /'
    bad=1
}

for rule in $rules; do
    report "$rule" "$("check_$rule" || :)"
done
if [ -e "$static" ]; then
    report symbols "$(symbols_of "$static" src/package/berth.exports)"
    # Instrumented objects have variables of their own.
    case "${BERTH_SANITIZE:-}:${BERTH_COVERAGE:-OFF}" in
    :OFF) report variables "$(variables_of "$static")" ;;
    esac
else
    report symbols "$static is not built"
fi
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    report top "$(git ls-files | allowed_at_top)"
fi
[ "$bad" -eq 0 ] || exit 1
echo "$(sources | wc -l) sources, $(scripts | wc -l) scripts"
