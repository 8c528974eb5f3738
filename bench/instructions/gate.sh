#!/bin/sh
# SPDX-License-Identifier: MIT
# Counts the instructions of berth-instructions' workloads under callgrind, and holds them against
# baseline.txt and against the bounds below: sh gate.sh PROGRAM [--update | --self-test].
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
baseline=$here/baseline.txt
# More than this above the baseline fails; as much below asks for a new one.
percent=3
# A plan that admits nothing costs what runs, not what is parked; and that without waste. Ten
# thousand tenants cost at most twice what one does.
bounds='plan/256/1000000 plan/256/10000 2
plan/1024/0 plan/256/0 5
turn/10000/10000 turn/10000/1 2'

# Lines "NAME COUNT" on stdin, and the baseline's, to a table; fails where a count grew or a bound
# is broken.
judge() { # BASELINE COMPARABLE
    awk -v percent="$percent" -v bounds="$bounds" -v baseline="$1" -v comparable="$2" '
        BEGIN {
            while ((getline line < baseline) > 0)
                if (line !~ /^#/ && split(line, word, " ") == 2) before[word[1]] = word[2]
        }
        {
            count[$1] = $2
            note = "new"
            change = "-"
            if ($1 in before && comparable) {
                change = sprintf("%+.1f %%", ($2 / before[$1] - 1) * 100)
                note = ""
                if ($2 > before[$1] * (1 + percent / 100)) { note = "GREW"; bad = 1 }
                if ($2 < before[$1] * (1 - percent / 100)) note = "less: --update"
            }
            printf "%-20s %14.1f %14s %10s  %s\n", $1, $2, \
                ($1 in before) ? before[$1] : "-", change, note
            delete before[$1]
        }
        END {
            for (name in before) { print name ": in the baseline only"; bad = comparable || bad }
            n = split(bounds, pairs, "\n")
            for (i = 1; i <= n; i++) {
                split(pairs[i], word, " ")
                if (!(word[1] in count) || !(word[2] in count)) continue
                ratio = count[word[1]] / count[word[2]]
                over = ratio > word[3]
                printf "%s / %s = %.2f, at most %s: %s\n", word[1], word[2], ratio, word[3], \
                    over ? "BROKEN" : "holds"
                if (over) bad = 1
            }
            exit bad
        }'
}

# Does judge pass these counts, as it should (0), or fail them (1)?
holds() { # EXPECTED WHAT COUNTS BASELINE COMPARABLE
    said=0
    printf '%b' "$3" | judge "$4" "$5" >/dev/null || said=1
    [ "$said" = "$1" ] && return 0
    echo "the gate is wrong about: $2"
    exit 1
}

self_test() {
    scratch=$(mktemp)
    trap 'rm -f "$scratch"' EXIT
    printf '# x\na 100\nb 100\n' >"$scratch"
    holds 0 "2 % more, and 10 % less" 'a 102\nb 90\n' "$scratch" 1
    holds 1 "4 % more" 'a 104\nb 100\n' "$scratch" 1
    holds 1 "a workload that is gone" 'a 100\n' "$scratch" 1
    holds 0 "a new workload" 'a 100\nb 100\nc 1\n' "$scratch" 1
    holds 0 "another compiler" 'a 200\nb 1\n' "$scratch" 0
    holds 0 "a bound that is kept" 'plan/1024/0 500\nplan/256/0 100\n' /dev/null 1
    holds 1 "a bound that is broken" 'plan/1024/0 501\nplan/256/0 100\n' /dev/null 1
    "$program" --all >/dev/null
    echo "instructions: the gate holds"
}

count() { # NAME -> NAME and instructions per operation
    log=$(mktemp)
    if ! operations=$(valgrind --tool=callgrind --toggle-collect=measured \
        --callgrind-out-file=/dev/null "$program" "$1" 2>"$log"); then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    collected=$(awk '/Collected/ { print $NF }' "$log")
    rm -f "$log"
    echo "$1 ${operations#* } $collected" | awk '{ printf "%s %.1f\n", $1, $3 / $2 }'
}

program=$1
option=${2-}
case $option in
'' | --update) ;;
--self-test)
    self_test
    exit 0
    ;;
*)
    echo "usage: sh bench/run.sh instructions [--update | --self-test]" >&2
    exit 2
    ;;
esac

counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
for name in $("$program" --list); do count "$name" >>"$counts"; done

compiler="# $(gcc -dumpfullversion) $(uname -m)"
comparable=1
if [ "$(head -n 1 "$baseline" 2>/dev/null)" != "$compiler" ]; then
    comparable=0
    echo "the baseline is of another compiler or machine, so only the bounds are judged" >&2
fi
if [ "$option" = --update ]; then
    { echo "$compiler" && cat "$counts"; } >"$baseline"
    comparable=1
fi
printf '%-20s %14s %14s %10s\n' workload instructions baseline change
judge "$baseline" "$comparable" <"$counts"
