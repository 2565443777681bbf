// SPDX-License-Identifier: GPL-3.0-or-later
// Files, parts and findings for fuzz targets.
#include "fuzz.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/utf8.h"

_Noreturn void fuzz_found(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

void fuzz_plain(const char *text, bool lines) {
    size_t length = strlen(text);
    REQUIRE(utf8_valid(text, length, NULL));
    for (size_t i = 0; i < length; i++)
        REQUIRE(((unsigned char)text[i] >= 0x20 && text[i] != 0x7f) || (lines && text[i] == '\n'));
}

bool fuzz_answer(bool ok, const struct error *e) {
    if (ok)
        return true;
    size_t length = strnlen(e->text, sizeof e->text);
    REQUIRE(e->kind != ERROR_NONE);
    REQUIRE(length > 0 && length < sizeof e->text);
    fuzz_plain(e->text, false);
    return false;
}

char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    REQUIRE(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

static char folder[PATH_MAX];

static void remove_folder(void) {
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s could not be removed\n", folder);
}

// $FUZZ_FOLDER, which whoever set it removes; otherwise one of our own.
const char *fuzz_folder(void) {
    if (folder[0])
        return folder;
    const char *given = getenv("FUZZ_FOLDER");
    if (given && given[0]) {
        snprintf(folder, sizeof folder, "%s", given);
        return folder;
    }
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/fuzz-XXXXXX", base);
    REQUIRE(mkdtemp(folder));
    atexit(remove_folder);
    return folder;
}

const char *fuzz_file(const char *name, const uint8_t *data, size_t size) {
    static char paths[4][PATH_MAX + 64];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", fuzz_folder(), name);
    if (!data) {
        unlink(path);
        return path;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    REQUIRE(fd >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        REQUIRE(n > 0);
        done += (size_t)n;
    }
    close(fd);
    return path;
}

void fuzz_split(const uint8_t *data, size_t size, struct fuzz_part *part, size_t parts) {
    static const char mark[] = "\n%%\n";
    enum { MARK = sizeof mark - 1 };
    for (size_t i = 0; i < parts; i++) {
        const uint8_t *end = i + 1 < parts && size ? memmem(data, size, mark, MARK) : NULL;
        part[i] = (struct fuzz_part){data, end ? (size_t)(end - data) : size};
        data = end ? end + MARK : data + size;
        size -= end ? part[i].size + MARK : size;
    }
}

unsigned fuzz_take(struct fuzz_part *p) {
    if (!p->size)
        return 0;
    p->size--;
    return *p->data++;
}
