// SPDX-License-Identifier: GPL-3.0-or-later
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"

bool archive_name_valid(const char *name, struct error *e) {
    size_t n = strlen(name);
    bool ok = n > 0 && n <= ARCHIVE_MOST_NAME && name[0] != '/' && utf8_valid(name, n, NULL);
    for (size_t i = 0; ok && i < n; i++)
        ok = (unsigned char)name[i] >= 0x20 && name[i] != 0x7f;
    for (const char *p = name; ok && *p;) {
        size_t part = strcspn(p, "/");
        ok = part > 0 && !(part == 1 && p[0] == '.') && !(part == 2 && p[0] == '.' && p[1] == '.');
        p += part + (p[part] == '/');
    }
    return ok || error_set(e, ERROR_INPUT,
                           "\"%.200s\" cannot be a file's name there: it should be UTF-8 of at most %d bytes "
                           "that leads to no other folder",
                           name, ARCHIVE_MOST_NAME);
}

static bool zip_failed(zip_error_t *why, const char *path, struct error *e) {
    return error_set(e, zip_error_system_type(why) == ZIP_ET_SYS ? ERROR_SYSTEM : ERROR_INPUT, "%s: %s", path,
                     zip_error_strerror(why));
}

// libzip's code of zip_open, as a message.
static bool open_failed(int code, const char *path, const char *what, struct error *e) {
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    error_set(e, ERROR_INPUT, "%s: %s (%s)", path, what, zip_error_strerror(&why));
    zip_error_fini(&why);
    return false;
}

// ---- writing ----

struct archive_writer {
    zip_t *zip; // NULL once it is written
    char *path, *temporary;
};

bool archive_writer_open(struct archive_writer **out, const char *path, struct error *e) {
    struct archive_writer *w = *out = NULL;
    struct buffer name = {0};
    int code = 0;
    if (file_exists(path))
        return error_set(e, ERROR_INPUT, "%s is there already; choose another name, or remove it", path);
    if (!(w = mem_calloc(1, sizeof *w, e)))
        return false;
    buffer_printf(&name, "%s.part.%ld", path, (long)getpid());
    w->path = mem_strdup(path, e);
    w->temporary = w->path ? buffer_take(&name, e) : NULL;
    if (!w->temporary) {
        buffer_free(&name);
        archive_writer_close(w);
        return false;
    }
    w->zip = zip_open(w->temporary, ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (!w->zip) {
        open_failed(code, path, "cannot be written", e);
        archive_writer_close(w);
        return false;
    }
    *out = w;
    return true;
}

static bool add_source(struct archive_writer *w, const char *name, zip_source_t *take_source,
                       struct error *e) {
    if (!take_source)
        return zip_failed(zip_get_error(w->zip), w->path, e);
    if (zip_file_add(w->zip, name, take_source, ZIP_FL_ENC_UTF_8) >= 0)
        return true;
    zip_failed(zip_get_error(w->zip), w->path, e);
    zip_source_free(take_source);
    return error_context(e, "%s", name);
}

bool archive_writer_add_file(struct archive_writer *w, const char *name, const char *file, struct error *e) {
    return archive_name_valid(name, e) && add_source(w, name, zip_source_file(w->zip, file, 0, -1), e);
}

bool archive_writer_add_bytes(struct archive_writer *w, const char *name, const void *borrow_bytes,
                              size_t length, struct error *e) {
    return archive_name_valid(name, e) &&
           add_source(w, name, zip_source_buffer(w->zip, borrow_bytes, length, 0), e);
}

static bool flush_path(const char *path, const char *name, struct error *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        error_system(e, "cannot write %s", name);
    if (fd >= 0)
        close(fd);
    return ok;
}

// The name must not be taken; where links do not exist, as on some sticks, looking has to do.
static bool take_name(const struct archive_writer *w, struct error *e) {
    if (link(w->temporary, w->path) == 0) {
        unlink(w->temporary);
        return true;
    }
    if (errno == EEXIST || file_exists(w->path))
        return error_set(e, ERROR_INPUT, "%s has been made meanwhile; choose another name", w->path);
    return rename(w->temporary, w->path) == 0 || error_system(e, "cannot write %s", w->path);
}

bool archive_writer_commit(struct archive_writer *w, struct error *e) {
    if (zip_close(w->zip) != 0)
        return zip_failed(zip_get_error(w->zip), w->path, e);
    w->zip = NULL;
    char *folder = path_folder(w->path, e);
    bool ok =
        folder && flush_path(w->temporary, w->path, e) && take_name(w, e) && flush_path(folder, w->path, e);
    free(folder);
    return ok;
}

void archive_writer_close(struct archive_writer *w) {
    if (!w)
        return;
    if (w->zip)
        zip_discard(w->zip);
    if (w->temporary)
        unlink(w->temporary);
    free(w->temporary);
    free(w->path);
    free(w);
}

// ---- reading ----

struct entry {
    const char *name; // libzip's, while it is open
    uint64_t bytes;
};
struct archive {
    zip_t *zip;
    char *path;
    struct entry *entry;
    size_t count;
};

static bool is_plain(zip_t *zip, size_t i) {
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(zip, i, 0, &system, &attributes) != 0 || system != ZIP_OPSYS_UNIX)
        return true;
    mode_t mode = (mode_t)(attributes >> 16);
    return (mode & S_IFMT) == 0 || S_ISREG(mode) || S_ISDIR(mode);
}

