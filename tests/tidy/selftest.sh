#!/bin/sh
# SPDX-License-Identifier: MIT
# Every rule is silent on a good tree and speaks up on a tree with one bad file.
. "$(dirname -- "$0")/common.sh"
CC=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failures=0
count=0

spdx='/* SPDX-License-Identifier: MIT */'
good_tree() {
    rm -rf "$work/tree"
    for folder in src/base src/core src/runtime src/api src/adapters src/package include tests \
        bench examples .ci; do
        mkdir -p "$work/tree/$folder"
        echo "A folder." >"$work/tree/$folder/README.md"
    done
    for folder in . src; do echo "A project." >"$work/tree/$folder/README.md"; done
    rm "$work/tree/.ci/README.md"
    cd "$work/tree"
    echo '# SPDX-License-Identifier: MIT' >CMakeLists.txt
    printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\n' >.ci/run
    printf '%s\n#include "base/list.h"\n#include <stdint.h>\n' "$spdx" >src/core/good.c
    printf '/* a double, getenv() */\nstatic const char *a = "float abort()";\n' >>src/core/good.c
    printf '%s\n#include <uv.h>\n#include "core/core.h"\n' "$spdx" >src/runtime/good.c
    {
        printf '%s\n/*\n * What:    a.\n * Why:     b,\n *          c.\n' "$spdx"
        printf ' * Rules:   d.\n * Threads: any.\n *\n * And more.\n */\n'
    } >src/core/good.h
    {
        echo "$spdx"
        printf '/**\n * berth_a() - a.\n *\n * Errors:   none\n * Threads:  any\n'
        printf ' * Memory:   none\n * Cost:     O(1)\n */\nBERTH_API berth_status berth_a(\n'
        printf '    int a);\n'
    } >include/berth.h
    echo berth_a >src/package/berth.exports
    printf '%s\nBERTH_0.1 {\n    global:\n        berth_a;\n    local:\n        *;\n};\n' "$spdx" \
        >src/package/berth.map
}

# A file that has text appended. The rule RULE must then say something that has WORDS in it.
expect() { # RULE WORDS
    count=$((count + 1))
    said=$("check_$1" || :)
    case $said in
    *"$2"*) ;;
    *)
        echo "$1 should have said '$2', but said '$said'" >&2
        failures=$((failures + 1))
        ;;
    esac
    good_tree
}

good_tree
for rule in $rules; do
    said=$("check_$rule" || :)
    count=$((count + 1))
    if [ -n "$said" ]; then
        echo "$rule says on a good tree: $said" >&2
        failures=$((failures + 1))
    fi
done

echo '#include "runtime/pool.h"' >>src/core/good.c
expect layers 'src/core/good.c:6: may not include "runtime/pool.h"'
echo '#include "adapters/json.h"' >src/api/bad.c
expect layers 'may not include "adapters/json.h"'
echo '#include "list.h"' >src/base/bad.c
expect layers 'may not include "list.h"'
mkdir src/other
echo "$spdx" >src/other/bad.c
expect layers 'src/other/bad.c: not in a layer'
echo '#include <uv.h>' >>src/core/good.c
expect packages 'src/core/good.c:6:#include <uv.h>'
echo '# include <jansson.h>' >src/api/bad.c
expect packages 'src/api/bad.c:1:'
echo '#include <xxhash.h>' >>src/runtime/good.c
expect packages 'src/runtime/good.c:4:'
echo '#include <uv.h>' >include/bad.h
expect packages 'include/bad.h:1:'
echo 'static double weight;' >>src/core/good.c
expect floats 'src/core/good.c:6:static double weight;'
printf '/* over\n lines */ float weight;\n' >src/base/bad.c
expect floats 'src/base/bad.c:2:'
echo '    if (getenv("A")) return;' >>src/runtime/good.c
expect guest 'src/runtime/good.c:4:'
echo '    fputs("a", stderr);' >>src/runtime/good.c
expect guest 'stderr'
echo '    uv_queue_work(loop, work, run, done);' >>src/runtime/good.c
expect guest 'uv_queue_work'
i=0
while [ $i -lt 800 ]; do i=$((i + 1)) && echo 'int a;'; done >>src/core/good.c
expect sizes 'src/core/good.c: 805 lines'
printf '/* %0100d */\n' 0 >>src/core/good.c
expect sizes 'src/core/good.c:6: 106 columns'
printf '\tint a;\n' >>src/core/good.c
expect sizes 'src/core/good.c:6: a tab'
echo 'int a; ' >>src/core/good.c
expect sizes 'src/core/good.c:6: blanks at the end'
{
    printf 'static int f(int a,\n             int b) {\n'
    i=0
    while [ $i -lt 59 ]; do i=$((i + 1)) && echo '    if (a) {}'; done
    echo '}'
} >>src/core/good.c
expect functions 'src/core/good.c:7: a function of 61 lines'
sed '/^ \* Threads:/d' src/core/good.h >src/core/bad.h
expect heads 'src/core/bad.h: does not say Threads:'
sed 's/^ \*          c/ * c/' src/core/good.h >src/core/bad.h
expect heads 'src/core/bad.h:5: not under'
sed 's/b,$/b. Rules:   c./' src/core/good.h | sed '/^ \* Rules/d' >src/core/bad.h
expect heads 'does not say Rules:'
printf '%s\n/*\n * Safety\n *   one,\n * two.\n */\n' "$spdx" >src/core/bad.c
expect heads 'src/core/bad.c:5: not under'
mkdir tests/seeded
printf -- '--- a/src/core/good.c\n+++ b/src/core/good.c\n@@ -1 +1 @@\n-int b;\n+int c;\n' \
    >tests/seeded/bad.patch
