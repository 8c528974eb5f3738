#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the tests; tests/README.md says what each word does and how long it takes.
# The last line is always "N passed, N failed", summed over all stages.
set -u
cd -- "$(dirname -- "$0")/.." || exit 2
. tests/support/install.sh

usage() {
    echo "usage: sh tests/run.sh [gate|unit|all|asan|tsan|coverage|long]   (default: gate)" >&2
    echo "       sh tests/run.sh fuzz [SECONDS per fuzzer]                  (default: 30)" >&2
    exit 2
}

passed=0
failed=0
skipped=0
jobs=$(nproc 2>/dev/null || echo 2)
start=$(date +%s)
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"

# stage_end NAME PASSED FAILED SKIPPED SECONDS NOTE
stage_end() {
    passed=$((passed + $2))
    failed=$((failed + $3))
    skipped=$((skipped + $4))
    echo "stage $1: $2 passed, $3 failed, $4 skipped, $5 s${6:+ ($6)}"
}

# One number of the JUnit report's first element.
report_count() {
    grep -o "$2=\"[0-9]*\"" "$1" | head -n 1 | tr -dc 0-9
}

configure_and_build() { # PRESET LOG [configure arguments]
    preset=$1
    log=$2
    shift 2
    cmake --preset "$preset" "$@" >"$log" 2>&1 &&
        cmake --build --preset "$preset" --parallel "$jobs" >>"$log" 2>&1
}

# stage NAME PRESET TIMEOUT_S LABELS [command that runs ctest under it]
stage() {
    name=$1
    preset=$2
    timeout=$3
    labels=$4
    shift 4
    began=$(date +%s)
    mkdir -p "build/$preset"
    log=build/$preset/build.log
    echo "stage $name: build/$preset, tests: ${labels:-all}"
    if ! configure_and_build "$preset" "$log" </dev/null; then
        grep -E 'error|Error|warning|FAILED' "$log" | head -n 40
        echo "the whole log: $log"
        stage_end "$name" 0 1 0 $(($(date +%s) - began)) "does not build"
        return
    fi
    report=$PWD/build/$preset/report.xml
    rm -f "$report"
    "$@" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error \
        --timeout "$timeout" -j "$jobs" --output-junit "$report" \
        ${labels:+-L "$labels"} </dev/null
    status=$?
    if [ ! -s "$report" ]; then
        stage_end "$name" 0 1 0 $(($(date +%s) - began)) "ctest did not run"
        return
    fi
    total=$(report_count "$report" tests)
    bad=$(report_count "$report" failures)
    skips=$(($(report_count "$report" skipped) + $(report_count "$report" disabled)))
    # A test that could not be started is "skipped" to the report, but an error to ctest.
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
        total=$((total + 1))
    fi
    stage_end "$name" $((total - bad - skips)) "$bad" "$skips" $(($(date +%s) - began))
}

# ThreadSanitizer of gcc 12 cannot place its shadow where addresses are randomised by more than 28
# bits; without randomisation it can.
stage_tsan() {
    probe=build/tsan-probe
    mkdir -p build
    echo 'int main(void) { return 0; }' >"$probe.c"
    gcc -fsanitize=thread "$probe.c" -o "$probe" || rm -f "$probe"
    if "./$probe" >/dev/null 2>&1; then
        stage "$@"
    elif setarch -R "./$probe" >/dev/null 2>&1; then
        stage "$@" setarch -R
    else
        stage_end "$1" 0 1 0 0 "ThreadSanitizer does not run here; try sysctl vm.mmap_rnd_bits=28"
    fi
    rm -f "$probe" "$probe.c"
}

stage_clang() {
    if berth_install clang libclang-rt-14-dev; then
        stage clang asan-clang 300 '^(unit|api|golden|fault|example)$'
    else
        stage_end clang 0 0 1 0 "clang cannot be installed here"
    fi
}

# Branches of invariants, asserted on the way (BERTH__ASSERT) or looked for by berth__core_check
# (MUST), are excluded: the other side of each is a bug that no test can reach.
stage_coverage() {
    if ! berth_install gcovr; then
        stage_end coverage 0 0 1 0 "gcovr cannot be installed here"
        return
    fi
    find build/coverage -name '*.gcda' -delete 2>/dev/null
    stage coverage coverage 300 '^(unit|model|sim|golden|api)$'
    echo "branch coverage of src/core"
    gcovr --root . --filter src/core/ --branches \
        --exclude-lines-by-pattern '.*(BERTH__ASSERT|MUST)\(.*' --fail-under-branch 95 \
        build/coverage </dev/null
    covered=$?
    if [ "$covered" -eq 0 ]; then
        stage_end coverage-of-core 1 0 0 0 "at least 95 % of branches"
    else
        stage_end coverage-of-core 0 1 0 0 "below 95 % of branches, or gcovr failed"
    fi
}

