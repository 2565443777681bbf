// SPDX-License-Identifier: GPL-3.0-or-later
// Appending to journals.
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "crc.h"
#include "journal_inside.h"
#include "metric_fields.h"
#include "stamp.h"

enum { MOST_PENDING = 4 << 20 };
const struct journal_limits journal_limits_default = {
    .bytes = 8 << 20, .recent = 4000, .evaluations = 10000, .buckets = 1000};

struct journal {
    pthread_mutex_t lock; // all that follows
    char *path;
    int fd;     // -1 until the first record
    off_t size; // of what was written whole
    uint64_t n; // of the last record made
    enum journal_damage damage;
    struct buffer pending; // whole lines
    bool unflushed;
    struct journal_limits limits;
    size_t compact_at; // a new generation when the file is this long
};

bool journal_open(struct journal **out, const char *path, struct error *e) {
    struct journal_history h;
    *out = NULL;
    if (!journal_read(&h, path, e))
        return false;
    struct journal *j = mem_calloc(1, sizeof *j, e);
    if (j) {
        *j = (struct journal){.fd = -1, .size = (off_t)h.bytes, .n = h.last, .damage = h.damage};
        journal_set_limits(j, &journal_limits_default);
        pthread_mutex_init(&j->lock, NULL);
        j->path = mem_strdup(path, e);
    }
    journal_history_free(&h);
    if (j && !j->path) {
        journal_free(j);
        j = NULL;
    }
    *out = j;
    return j != NULL;
}

// Gives the damaged file another name and puts its good part in its place. A crash in between leaves both
// names to the damaged file, and the same is done again.
static bool set_damaged_aside(struct journal *j, struct error *e) {
    struct file_map map = {0};
    struct buffer name = {0};
    bool ok = false, linked = false;
    for (unsigned i = 1; i < 1000 && !linked; i++) {
        buffer_clear(&name);
        buffer_printf(&name, "%s.damaged-%u", j->path, i);
        if (!buffer_ok(&name, e))
            goto done;
        linked = link(j->path, name.data) == 0;
        if (!linked && errno != EEXIST)
            break;
    }
    if (!linked) {
        error_system(e, "cannot set the damaged %s aside", j->path);
        goto done;
    }
    ok = file_map_open(&map, j->path, e) && (off_t)map.length >= j->size &&
         file_write_atomic(j->path, map.bytes, (size_t)j->size, e);
done:
    file_map_close(&map);
    buffer_free(&name);
    return ok;
}

