// SPDX-License-Identifier: GPL-3.0-or-later
// One write for the whole file: its bytes are put together in memory first.
#include "step_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"

const char *const step_file_names[STEP_FILES] = {"step-1.safetensors", "step-2.safetensors"};

// A program that has just begun may keep its first steps however slow its first writes are.
#define HEAD_START 0.5 // seconds
enum { SUM_DIGITS = 16, MOST_BYTES = 1 << 30 };
static const char sum_key[] = "\"sum\":\"", no_sum[] = "0000000000000000";

// ---- the sum ----

// A hash of the length and of all eight-byte words, the last filled up with zeros. It tells torn files from
// whole ones and has no enemies; it must be much faster than a step, which a CRC without tables is not.
static uint64_t sum_of(const char *bytes, size_t length) {
    uint64_t h = length;
    while (length) {
        uint64_t word = 0;
        size_t n = length < sizeof word ? length : sizeof word;
        memcpy(&word, bytes, n);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
        bytes += n;
        length -= n;
    }
    return h;
}

// Where the digits of the sum stand: in the header, which is JSON of ours behind eight bytes of length.
static char *find_sum(char *bytes, size_t length) {
    uint64_t header = 0;
    if (length < sizeof header)
        return NULL;
    memcpy(&header, bytes, sizeof header);
    if (header > length - sizeof header)
        return NULL;
    char *at = memmem(bytes + sizeof header, (size_t)header, sum_key, sizeof sum_key - 1);
    char *digits = at ? at + sizeof sum_key - 1 : NULL;
    return digits && (size_t)(bytes + length - digits) > SUM_DIGITS ? digits : NULL;
}

// Puts the sum of the bytes, with zeros for its digits, into its place.
static bool seal(struct buffer *b, struct error *e) {
    char digits[SUM_DIGITS + 1], *at = find_sum(b->data, b->length);
    if (!at)
        return error_set(e, ERROR_INPUT, "there is no place for the sum");
    snprintf(digits, sizeof digits, "%016" PRIx64, sum_of(b->data, b->length));
    memcpy(at, digits, SUM_DIGITS);
    return true;
}

// The sum of a file that is whole.
static bool check(const char *path, char sum[SUM_DIGITS + 1], struct error *e) {
    char *bytes, wanted[SUM_DIGITS + 1];
    size_t length;
    if (!file_read(path, MOST_BYTES, &bytes, &length, e))
        return false;
    char *at = find_sum(bytes, length);
    bool ok = at != NULL;
    if (ok) {
        memcpy(sum, at, SUM_DIGITS);
        sum[SUM_DIGITS] = '\0';
        memcpy(at, no_sum, SUM_DIGITS);
        snprintf(wanted, sizeof wanted, "%016" PRIx64, sum_of(bytes, length));
        ok = strcmp(sum, wanted) == 0;
    }
    free(bytes);
    return ok || error_set(e, ERROR_INPUT, "%s was not written to its end", path);
}

// ---- writing ----

void step_files_reset(struct step_files *f, size_t next) {
    *f = (struct step_files){.fd = {-1, -1}, .next = next % STEP_FILES};
}

void step_files_close(struct step_files *f) {
    for (size_t i = 0; i < STEP_FILES; i++)
        if (f->fd[i] >= 0)
            close(f->fd[i]);
    buffer_free(&f->bytes);
    step_files_reset(f, 0);
}

bool step_files_due(struct step_files *f, double now) {
    if (f->since <= 0)
        f->since = now;
    return f->spent <= HEAD_START + STEP_FILE_SHARE * (now - f->since);
}

// The open file; opened again when somebody has removed it.
static int open_next(struct step_files *f, const char *prompts, struct error *e) {
    int *fd = &f->fd[f->next];
    struct stat st;
    if (*fd >= 0 && fstat(*fd, &st) == 0 && st.st_nlink)
        return *fd;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    char *path = path_join(prompts, step_file_names[f->next], e);
    if (path && file_make_folders(prompts, e)) {
        *fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (*fd < 0)
            error_system(e, "cannot write %s", path);
    }
    free(path);
    return *fd;
}

static bool write_all(int fd, const struct buffer *b, const char *prompts, const char *name,
                      struct error *e) {
    for (size_t done = 0; done < b->length;) {
        ssize_t n = pwrite(fd, b->data + done, b->length - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_system(e, "cannot write %s/%s", prompts, name);
        done += (size_t)n;
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || (st.st_size != (off_t)b->length && ftruncate(fd, (off_t)b->length) != 0))
        return error_system(e, "cannot write %s/%s", prompts, name);
    return true;
}

bool step_files_write(struct step_files *f, const char *prompts, const struct run_checkpoint *c,
                      const struct checkpoint_origin *origin, struct error *e) {
    double began = clock_seconds();
    buffer_clear(&f->bytes);
    int fd = open_next(f, prompts, e);
    bool ok = fd >= 0 && checkpoint_print(&f->bytes, c, origin, no_sum, e) && seal(&f->bytes, e) &&
              write_all(fd, &f->bytes, prompts, step_file_names[f->next], e);
    if (ok)
        f->next = (f->next + 1) % STEP_FILES;
    f->spent += clock_seconds() - began;
    return ok;
}

// ---- reading ----

// Another program may be writing it: what was read counts when the sum has not changed meanwhile.
bool step_file_read(struct run_checkpoint *out, struct checkpoint_origin *origin, const char *path,
                    struct error *e) {
    char before[SUM_DIGITS + 1], after[SUM_DIGITS + 1];
    *out = (struct run_checkpoint){0};
    if (!check(path, before, e) || !checkpoint_read_from(out, origin, path, e))
        return false;
    if (check(path, after, e) && strcmp(before, after) == 0)
        return true;
    checkpoint_release(out);
    return error_set(e, ERROR_INPUT, "%s changes while it is read", path);
}