# The seeded bugs: each counts as a test, passed if some test of the suite fails with it.
stage_seeded() {
    began=$(date +%s)
    log=build/seeded.log
    mkdir -p build
    if ! berth_install git; then
        stage_end seeded 0 0 1 0 "git cannot be installed here"
        return
    fi
    sh tests/seeded/run.sh >"$log" 2>&1 </dev/null
    status=$?
    cat "$log"
    counts=$(sed -n 's/^seeded: \([0-9]*\) of \([0-9]*\) caught$/\1 \2/p' "$log" | tail -n 1)
    caught=${counts% *}
    total=${counts#* }
    if [ -z "$counts" ]; then
        stage_end seeded 0 1 0 $(($(date +%s) - began)) "it did not run to its end"
    elif [ "$status" -ne 0 ] && [ "$caught" -eq "$total" ]; then
        stage_end seeded "$caught" 1 0 $(($(date +%s) - began)) "it leaves with $status"
    else
        stage_end seeded "$caught" $((total - caught)) 0 $(($(date +%s) - began))
    fi
}

# fuzz_one NAME SECONDS [arguments]: what it has found so far stays in build/fuzz/corpus.
fuzz_one() {
    name=$1
    seconds=$2
    shift 2
    began=$(date +%s)
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    log=build/fuzz/$name.log
    if "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=20 \
        -artifact_prefix="build/fuzz/$name-" "$@" "$corpus" >"$log" 2>&1 </dev/null; then
        stage_end "fuzz-$name" 1 0 0 $(($(date +%s) - began)) "$(grep '^Done' "$log")"
        return
    fi
    tail -n 60 "$log"
    echo "the bytes that do it run again with: build/fuzz/tests/fuzz/fuzz_$name FILE"
    stage_end "fuzz-$name" 0 1 0 $(($(date +%s) - began)) "$(grep 'unit written to' "$log")"
}

stage_fuzz() {
    if ! berth_install clang libclang-rt-14-dev; then
        stage_end fuzz 0 0 1 0 "clang with libFuzzer cannot be installed here"
        return
    fi
    mkdir -p build/fuzz
    echo "stage fuzz: build/fuzz"
    if ! configure_and_build fuzz build/fuzz/build.log </dev/null; then
        grep -E 'error|Error|needs a clang|FAILED' build/fuzz/build.log | head -n 40
        stage_end fuzz 0 1 0 0 "does not build; the whole log: build/fuzz/build.log"
        return
    fi
    # The words that the reader of options knows, as JSON strings.
    grep -oh '"[a-z_]\{2,\}"' src/adapters/options_json.c | sort -u |
        sed 's/"\(.*\)"/"\\"\1\\""/' >build/fuzz/options.dict
    fuzz_one program "$1" -max_len=2048
    fuzz_one options "$1" -max_len=4096 -dict=build/fuzz/options.dict
}

what=${1:-gate}
seconds=30
if [ "$what" = fuzz ] && [ $# -eq 2 ]; then
    seconds=$2
    case "$seconds" in '' | *[!0-9]*) usage ;; esac
    shift
fi
[ $# -le 1 ] || usage
case "$what" in gate | unit | all | asan | tsan | coverage | long | fuzz) ;; *) usage ;; esac

if ! berth_install gcc g++ cmake ninja-build pkg-config libuv1-dev libcmocka-dev libjansson-dev \
    libxxhash-dev; then
    echo "0 passed, 1 failed"
    exit 1
fi
case "$what" in
unit) stage unit dev 120 '^unit$' ;;
all) stage all dev 120 '' ;;
asan) stage asan asan 300 '' ;;
tsan) stage_tsan tsan tsan 300 '^(api|stress)$' ;;
coverage) stage_coverage ;;
fuzz) stage_fuzz "$seconds" ;;
gate)
    stage dev dev 120 ''
    stage asan asan 300 ''
    stage_tsan tsan tsan 300 '^(api|stress)$'
    stage release release 120 '^(unit|api|golden)$'
    stage_clang
    ;;
long)
    export BERTH_TEST_TIER=long
    stage release release 3600 ''
    stage asan-long asan 3600 '^(unit|sim|golden|api|fault|stress)$'
    stage_tsan tsan tsan 3600 '^(api|stress)$'
    stage_clang
    unset BERTH_TEST_TIER
    # The exhaustive search is ten times slower under AddressSanitizer: its short form there.
    stage asan asan 300 '^(model|abi|tidy|example)$'
    stage_seeded
    stage_coverage
    ;;
esac

total=$((passed + failed))
echo
if [ "$skipped" -gt 0 ]; then
    echo "$skipped skipped; the lines above say why"
fi
if [ "$total" -gt 0 ]; then
    echo "$((passed * 100 / total))% tests passed, $failed tests failed out of $total," \
        "$(($(date +%s) - start)) s"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
