// SPDX-License-Identifier: GPL-3.0-or-later
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "stamp.h"

const char lock_file_name[] = "session.lock";

struct holder {
    size_t pid, started; // started: in the kernel's ticks since the machine did; 0: not known
    char host[256], since[STAMP_SIZE];
};

static void own_host(char out[256]) {
    if (gethostname(out, 256) != 0)
        snprintf(out, 256, "this machine");
    out[255] = '\0';
}

// When a process began: field 22 of /proc/PID/stat, behind its name in parentheses. 0: it cannot be told.
static size_t start_of(size_t pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%zu/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *p = strrchr(text, ')');
    for (int field = 2; p && field < 22; field++) {
        p = strchr(p, ' ');
        p = p ? p + 1 : NULL;
    }
    return p ? (size_t)strtoull(p, NULL, 10) : 0;
}

// Whether the process that wrote the file still runs; another one may have got its number.
static bool is_alive(const struct holder *h) {
    if (kill((pid_t)h->pid, 0) != 0 && errno == ESRCH)
        return false;
    size_t started = start_of(h->pid);
    return !h->started || !started || started == h->started;
}

// Who wrote the file; all empty where that cannot be read (it may be about to be written).
static struct holder read_holder(int fd) {
    struct holder h = {0};
    char text[1024];
    ssize_t n = pread(fd, text, sizeof text, 0);
    cJSON *json = n > 0 ? json_parse(text, (size_t)n, NULL) : NULL;
    const char *host = "", *since = "";
    json_get_size(json, "pid", false, 1, 1u << 30, &h.pid, NULL);
    json_get_size(json, "started", false, 0, SIZE_MAX >> 11, &h.started, NULL);
    json_get_string(json, "host", false, &host, NULL);
    json_get_string(json, "time", false, &since, NULL);
    snprintf(h.host, sizeof h.host, "%s", host);
    snprintf(h.since, sizeof h.since, "%s", since);
    cJSON_Delete(json);
    return h;
}

static bool write_holder(int fd, time_t now) {
    char host[256], since[STAMP_SIZE], text[512];
    own_host(host);
    stamp_print(now, since);
    cJSON *json = cJSON_CreateObject();
    bool ok = json && cJSON_AddNumberToObject(json, "pid", (double)getpid()) &&
              cJSON_AddNumberToObject(json, "started", (double)start_of((size_t)getpid())) &&
              cJSON_AddStringToObject(json, "host", host) && cJSON_AddStringToObject(json, "time", since) &&
              cJSON_PrintPreallocated(json, text, sizeof text - 1, false);
    cJSON_Delete(json);
    if (!ok)
        return false;
    strcat(text, "\n");
    ssize_t n = (ssize_t)strlen(text);
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

static bool in_use(const char *folder, const struct holder *h, struct error *e) {
    if (h->pid == (size_t)getpid())
        return error_set(e, ERROR_INPUT, "%s is open in this very program already", folder);
    if (!h->pid)
        return error_set(e, ERROR_INPUT, "%s is open in another prompter; close it there first", folder);
    return error_set(e, ERROR_INPUT,
                     "%s is open in another prompter (process %zu on %s, since %s); close it there first",
                     folder, h->pid, h->host, h->since);
}

// Having the kernel's lock: is it ours to take? The file may have been removed by its last holder meanwhile.
enum verdict { TAKE, AGAIN, REFUSE };
static enum verdict judge(const char *folder, const char *path, int fd, const struct holder *h, bool locked,
                          struct error *e) {
    struct stat ours, there;
    char host[256];
    own_host(host);
    if (fstat(fd, &ours) != 0 || stat(path, &there) != 0 || ours.st_ino != there.st_ino ||
        ours.st_dev != there.st_dev)
        return AGAIN;
    if (h->pid && strcmp(h->host, host) != 0) {
        error_set(
            e, ERROR_INPUT,
            "%s was opened by process %zu on another machine (%s, %s); if that is no longer so, remove %s",
            folder, h->pid, h->host, h->since, path);
        return REFUSE;
    }
    // Where the file system knows no locks, the process itself is asked for.
    if (!locked && h->pid && is_alive(h)) {
        in_use(folder, h, e);
        return REFUSE;
    }
    return TAKE;
}

static enum verdict try_once(const char *folder, const char *path, int *out, struct holder *h,
                             struct error *e) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        error_system(e, "cannot lock the session: %s", path);
        return REFUSE;
    }
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0, busy = !locked && errno == EWOULDBLOCK;
    *h = read_holder(fd);
    enum verdict v = REFUSE;
    if (busy)
        in_use(folder, h, e);
    else
        v = judge(folder, path, fd, h, locked, e);
    if (v == TAKE)
        *out = fd;
    else
        close(fd);
    return v;
}

bool session_lock_take(struct session_lock *lock, const char *folder, time_t now, bool *stale,
                       struct error *e) {
    struct holder h = {0};
    enum verdict v = AGAIN;
    char *path = path_join(folder, lock_file_name, e);
    *lock = (struct session_lock){.fd = -1};
    if (!path)
        return false;
    error_set(e, ERROR_SYSTEM, "cannot lock %s: its lock comes and goes; try again", folder);
    for (int i = 0; i < 100 && v == AGAIN; i++)
        v = try_once(folder, path, &lock->fd, &h, e);
    if (v != TAKE) {
        free(path);
        return false;
    }
    lock->path = path;
    if (stale)
        *stale = h.pid != 0;
    if (!write_holder(lock->fd, now)) {
        error_system(e, "cannot lock the session: %s", path);
        session_lock_release(lock);
        return false;
    }
    return true;
}

void session_lock_release(struct session_lock *lock) {
    if (!lock->path)
        return;
    unlink(lock->path); // while we still have it: whoever waits for this file sees that it is gone
    close(lock->fd);
    free(lock->path);
    *lock = (struct session_lock){.fd = -1};
}
