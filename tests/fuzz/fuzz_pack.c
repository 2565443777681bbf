// SPDX-License-Identifier: GPL-3.0-or-later
// Packed sessions: whatever the zip file says, what comes out lies in the folder of the new session, or there
// is nothing.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "fuzz.h"
#include "sessions/pack.h"
#include "sessions/paths.h"

static char home[400], share[400];

// Once: a home without sessions, and a shipped task.
static void prepare(void) {
    char path[800];
    static const char task[] = "{\"name\": \"films\"}";
    if (home[0])
        return;
    snprintf(home, sizeof home, "%s/place/home", fuzz_folder());
    snprintf(share, sizeof share, "%s/place/share", fuzz_folder());
    setenv("PROMPTER_SESSIONS", home, 1);
    setenv("PROMPTER_SHARE", share, 1);
    snprintf(path, sizeof path, "%s/tasks/films", share);
    REQUIRE(file_make_folders(path, NULL) && file_make_folders(home, NULL));
    strncat(path, "/task.json", sizeof path - strlen(path) - 1);
    REQUIRE(file_write_atomic(path, task, sizeof task - 1, NULL));
}

static size_t entries(const char *folder) {
    size_t n = 0;
    DIR *d = opendir(folder);
    REQUIRE(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2; // . and ..
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct buffer notes = {0};
    char *folder = NULL, place[500];
    prepare();
    const char *path = fuzz_file("pack.zip", data ? data : (const uint8_t *)"", size);
    if (fuzz_answer(session_unpack(path, "one", NULL, &folder, &notes, &e), &e)) {
        REQUIRE(strcmp(path_name(folder), "one") == 0 && entries(home) == 1);
        REQUIRE(folder_remove(folder, NULL));
        free(folder);
    }
    REQUIRE(entries(home) == 0);
    snprintf(place, sizeof place, "%s/place", fuzz_folder());
    REQUIRE(entries(place) == 2); // nothing beside them
    buffer_free(&notes);
    return 0;
}
