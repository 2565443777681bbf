#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Formatting (clang-format), static analysis (cppcheck), and an SPDX line at the head of every source.
cd "$(dirname "$0")/.." || exit 1
failed=0
mapfile -t sources < <(git ls-files '*.c' '*.h' '*.cc')
for f in "${sources[@]}" Makefile $(git ls-files '*.sh'); do
    head -n 2 "$f" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' || { echo "FAIL $f: no SPDX line"; failed=1; }
done
clang-format --dry-run -Werror "${sources[@]}" || failed=1
cppcheck --quiet --file-filter='*.c' --std=c11 --language=c --enable=warning,portability --inline-suppr --error-exitcode=1 -I. \
    --suppress=missingIncludeSystem --suppress=internalAstError -j"$(nproc)" engine sessions tui views || failed=1
exit $failed
