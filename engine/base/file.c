// SPDX-License-Identifier: GPL-3.0-or-later
// Reading, mapping and atomic writing of files.
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

// Opens a regular file for reading and tells its size.
static int open_regular(const char *path, size_t *length, struct error *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not hang us
    if (fd < 0) {
        error_system(e, "cannot open %s", path);
        return -1;
    }
    struct stat st;
    if (fstat(fd, &st) != 0) {
        error_system(e, "cannot read %s", path);
    } else if (!S_ISREG(st.st_mode)) {
        error_set(e, ERROR_INPUT, "%s is %s, not a file", path,
                  S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
    } else {
        *length = (size_t)st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

bool file_read(const char *path, size_t most, char **text, size_t *length, struct error *e) {
    *text = NULL;
    *length = 0;
    size_t size = 0;
    int fd = open_regular(path, &size, e);
    if (fd < 0)
        return false;
    bool ok = false;
    char *bytes = NULL;
    if (size > most) {
        error_set(e, ERROR_INPUT, "%s has %zu bytes, more than the %zu expected of such a file", path, size,
                  most);
        goto done;
    }
    bytes = mem_calloc(size + 1, 1, e);
    if (!bytes)
        goto done;
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, bytes + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            error_system(e, "cannot read %s", path);
            goto done;
        }
        if (n == 0)
            break; // it became shorter while we read: what is there is what we have
        got += (size_t)n;
    }
    bytes[got] = '\0';
    *text = bytes;
    *length = got;
    bytes = NULL;
    ok = true;
done:
    free(bytes);
    close(fd);
    return ok;
}

static bool write_all(int fd, const unsigned char *bytes, size_t length) {
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

static bool flush_folder(const char *path, struct error *e) {
    char *folder = path_folder(path, e);
    if (!folder)
        return false;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); // some file systems cannot flush a folder
    if (!ok)
        error_system(e, "cannot flush the folder %s", folder);
    if (fd >= 0)
        close(fd);
    free(folder);
    return ok;
}

// Creates path.tmp.PID.N with the permissions an ordinary new file gets. (mkstemp would make it private, and
// undoing that needs the umask, which cannot be read without changing it for every thread.)
static bool create_beside(struct file_writer *w, struct error *e) {
    struct buffer name = {0};
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        buffer_clear(&name);
        buffer_printf(&name, "%s.tmp.%ld.%u", w->path, (long)getpid(), attempt);
        if (!buffer_ok(&name, e))
            break;
        w->fd = open(name.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0) {
            w->temporary = name.data;
            return true;
        }
        if (errno != EEXIST)
            break;
    }
    if (!name.failed)
        error_system(e, "cannot write beside %s", w->path);
    buffer_free(&name);
    return false;
}

bool file_name_unfinished(const char *name) {
    const char *rest = NULL;
    for (const char *p = name; (p = strstr(p, ".tmp.")) != NULL; p += 5)
        rest = p + 5;
    if (!rest)
        return false;
    size_t process = strspn(rest, "0123456789");
    if (process == 0 || rest[process] != '.')
        return false;
    rest += process + 1;
    size_t attempt = strspn(rest, "0123456789");
    return attempt > 0 && rest[attempt] == '\0';
}

bool file_writer_open(struct file_writer *w, const char *path, struct error *e) {
    *w = (struct file_writer){.fd = -1};
    w->path = mem_strdup(path, e);
    if (w->path && create_beside(w, e))
        return true;
    file_writer_close(w);
    return false;
}

bool file_writer_add(struct file_writer *w, const void *bytes, size_t length, struct error *e) {
    return write_all(w->fd, bytes, length) || error_system(e, "cannot write %s", w->path);
}

static bool put_in_place(struct file_writer *w, struct error *e) {
    int closed = close(w->fd);
    w->fd = -1;
    if (closed != 0)
        return error_system(e, "cannot write %s", w->path);
    if (rename(w->temporary, w->path) != 0)
        return error_system(e, "cannot put the new %s in place", w->path);
    free(w->temporary);
    w->temporary = NULL;
    return true;
}

bool file_writer_commit(struct file_writer *w, struct error *e) {
    if (fsync(w->fd) != 0)
        return error_system(e, "cannot write %s", w->path);
    return put_in_place(w, e) && flush_folder(w->path, e);
}

void file_writer_close(struct file_writer *w) {
    if (!w || !w->path)
        return;
    if (w->temporary) {
        if (w->fd >= 0)
            close(w->fd);
        unlink(w->temporary);
    }
    free(w->temporary);
    free(w->path);
    *w = (struct file_writer){.fd = -1};
}

bool file_write_atomic(const char *path, const void *bytes, size_t length, struct error *e) {
    struct file_writer w;
    bool ok =
        file_writer_open(&w, path, e) && file_writer_add(&w, bytes, length, e) && file_writer_commit(&w, e);
    file_writer_close(&w);
    return ok;
}

