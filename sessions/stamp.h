// SPDX-License-Identifier: GPL-3.0-or-later
// Points in time as sessions write them: UTC, "2026-11-23T15:54:01Z".
#ifndef PROMPTER_SESSIONS_STAMP_H
#define PROMPTER_SESSIONS_STAMP_H

#include <time.h>

enum { STAMP_SIZE = 32 };

static inline void stamp_print(time_t when, char out[STAMP_SIZE]) {
    struct tm parts;
    if (!gmtime_r(&when, &parts) || !strftime(out, STAMP_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts))
        out[0] = '\0';
}

// The way back; 0 for what is none.
static inline time_t stamp_read(const char *stamp) {
    struct tm parts = {0};
    const char *rest = strptime(stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return rest && !*rest ? timegm(&parts) : 0;
}

#endif
