#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks who includes whom, and that each foreign library has its one door. The rules are those of README.md.
# Project includes are written from the top ("engine/base/error.h") or name a file of the same folder ("error.h").
cd "$(dirname "$0")/.." || exit 1
git ls-files --cached --others --exclude-standard 'engine/*.[ch]' 'engine/*.cc' 'sessions/*.[ch]' 'tui/*.[ch]' 'views/*.[ch]' |
    xargs awk '
function rank(f) {
    if (f ~ /^engine\/base\//) return 0
    if (f ~ /^engine\/tensor\//) return 1
    if (f ~ /^engine\/model\//) return 2
    if (f ~ /^engine\/data\//) return 3
    if (f ~ /^engine\/pvp\//) return 4
    if (f ~ /^engine\/tune\//) return 5
    if (f ~ /^engine\/inspect\//) return 6
    if (f ~ /^engine\/pretrain\//) return 7
    return 8
}
function folder(f) { sub(/\/[^\/]*$/, "", f); return f }
function bad(why) { printf "FAIL %s:%d: %s\n", FILENAME, FNR, why; failures++ }
FNR == 1 { files++ }
/^#include <(n?curses|term)[a-z]*\.h>/ { if (!seen["curses", FILENAME]++) doors["curses"]++; if (doors["curses"] > 1) bad("curses belongs to one file") }
/^#include <readline\// { if (!seen["readline", FILENAME]++) doors["readline"]++; if (doors["readline"] > 1) bad("readline belongs to one file") }
/^#include <zip\.h>/ { if (!seen["zip", FILENAME]++) doors["zip"]++; if (doors["zip"] > 1) bad("zip belongs to one file") }
/^#include [<"]cblas/ { if (!seen["cblas", FILENAME]++) doors["cblas"]++; if (doors["cblas"] > 1) bad("cblas belongs to one file") }
/^#include "/ {
    split($0, part, "\""); to = part[2]
    if (to !~ /\//) next
    here = folder(FILENAME)
    if (to !~ /^(engine|sessions|tui|views)\//) { bad("include from the top of the project: " to); next }
    if (FILENAME ~ /^engine\//) {
        if (to !~ /^engine\//) bad("engine/ includes nothing outside engine/: " to)
        else if (folder(to) != here && rank(to) >= rank(FILENAME)) bad("against the order of engine/: " to)
    } else if (FILENAME ~ /^sessions\//) {
        if (to !~ /^(engine|sessions)\//) bad("sessions/ includes only engine/: " to)
    } else if (FILENAME ~ /^views\//) {
        if (to ~ /^engine\// && to != "engine/engine.h" && to !~ /^engine\/base\//) bad("views/ sees the engine through engine/engine.h: " to)
        else if (to !~ /^(engine|sessions|tui)\// && to != "views/workbench.h" && to != "views/views.h") bad("views never include each other: " to)
    } else if (FILENAME ~ /^tui\//) {
        if (FILENAME !~ /^tui\/(main|cli_[a-z_]+)\.[ch]$/ && to !~ /^(tui|engine\/base)\//) bad("tui/ knows neither views nor sessions nor the engine: " to)
    }
}
END { printf "%d passed, %d failed\n", files - (failures > files ? files : failures), failures; exit failures > 0 }'