bool file_write_quick(const char *path, const void *bytes, size_t length, struct error *e) {
    struct file_writer w;
    bool ok = file_writer_open(&w, path, e) && file_writer_add(&w, bytes, length, e) && put_in_place(&w, e);
    file_writer_close(&w);
    return ok;
}

// ---- mappings ----

// What is mapped where. The one thing here that all threads share: a signal handler can look nowhere else.
// A slot is filled by the thread that took it, and counts while `begin` is set.
enum { MOST_MAPPED = 64 };
static struct mapped {
    atomic_flag taken;
    _Atomic uintptr_t begin;
    size_t length;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    char path[1024];
} mapped[MOST_MAPPED];

static void remember_map(const void *bytes, size_t length, const char *path, int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return;
    for (size_t i = 0; i < MOST_MAPPED; i++) {
        struct mapped *m = &mapped[i];
        if (atomic_flag_test_and_set(&m->taken))
            continue;
        m->length = length;
        m->device = st.st_dev;
        m->inode = st.st_ino;
        m->size = st.st_size;
        m->changed = st.st_mtim;
        snprintf(m->path, sizeof m->path, "%s", path);
        atomic_store(&m->begin, (uintptr_t)bytes);
        return;
    }
}

static void forget_map(const void *bytes) {
    for (size_t i = 0; i < MOST_MAPPED; i++) {
        uintptr_t begin = (uintptr_t)bytes;
        if (atomic_compare_exchange_strong(&mapped[i].begin, &begin, 0)) {
            atomic_flag_clear(&mapped[i].taken);
            return;
        }
    }
}

const char *file_map_at(const void *address) {
    for (size_t i = 0; i < MOST_MAPPED; i++) {
        uintptr_t begin = atomic_load(&mapped[i].begin), at = (uintptr_t)address;
        if (begin && at >= begin && at - begin < mapped[i].length)
            return mapped[i].path;
    }
    return NULL;
}

static bool was_written(const struct mapped *m) {
    struct stat st;
    return stat(m->path, &st) == 0 && st.st_dev == m->device && st.st_ino == m->inode &&
           (st.st_size != m->size || st.st_mtim.tv_sec != m->changed.tv_sec ||
            st.st_mtim.tv_nsec != m->changed.tv_nsec);
}

bool file_maps_changed(const char *folder, char *path, size_t size) {
    size_t n = strlen(folder);
    for (size_t i = 0; i < MOST_MAPPED; i++) {
        const struct mapped *m = &mapped[i];
        if (!atomic_load(&m->begin) || strncmp(m->path, folder, n) != 0 || !was_written(m))
            continue;
        snprintf(path, size, "%s", m->path);
        return true;
    }
    return false;
}

bool file_map_open(struct file_map *map, const char *path, struct error *e) {
    *map = (struct file_map){0};
    size_t length = 0;
    int fd = open_regular(path, &length, e);
    if (fd < 0)
        return false;
    bool ok = true;
    if (length) {
        void *p = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            ok = error_system(e, "cannot map %s", path);
        } else {
            *map = (struct file_map){.bytes = p, .length = length};
            remember_map(p, length, path, fd);
        }
    }
    close(fd);
    return ok;
}

void file_map_close(struct file_map *map) {
    if (map && map->bytes)
        forget_map(map->bytes);
    if (map && map->bytes)
        munmap((void *)(uintptr_t)map->bytes, map->length);
    if (map)
        *map = (struct file_map){0};
}

bool file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_make_folders(const char *path, struct error *e) {
    char *copy = mem_strdup(path, e);
    if (!copy)
        return false;
    bool ok = true;
    for (char *p = copy; ok && *p;) {
        p += strspn(p, "/");
        p += strcspn(p, "/");
        char kept = *p;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && file_is_folder(copy)) && !file_is_folder(copy))
            ok = error_system(e, "cannot make the folder %s", copy);
        *p = kept;
    }
    free(copy);
    return ok;
}

char *path_join(const char *folder, const char *name, struct error *e) {
    struct buffer b = {0};
    size_t n = strlen(folder);
    if (name[0] != '/' && n) {
        buffer_add(&b, folder, n);
        if (folder[n - 1] != '/')
            buffer_add_char(&b, '/');
    }
    buffer_add_text(&b, name);
    return buffer_take(&b, e);
}

char *path_folder(const char *path, struct error *e) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".", e);
    return slash == path ? mem_strdup("/", e) : mem_strndup(path, (size_t)(slash - path), e);
}

const char *path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool path_stays_inside(const char *path) {
    if (path[0] == '/' || path[0] == '\0')
        return false;
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return false;
        p += n;
        p += strspn(p, "/");
    }
    return true;
}