expect seeded 'tests/seeded/bad.patch: does not apply'
echo 'int a;' >src/core/bad.c
expect spdx 'src/core/bad.c: does not begin'
printf '#!/bin/sh\necho\n' >tests/bad.sh
expect spdx 'tests/bad.sh: does not begin'
printf '#!/bin/sh\necho\n' >.ci/run
expect spdx '.ci/run: does not begin'
for line in Errors Threads Memory Cost; do
    sed "/^ \* $line: /d" include/berth.h >bad && mv bad include/berth.h
    expect contracts "$line"
done
echo >>include/berth.h
echo 'BERTH_API berth_status berth_b(void);' >>include/berth.h
expect contracts 'berth_b'
echo "/* TO""DO: later */" >>src/core/good.c
expect words 'src/core/good.c:6:'
echo "FIX""ME" >>README.md
expect words 'README.md:2:'
rm src/runtime/README.md
expect readmes 'src/runtime/README.md is missing'
echo 'BERTH_API const char *berth_b(void);' >>include/berth.h
expect exports 'not in berth.exports: berth_b'
echo berth_b >>src/package/berth.exports
expect exports 'not in berth.h: berth_b'
sed 's/berth_a;/berth_*;/' src/package/berth.map >bad && mv bad src/package/berth.map
expect exports 'a wildcard in berth.map'

# The rules of what is built.
says() { # WORDS, then what was said
    count=$((count + 1))
    case $2 in
    *"$1"*) ;;
    *)
        echo "should have said '$1', but said '$2'" >&2
        failures=$((failures + 1))
        ;;
    esac
}
archive() { # C text: bad.a
    echo "$1" | "$CC" -x c -std=c11 -fPIC -c - -o bad.o
    rm -f bad.a
    ar rc bad.a bad.o
}
archive 'void berth_a(void) {} void berth__a(void) {} const int berth__table[2] = {1, 2};'
says '||' "|$(symbols_of bad.a src/package/berth.exports)$(variables_of bad.a)|"
archive 'void helper(void) {}'
says 'helper: global without the prefix' "$(symbols_of bad.a src/package/berth.exports)"
archive 'void berth_b(void) {}'
says 'berth_b: public by its name' "$(symbols_of bad.a src/package/berth.exports)"
archive 'static int berth__count; int *berth__at(void) { return &berth__count; }'
says 'berth__count: a variable' "$(variables_of bad.a)"
archive 'static int berth__count = 3; int *berth__at(void) { return &berth__count; }'
says 'berth__count: a variable' "$(variables_of bad.a)"
archive 'static _Thread_local int berth__count; int *berth__at(void) { return &berth__count; }'
says 'berth__count: a variable' "$(variables_of bad.a)"
says '||' "|$(printf 'src/a.c\n.ci/run\nREADME.md\n' | allowed_at_top)|"
says 'notes.txt: not allowed' "$(printf 'src/a.c\nnotes.txt\n' | allowed_at_top)"
says 'docs: not allowed' "$(printf 'src/a.c\ndocs/a.md\n' | allowed_at_top)"

cd "$root"
[ "$failures" -eq 0 ] || exit 1
echo "$count examples"