static bool begin_writing(struct journal *j, struct error *e) {
    if (j->fd >= 0)
        return true;
    if (j->damage == JOURNAL_DAMAGED && !set_damaged_aside(j, e))
        return false;
    j->damage = JOURNAL_WHOLE;
    int fd = open(j->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_system(e, "cannot write %s", j->path);
    if (ftruncate(fd, j->size) != 0) { // a torn last line goes
        error_system(e, "cannot write %s", j->path);
        close(fd);
        return false;
    }
    j->fd = fd;
    return true;
}

// Whether the name still stands for the file that is written: the journal of an earlier run is moved away
// while it is written.
static bool is_in_place(const struct journal *j) {
    struct stat here, there;
    return fstat(j->fd, &here) == 0 && stat(j->path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino && here.st_size == j->size;
}

// A new generation where it is time for one. One that cannot be written costs nothing: it is tried again
// when the file has grown by as much once more.
static void compact_if_due(struct journal *j, time_t now) {
    size_t bytes = (size_t)j->size;
    if (bytes < j->compact_at)
        return;
    if (is_in_place(j) && journal_compact(j->path, &j->limits, now, &bytes, &j->n, NULL)) {
        close(j->fd);
        j->fd = open(j->path, O_WRONLY | O_APPEND | O_CLOEXEC); // where it fails, begin_writing tries again
        j->size = (off_t)bytes;
        j->unflushed = false;
    }
    j->compact_at = bytes + bytes > j->limits.bytes ? bytes + bytes : j->limits.bytes;
}

// What is pending goes out in one write; when only a part went, it is taken back, so that lines stay whole.
static bool write_pending(struct journal *j, struct error *e) {
    if (!j->pending.length)
        return true;
    if (!begin_writing(j, e))
        return false;
    ssize_t n;
    do
        n = write(j->fd, j->pending.data, j->pending.length);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_system(e, "cannot write %s", j->path);
    if ((size_t)n != j->pending.length) {
        if (ftruncate(j->fd, j->size) != 0) { // begin_writing tries it again
            close(j->fd);
            j->fd = -1;
        }
        return error_set(
            e, ERROR_SYSTEM,
            "cannot write %s: the disk took only a part (is it full?); it is tried again with the "
            "next record",
            j->path);
    }
    j->size += n;
    buffer_clear(&j->pending);
    j->unflushed = true;
    return true;
}

// `members` is what stands between the first three members and the sum: empty, or beginning with a comma.
static bool add_line(struct journal *j, const char *what, const struct buffer *members, time_t now,
                     struct error *e) {
    struct buffer line = {0};
    char stamp[STAMP_SIZE];
    stamp_print(now, stamp);
    pthread_mutex_lock(&j->lock);
    buffer_printf(&line, "{\"n\":%" PRIu64 ",\"t\":\"%s\",\"what\":\"%s\"", j->n + 1, stamp, what);
    buffer_add(&line, members->data ? members->data : "", members->length);
    bool ok = buffer_ok(members, e) && buffer_ok(&line, e);
    if (ok) {
        buffer_printf(&line, ",\"sum\":\"%08" PRIx32 "\"}\n", crc_of(line.data, line.length));
        ok = buffer_ok(&line, e);
    }
    if (ok && j->pending.length + line.length > MOST_PENDING)
        ok = error_set(e, ERROR_SYSTEM, "%s cannot be written, and too much waits for it already", j->path);
    if (ok) {
        buffer_add(&j->pending, line.data, line.length);
        ok = buffer_ok(&j->pending, e);
        if (ok)
            j->n++;
    }
    ok = ok && write_pending(j, e);
    if (ok)
        compact_if_due(j, now);
    pthread_mutex_unlock(&j->lock);
    buffer_free(&line);
    return ok;
}

static void add_number(struct buffer *b, const char *key, double value) {
    if (isfinite(value))
        buffer_printf(b, ",\"%s\":%.9g", key, value);
}

bool journal_add_metric(struct journal *j, const struct metric *m, time_t now, struct error *e) {
    struct buffer b = {0};
    buffer_printf(&b, ",\"step\":%zu", m->step);
    for (size_t i = 0; i < METRIC_FIELDS; i++)
        add_number(&b, metric_field_table[i].name, (double)metric_field_get(m, i));
    if (m->best)
        buffer_add_text(&b, ",\"best\":true");
    if (m->kind == METRIC_UNDO && m->undone_to != SIZE_MAX)
        buffer_printf(&b, ",\"to\":%zu", m->undone_to);
    if (m->dev_examples)
        buffer_printf(&b, ",\"dev_examples\":%zu", m->dev_examples);
    if (m->kind == METRIC_EDIT)
        buffer_printf(&b, ",\"change\":\"%s\"", edit_kind_name(m->edit));
    if (m->kind == METRIC_EDIT && m->edit_slot != EDIT_EVERY_SLOT)
        buffer_printf(&b, ",\"slot\":%zu", m->edit_slot);
    bool ok = add_line(j, metric_kind_name(m->kind), &b, now, e);
    buffer_free(&b);
    return ok;
}

// [[of class 0 predicted as 0, as 1, ...], ...]; of many classes only their scores are kept.
static void add_confusion(struct buffer *b, const struct evaluation *v) {
    if (v->classes == 0 || v->classes > 16)
        return;
    for (size_t i = 0; i < v->classes; i++) {
        buffer_add_text(b, i ? ",[" : ",\"confusion\":[[");
        for (size_t k = 0; k < v->classes; k++)
            buffer_printf(b, "%s%zu", k ? "," : "", v->confusion[i * v->classes + k]);
        buffer_add_char(b, ']');
    }
    buffer_add_char(b, ']');
}

bool journal_add_test(struct journal *j, const struct evaluation *test, size_t step, time_t now,
                      struct error *e) {
    struct buffer b = {0};
    buffer_printf(&b, ",\"step\":%zu,\"examples\":%zu,\"correct\":%zu", step, test->examples, test->correct);
    add_number(&b, "loss", test->loss);
    add_number(&b, "accuracy", test->accuracy);
    add_number(&b, "macro_f1", test->macro_f1);
    add_confusion(&b, test);
    bool ok = add_line(j, "test", &b, now, e);
    buffer_free(&b);
    return ok;
}

bool journal_add_event(struct journal *j, const char *what, const cJSON *members, time_t now,
                       struct error *e) {
    struct buffer b = {0};
    if (members && members->child) {
        char *text = json_print(members, false, e); // {...}: the braces go
        if (!text)
            return false;
        buffer_add_char(&b, ',');
        buffer_add(&b, text + 1, strlen(text) - 2);
        free(text);
    }
    bool ok = add_line(j, what, &b, now, e);
    buffer_free(&b);
    return ok;
}

bool journal_write(struct journal *j, struct error *e) {
    pthread_mutex_lock(&j->lock);
    bool ok = write_pending(j, e);
    pthread_mutex_unlock(&j->lock);
    return ok;
}

bool journal_flush(struct journal *j, struct error *e) {
    pthread_mutex_lock(&j->lock);
    bool ok = write_pending(j, e) && (!j->unflushed || begin_writing(j, e));
    if (ok && j->unflushed) {
        ok = fsync(j->fd) == 0 || error_system(e, "cannot write %s", j->path);
        j->unflushed = !ok;
    }
    pthread_mutex_unlock(&j->lock);
    return ok;
}

void journal_set_limits(struct journal *j, const struct journal_limits *limits) {
    pthread_mutex_lock(&j->lock);
    j->limits = *limits;
    j->compact_at = limits->bytes;
    pthread_mutex_unlock(&j->lock);
}

uint64_t journal_records(struct journal *j) {
    pthread_mutex_lock(&j->lock);
    uint64_t n = j->n;
    pthread_mutex_unlock(&j->lock);
    return n;
}

void journal_free(struct journal *j) {
    if (!j)
        return;
    if (j->path)
        write_pending(j, NULL);
    if (j->fd >= 0)
        close(j->fd);
    buffer_free(&j->pending);
    pthread_mutex_destroy(&j->lock);
    free(j->path);
    free(j);
}