static bool check_entry(struct archive *a, size_t i, struct error *e) {
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_CRC;
    zip_stat_t st;
    if (zip_stat_index(a->zip, i, ZIP_FL_ENC_RAW, &st) != 0)
        return error_set(e, ERROR_INPUT, "%s", zip_error_strerror(zip_get_error(a->zip)));
    if ((st.valid & needed) != needed)
        return error_set(e, ERROR_INPUT, "entry %zu lacks its name, size or checksum", i + 1);
    if (!archive_name_valid(st.name, e))
        return false;
    if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE)
        return error_set(e, ERROR_INPUT, "%s is encrypted", st.name);
    if (st.comp_method != ZIP_CM_STORE && st.comp_method != ZIP_CM_DEFLATE)
        return error_set(e, ERROR_INPUT, "%s is compressed in a way that sessions never are (method %u)",
                         st.name, (unsigned)st.comp_method);
    if (!is_plain(a->zip, i))
        return error_set(e, ERROR_INPUT, "%s is neither a file nor a folder", st.name);
    a->entry[i] = (struct entry){st.name, st.size};
    return true;
}

static bool check_all(struct archive *a, const struct archive_limits *limits, struct error *e) {
    uint64_t bytes = 0;
    zip_int64_t count = zip_get_num_entries(a->zip, 0);
    if (count < 0 || (uint64_t)count > limits->files)
        return error_set(e, ERROR_INPUT, "it has more than %zu files", limits->files);
    a->entry = mem_calloc((size_t)count, sizeof *a->entry, e);
    if (!a->entry)
        return false;
    a->count = (size_t)count;
    for (size_t i = 0; i < a->count; i++) {
        if (!check_entry(a, i, e))
            return false;
        if (a->entry[i].bytes > limits->bytes - bytes)
            return error_set(e, ERROR_INPUT, "unpacked it has more than %llu MB",
                             (unsigned long long)(limits->bytes >> 20));
        bytes += a->entry[i].bytes;
    }
    return true;
}

bool archive_open(struct archive **out, const char *path, const struct archive_limits *limits,
                  struct error *e) {
    struct archive *a = *out = NULL;
    struct file_map probe;
    int code = 0;
    if (!file_map_open(&probe, path, e)) // says what is wrong with the file as a file
        return false;
    file_map_close(&probe);
    if (!(a = mem_calloc(1, sizeof *a, e)))
        return false;
    a->path = mem_strdup(path, e);
    bool ok = a->path != NULL;
    if (ok && !(a->zip = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code)))
        ok = open_failed(code, path, "this is no whole zip file, or no honest one", e);
    else if (ok)
        ok = check_all(a, limits, e) || error_context(e, "%s", path);
    if (!ok) {
        archive_close(a);
        return false;
    }
    *out = a;
    return true;
}

void archive_close(struct archive *a) {
    if (!a)
        return;
    if (a->zip)
        zip_discard(a->zip);
    free(a->entry);
    free(a->path);
    free(a);
}

size_t archive_count(const struct archive *a) {
    return a->count;
}

const char *archive_name(const struct archive *a, size_t i) {
    return a->entry[i].name;
}

uint64_t archive_bytes(const struct archive *a, size_t i) {
    return a->entry[i].bytes;
}

// libzip compares the CRC when the end is reached, so the end is read for, too.
static bool copy_out(zip_file_t *from, uint64_t bytes, struct file_writer *to, struct error *e) {
    char chunk[1 << 16];
    uint64_t got = 0;
    zip_int64_t n;
    while ((n = zip_fread(from, chunk, sizeof chunk)) > 0) {
        got += (uint64_t)n;
        if (got > bytes)
            return error_set(e, ERROR_INPUT, "it is longer than the zip file says");
        if (!file_writer_add(to, chunk, (size_t)n, e))
            return false;
    }
    if (n < 0)
        return error_set(e, ERROR_INPUT, "%s", zip_error_strerror(zip_file_get_error(from)));
    return got == bytes || error_set(e, ERROR_INPUT, "it is shorter than the zip file says");
}

bool archive_unpack(struct archive *a, size_t i, const char *to, struct error *e) {
    struct file_writer file = {0};
    zip_file_t *from = NULL;
    bool ok = false;
    if (file_exists(to)) {
        error_set(e, ERROR_INPUT, "%s is there already", to);
        goto done;
    }
    from = zip_fopen_index(a->zip, i, 0);
    if (!from) {
        error_set(e, ERROR_INPUT, "%s", zip_error_strerror(zip_get_error(a->zip)));
        goto done;
    }
    ok = file_writer_open(&file, to, e) && copy_out(from, a->entry[i].bytes, &file, e) &&
         file_writer_commit(&file, e);
done:
    file_writer_close(&file);
    if (from)
        zip_fclose(from);
    return ok || error_context(e, "%s: %s", a->path, a->entry[i].name);
}
