# SPDX-License-Identifier: MIT
# Sourced by the scripts of this folder: the rules. Each is a function check_NAME that looks at
# the tree in the working directory and prints one line per offence; silence is success. tidy.sh
# runs them on the project, selftest.sh on trees that break them.
set -eu
LC_ALL=C
export LC_ALL
root=${BERTH_SOURCE_DIR:-$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)}

rules='layers packages floats guest sizes functions heads seeded'
rules="$rules spdx contracts words readmes exports"

# Every file of ours that a compiler, a shell or CMake reads, and the public documents.
sources() {
    find include src tests bench examples -type f -name "*.[ch]" 2>/dev/null | sort
}
scripts() {
    find CMakeLists.txt .ci include src tests bench examples -type f \( -name '*.sh' -o \
        -name '*.awk' -o -name '*.map' -o -name '*.cmake' -o -name '*.cmake.in' -o \
        -name CMakeLists.txt -o -path '.ci/*' \) 2>/dev/null | sort
}
documents() {
    find README.md include src tests bench examples -type f -name '*.md' 2>/dev/null | sort
}

# A C file without comments and strings, one output line per input line.
code_of() {
    awk '{
        line = $0
        gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
        out = ""
        while (line != "") {
            if (inside) {
                at = index(line, "*/")
                if (at == 0) break
                line = substr(line, at + 2)
                inside = 0
            } else {
                at = index(line, "/*")
                if (at == 0) { out = out line; break }
                out = out substr(line, 1, at - 1)
                line = substr(line, at + 2)
                inside = 1
            }
        }
        print out
    }' "$1"
}

# Includes point down only: base <- core <- runtime <- api; adapters stand beside, on base and
# core, and nothing depends on them.
check_layers() {
    for file in $(sources | grep '^src/'); do
        layer=${file#src/}
        case ${layer%%/*} in
        base) may='base' ;;
        core) may='base core' ;;
        runtime) may='base core runtime' ;;
        api) may='base core runtime api' ;;
        adapters) may='base core adapters' ;;
        *)
            echo "$file: not in a layer"
            continue
            ;;
        esac
        awk -v file="$file" -v may="$may" '
            BEGIN { n = split(may, list, " "); for (i = 1; i <= n; i++) ok[list[i]] = 1 }
            /^[ \t]*#[ \t]*include[ \t]*"/ {
                split($0, quoted, "\"")
                name = quoted[2]
                if (name == "berth.h") next
                layer = name
                sub(/\/.*/, "", layer)
                if (index(name, "/") == 0 || !(layer in ok))
                    print file ":" NR ": may not include \"" name "\""
            }' "$file"
    done
}

# Each third-party package is visible in one place.
check_packages() {
    for file in $(sources); do
        case $file in
        src/runtime/*) may='uv.h' ;;
        src/core/*) may='xxhash.h' ;;
        src/adapters/*) may='jansson.h' ;;
        bench/peers/c/*) may='uv.h' ;; # a peer
        bench/*) may='xxhash.h jansson.h' ;;
        tests/*) may='cmocka.h jansson.h' ;;
        examples/scheduler_test.c) may='cmocka.h' ;;
        examples/server/uv_loop.c) may='uv.h' ;; # what it is about
        *) may='' ;;
        esac
        for package in uv.h xxhash.h jansson.h cmocka.h; do
            case " $may " in *" $package "*) continue ;; esac
            grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$package" "$file" |
                sed "s|^|$file:|; s|\$|: not visible here|"
        done
    done
}

# Decisions are whole numbers.
check_floats() {
    for file in $(sources | grep -E '^src/(core|base)/'); do
        code_of "$file" | grep -nwE 'float|double|FLT_[A-Z]+|DBL_[A-Z]+|math\.h' | sed "s|^|$file:|"
    done
}

# The library is a guest: no environment, signals, output, exit, or libuv's process-wide threads.
check_guest() {
    calls='getenv|secure_getenv|setenv|putenv|signal|sigaction|raise|abort|exit|_exit|quick_exit'
    calls="$calls|printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|perror"
    calls="$calls|uv_queue_work|uv_default_loop|uv_fs_[a-z]+|uv_getaddrinfo"
    for file in $(sources | grep '^src/'); do
        code_of "$file" | grep -nE "(^|[^a-zA-Z0-9_])($calls)[ ]*\(" |
            sed "s|^|$file:|; s|\$|: not in a library|"
        code_of "$file" | grep -nwE 'stdout|stderr|stdin' | sed "s|^|$file:|"
    done
}

# 800 lines a file (the public header aside), 100 columns a line.
check_sizes() {
    for file in $(sources) $(scripts); do
        awk -v file="$file" '
            { line = $0; gsub(/[\200-\277]/, "", line) }
            length(line) > 100 { print file ":" NR ": " length(line) " columns" }
            /\t/ && file ~ /\.[ch]$/ { print file ":" NR ": a tab" }
            /[ \t]$/ { print file ":" NR ": blanks at the end" }
            END { if (NR > 800 && file != "include/berth.h") print file ": " NR " lines" }
        ' "$file"
    done
}

# A header of ours says in its first comment what it is, why, by which rules, and for which threads;
# each begins a line, and what belongs to it is indented under it. So it is with proofs.
check_heads() {
    for file in $(sources | grep '^src/'); do
        awk -v file="$file" '
            /^ \*\/$/ { exit }
            /^ \* (Properties|Operation|Safety)$/ { proof = 1; next }
            proof && !/^ \*(   .*)?$/ {
                print file ":" NR ": not under Properties, Operation or Safety"
            }' "$file"
    done
    for file in $(sources | grep '^src/.*\.h$'); do
        awk -v file="$file" '
            /^ \*\/$/ { exit }
            /^ \* What:    / { head = 1 }
            /^ \*$/ { head = 0 }
            /^ \* (What|Why|Rules|Threads): / { said[substr($2, 1, index($2, ":") - 1)] = 1 }
            head && !/^ \* (What:    |Why:     |Rules:   |Threads: |         )[^ ]/ {
                print file ":" NR ": not under What, Why, Rules or Threads"
            }
            END {
                n = split("What Why Rules Threads", wanted, " ")
                for (i = 1; i <= n; i++)
                    if (!(wanted[i] in said)) print file ": does not say " wanted[i] ":"
            }' "$file"
    done
}

# 60 lines a function, from the line of its opening brace to that of the closing one.
check_functions() {
    for file in $(sources | grep '^src/'); do
        awk -v file="$file" '
            !inside && /\)[ ]*\{$/ { inside = NR }
            /^\}/ {
                if (inside && NR - inside + 1 > 60)
                    print file ":" inside ": a function of " NR - inside + 1 " lines"
                inside = 0
            }' "$file"
    done
}

# A bug that can be put in no more is one that nothing is held against.
check_seeded() {
    command -v git >/dev/null || return 0
    for patch in tests/seeded/*.patch; do
        [ ! -e "$patch" ] || git apply --check "$patch" 2>/dev/null || echo "$patch: does not apply"
    done
}

# The licence comes first; only a #! may stand before it.
check_spdx() {
    for file in $(sources) $(scripts); do
        case $file in
        *.c | *.h | *.map) first='/\* SPDX-License-Identifier: MIT \*/' ;;
        *) first='# SPDX-License-Identifier: MIT' ;;
        esac
        sed '1{/^#!/d;}' "$file" | head -n 1 | grep -qx "$first" ||
            echo "$file: does not begin with its SPDX line"
    done
}

