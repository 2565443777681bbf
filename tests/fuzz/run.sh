#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the libFuzzer targets of $BUILD one after the other, SECONDS_EACH seconds each; ONLY="json npy" for some.
# What they discover is kept in $BUILD/corpus and used by the next run; an input that fails is left in $BUILD.
# Prints a line "NAME executions coverage" for each, and ends with "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build/fuzz}
export BUILD=$build
passed=0 failed=0
folder=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)")
trap 'rm -rf "$folder"' EXIT
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    case " ${ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
    dict=()
    [ -e "tests/fuzz/dict/$name.dict" ] && dict=("-dict=tests/fuzz/dict/$name.dict")
    # readline holds on to strings for next time in ways that look lost; driver.c counts what grows for good.
    leaks=1
    [ "$name" = script ] && leaks=0
    mkdir -p "$build/corpus/$name" "$folder/$name"
    log=$build/fuzz-$name.log
    if ASAN_OPTIONS=detect_leaks=$leaks:allocator_may_return_null=1 FUZZ_FOLDER=$folder/$name "$build/tests/fuzz/libfuzzer_$name" -max_total_time="${SECONDS_EACH:-2}" -timeout=10 \
        -rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 -detect_leaks=$leaks -artifact_prefix="$build/found-$name-" \
        "${dict[@]}" "$build/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        grep -vE '^#[0-9]+' "$log" | tail -n 60
    fi
    rm -rf "${folder:?}/$name"
    printf '%-12s %10s executions, coverage %s\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
        "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