# Every public function has its contract.
check_contracts() {
    awk '
        /^\/\*\*/ { comment = ""; open = 1 }
        open { comment = comment "\n" $0 }
        open && /\*\// { open = 0; next }
        /^BERTH_API / {
            if (comment !~ /\n \* (Errors|Returns): /) missing = missing " Errors or Returns,"
            if (comment !~ /\n \* Threads: /) missing = missing " Threads,"
            if (comment !~ /\n \* Memory: /) missing = missing " Memory,"
            if (comment !~ /\n \* Cost: /) missing = missing " Cost,"
            if (missing) print "include/berth.h:" NR ": no" missing " in its comment: " $0
            missing = ""
        }
        # A comment belongs to the declarations right after it.
        !open && /^$/ { comment = "" }
    ' include/berth.h
}

# Nothing waits to be done in the text. The words are put together, so that this file passes.
check_words() {
    waiting="TO""DO|FIX""ME|XX""X|HA""CK"
    for file in $(sources) $(scripts) $(documents); do
        grep -nwE "$waiting" "$file" | sed "s|^|$file:|"
    done
}

check_readmes() {
    for folder in . src src/base src/core src/runtime src/api src/adapters tests bench examples; do
        [ -s "$folder/README.md" ] || echo "$folder/README.md is missing"
    done
}

# The header, the export list and the version script name the same functions.
check_exports() {
    scratch=$(mktemp -d)
    code_of include/berth.h | sed '/^#/d' | tr '\n' ' ' | grep -oE 'BERTH_API [^;]*;' |
        sed -E 's/^[^(]*[ *](berth_[a-z0-9_]+)\(.*/\1/' | sort >"$scratch/header"
    sort src/package/berth.exports >"$scratch/exports"
    awk '/global:/ { on = 1; next } /local:/ { on = 0 } on { gsub(/[ ;]/, ""); if ($0) print }' \
        src/package/berth.map | sort >"$scratch/map"
    diff "$scratch/header" "$scratch/exports" |
        sed -n 's|^< |not in berth.exports: |p; s|^> |not in berth.h: |p'
    diff "$scratch/exports" "$scratch/map" |
        sed -n 's|^< |not in berth.map: |p; s|^> |not in berth.exports: |p'
    grep -n '[*?]' "$scratch/map" | sed 's|^|a wildcard in berth.map: |'
    rm -rf "$scratch"
}

# symbols_of ARCHIVE EXPORTS: global symbols are ours by their prefix; berth_ alone is public.
# Sanitizers and coverage add symbols that begin with two underscores or a dot.
symbols_of() {
    nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u |
        while read -r symbol; do
            case $symbol in
            berth__* | __* | _GLOBAL__* | .*) ;;
            berth_*) grep -qx "$symbol" "$2" || echo "$symbol: public by its name, not exported" ;;
            *) echo "$symbol: global without the prefix berth__" ;;
            esac
        done
}

# variables_of ARCHIVE: what can be written to outlives a pool, and there is no such thing.
variables_of() {
    objdump -t "$1" | awk '
        /\.data\.rel\.ro/ { next } # constant, but for the addresses in it
        /[ \t]O[ \t]+(\.data|\.bss|\*COM\*)/ ||
        (/[ \t](\.tdata|\.tbss)[ \t.]/ && $NF !~ /^\./) { print $NF ": a variable" }'
}

# allowed_at_top: reads paths, prints those that have no business at the top.
allowed_at_top() {
    sed 's|/.*||' | sort -u | while read -r entry; do
        case $entry in
        CMakeLists.txt | CMakePresets.json | README.md | LICENSE) ;;
        include | src | tests | bench | examples | .*) ;;
        *) echo "$entry: not allowed at the top" ;;
        esac
    done
}
