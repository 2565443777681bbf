// SPDX-License-Identifier: GPL-3.0-or-later
// Every call of the system that saving and opening make is failed once, and from some call on, for each kind
// and each place in turn: what is on the disk afterwards is the old state or the new one, a failure is told,
// and nothing leaks.
//
// The calls are taken over by definitions of this program, which come before those of the C library.
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/model/safetensors.h"
#include "sessions/paths.h"
#include "sessions/session_inside.h"

// ---- the calls ----

enum fault {
    FAULT_OPEN,
    FAULT_WRITE,
    FAULT_SHORT_WRITE, // takes a part, and no more
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_TRUNCATE,
    FAULT_MKDIR,
    FAULT_READ,
    FAULT_SHORT_READ, // gives a part; more comes when asked again
    FAULT_EARLY_END,  // gives a part, and then nothing
    FAULT_MMAP,
    FAULT_FLOCK,
    FAULT_UNLINK,
    FAULT_MEMORY,
    FAULT_COUNT
};
static const char *const fault_name[FAULT_COUNT] = {
    "open", "write",      "short write", "fsync", "rename", "ftruncate", "mkdir",
    "read", "short read", "early end",   "mmap",  "flock",  "unlink",    "malloc"};

static struct {
    enum fault kind;
    size_t at;   // this call fails, counted from 1; 0: none
    bool onward; // and all behind it
    size_t calls, fired;
    bool full, ended; // of short writes and early ends: nothing more goes
} fault;
static long allocations; // that are not free

// Whether this call is to fail.
static bool fails(enum fault kind) {
    if (fault.kind != kind || !fault.at)
        return false;
    fault.calls++;
    bool now = fault.onward ? fault.calls >= fault.at : fault.calls == fault.at;
    fault.fired += now;
    return now;
}

static int refuse(int number) {
    errno = number;
    return -1;
}

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    unsigned mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
    va_end(args);
    return fails(FAULT_OPEN) ? refuse(EMFILE) : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static size_t part_to_write(size_t count, int *error) {
    *error = 0;
    if (fails(FAULT_WRITE))
        *error = EIO;
    else if (fault.full)
        *error = ENOSPC;
    else if (count > 1 && fails(FAULT_SHORT_WRITE))
        fault.full = true, count /= 2;
    return count;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    int error;
    count = part_to_write(count, &error);
    return error ? refuse(error) : syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    int error;
    count = part_to_write(count, &error);
    return error ? refuse(error) : syscall(SYS_pwrite64, fd, bytes, count, at);
}

static size_t part_to_read(size_t count, int *error) {
    *error = 0;
    if (fails(FAULT_READ))
        *error = EIO;
    else if (fault.ended)
        count = 0;
    else if (count > 1 && fails(FAULT_SHORT_READ))
        count /= 2;
    else if (count > 1 && fails(FAULT_EARLY_END))
        fault.ended = true, count /= 2;
    return count;
}

ssize_t read(int fd, void *bytes, size_t count) {
    int error;
    count = part_to_read(count, &error);
    return error ? refuse(error) : syscall(SYS_read, fd, bytes, count);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t at) {
    int error;
    count = part_to_read(count, &error);
    return error ? refuse(error) : syscall(SYS_pread64, fd, bytes, count, at);
}

int fsync(int fd) {
    (void)fd; // thousands of them: nobody pulls the plug here
    return fails(FAULT_FSYNC) ? refuse(EIO) : 0;
}

int rename(const char *from, const char *to) {
    return fails(FAULT_RENAME) ? refuse(EIO) : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int ftruncate(int fd, off_t length) {
    return fails(FAULT_TRUNCATE) ? refuse(EIO) : (int)syscall(SYS_ftruncate, fd, length);
}

int mkdir(const char *path, mode_t mode) {
    return fails(FAULT_MKDIR) ? refuse(ENOSPC) : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    if (fails(FAULT_MMAP)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
}

int flock(int fd, int operation) {
    return fails(FAULT_FLOCK) ? refuse(ENOLCK) : (int)syscall(SYS_flock, fd, operation);
}

int unlink(const char *path) {
    return fails(FAULT_UNLINK) ? refuse(EIO) : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

// A sanitizer has these for itself.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define OWN_MALLOC true
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

static void *counted(void *p) {
    allocations += p != NULL;
    return p;
}

static bool no_memory(void) {
    if (!fails(FAULT_MEMORY))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return no_memory() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return no_memory() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size) {
    if (no_memory())
        return NULL;
    void *p = __libc_realloc(old, size);
    allocations += !old && p;
    return p;
}

void *aligned_alloc(size_t alignment, size_t size) {
    return no_memory() ? NULL : counted(__libc_memalign(alignment, size));
}

void free(void *p) {
    allocations -= p != NULL;
    __libc_free(p);
}
#else
#define OWN_MALLOC false
#endif

// ---- a session with a kept run ----

static char place[256];

static const char *at(const char *below) {
    static char ring[8][512];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s/%s", place, below);
    return out;
}

static bool put(const char *below, const char *text) {
    char *folder = path_folder(at(below), NULL);
    bool ok =
        folder && file_make_folders(folder, NULL) && file_write_atomic(at(below), text, strlen(text), NULL);
    free(folder);
    return ok;
}

static float vectors[600];

static struct run_checkpoint picture(size_t step) {
    static struct run_array arrays[3] = {
        {"prompt", 20, 30, vectors}, {"start", 20, 30, vectors}, {"best", 20, 30, vectors}};
    struct run_checkpoint c = {.array = arrays, .arrays = 3, .step = step, .rate = 0.75, .has_best = true};
    c.best.step = step;
    return c;
}

static void add_step(struct session *s, size_t step) {
    struct metric m = {.kind = METRIC_STEP, .step = step, .train_loss = (float)step};
    session_keep_metric(s, &m);
}

enum { OLD_STEP = 4, NEW_STEP = 5 };
static const char old_template[] = "{soft:2} {text_a} It was {mask}.", new_template[] = "{text_a} {mask}";

// A session "films" at step 4, afresh.
static bool set_up(void) {
    struct error e = {0};
    struct session *s = NULL;
    setenv("PROMPTER_SESSIONS", at("home"), 1);
    setenv("PROMPTER_SHARE", at("share"), 1);
    struct run_checkpoint c = picture(OLD_STEP);
    char *home = path_join(place, "home", &e);
    bool ok = home && (!file_exists(home) || folder_remove(home, &e)) &&
              put("share/models/sprout/config.json", "{}") &&
              put("share/tasks/films/task.json", "{\"name\": \"films\", \"family\": \"single-sentence\"}") &&
              session_create(&s, "films", NULL, "films", NULL, &e) &&
              session_set_template(s, old_template, &e) && session_save(s, &e);
    free(home);
    if (ok)
        engine_setup_free(session_setup(s, false, &e));
    for (size_t i = 1; ok && i <= OLD_STEP; i++)
        add_step(s, i);
    ok = ok && session_keep_checkpoint(s, KEEP_BEST, &c, &e);
    session_free(s);
    if (!ok)
        printf("set_up: %s\n", e.text);
    return ok;
}

// ---- what is done while calls fail ----

// Each returns whether it succeeded.
static bool save_edit(struct error *e) {
    struct session *s;
    if (!session_open(&s, "films", NULL, e))
        return false;
    bool ok = session_set_template(s, new_template, e) && session_save(s, e);
    session_free(s);
    return ok;
}

static bool keep_as(enum keep_reason why, struct error *e) {
    struct session *s;
    if (!session_open(&s, "films", NULL, e))
        return false;
    struct engine_setup *setup = session_setup(s, false, e);
    bool ok = setup != NULL;
    struct run_checkpoint c = picture(NEW_STEP);
    if (ok && !setup->resume) { // not resumed, which it says
        ok = error_set(e, ERROR_INPUT, "%s", session_notes(s));
    } else if (ok) {
        add_step(s, NEW_STEP);
        ok = session_keep_checkpoint(s, why, &c, e);
    }
    engine_setup_free(setup);
    session_free(s);
    return ok;
}

static bool keep_best(struct error *e) {
    return keep_as(KEEP_BEST, e);
}
static bool keep_step(struct error *e) {
    return keep_as(KEEP_STEP, e);
}

static bool look(struct error *e) {
    struct session *s;
    if (!session_open_reading(&s, "films", NULL, e))
        return false;
    struct engine_setup *setup = session_setup(s, false, e);
    bool ok = setup != NULL;
    if (ok && !setup->resume)
        ok = error_set(e, ERROR_INPUT, "%s", session_notes(s));
    engine_setup_free(setup);
    session_free(s);
    return ok;
}

static bool begin_run(struct error *e) {
    struct session *s;
    if (!session_open(&s, "films", NULL, e))
        return false;
    bool ok = session_begin_run(s, e);
    session_free(s);
    return ok;
}

static bool save_as(struct error *e) {
    struct session *s;
    if (!session_open(&s, "films", NULL, e))
        return false;
    bool ok = session_save_as(s, "copy", e);
    session_free(s);
    return ok;
}

// ---- what is there afterwards ----

struct state {
    bool is_new_template, is_moved;
    size_t step, best;
};

static size_t best_step(void) {
    struct safetensors *file;
    struct error e = {0};
    if (!safetensors_open(&file, at("home/films/prompts/best.safetensors"), &e)) {
        printf("the best prompt: %s\n", e.text);
        return SIZE_MAX;
    }
    const char *step = safetensors_metadata(file, "step");
    size_t out = step ? (size_t)strtoull(step, NULL, 10) : SIZE_MAX;
    safetensors_close(file);
    return out;
}

// Opens the session without faults; false when it is neither the old state nor the new one.
static bool read_state(struct state *out) {
    struct error e = {0};
    struct session *s;
    if (!session_open(&s, "films", NULL, &e)) {
        printf("it cannot be opened: %s\n", e.text);
        return false;
    }
    struct engine_setup *setup;
    out->is_new_template = strcmp(session_template(s), new_template) == 0;
    bool ok = (out->is_new_template || strcmp(session_template(s), old_template) == 0) &&
              session_set_template(s, old_template, &e) && (setup = session_setup(s, false, &e));
    if (ok) {
        out->is_moved = !file_exists(at("home/films/prompts"));
        out->step = setup->resume ? setup->resume->step : SIZE_MAX;
        out->best = out->is_moved ? SIZE_MAX : best_step();
        ok = out->is_moved ? file_exists(at("home/films/kept/001/prompts/last.safetensors"))
                           : (out->step == OLD_STEP || out->step == NEW_STEP) &&
                                 (out->best == OLD_STEP || out->best == NEW_STEP);
        engine_setup_free(setup);
    }
    if (!ok)
        printf("neither old nor new: template %s, step %zu, best %zu; %s %s\n", session_template(s),
               out->step, out->best, session_notes(s), e.text);
    session_free(s);
    return ok;
}

// Whether a half-written file was left in a folder.
static bool has_leftovers(const char *folder) {
    DIR *d = opendir(folder);
    bool found = false;
    for (const struct dirent *entry = d ? readdir(d) : NULL; entry; entry = readdir(d))
        found |= strstr(entry->d_name, ".tmp.") != NULL;
    if (d)
        closedir(d);
    return found;
}

static size_t open_files(void) {
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    for (const struct dirent *entry = d ? readdir(d) : NULL; entry; entry = readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

// ---- all of them ----

struct deed {
    const char *name;
    bool (*act)(struct error *e);
    bool (*holds)(const struct state *now); // after success
};

static bool template_is_new(const struct state *s) {
    return s->is_new_template;
}
static bool step_is_new(const struct state *s) {
    return s->step == NEW_STEP;
}
static bool both_are_new(const struct state *s) {
    return s->step == NEW_STEP && s->best == NEW_STEP;
}
static bool is_moved(const struct state *s) {
    return s->is_moved;
}
static bool is_unchanged(const struct state *s) {
    return s->step == OLD_STEP && !s->is_new_template && !s->is_moved;
}

static size_t tried, refused;

// One call, or all from one on, fail; false when something is not as it must be.
static bool try_once(const struct deed *deed, enum fault kind, size_t n, bool onward) {
    struct error e = {0};
    struct state now = {0};
    if (!set_up())
        return false;
    size_t files = open_files();
    long before = allocations;
    memset(&fault, 0, sizeof fault);
    fault.kind = kind;
    fault.at = n;
    fault.onward = onward;
    bool ok = deed->act(&e);
    fault.at = 0;
    fault.full = fault.ended = false;
    long leaked = allocations - before;
    if (!fault.fired)
        return true;
    tried++;
    refused += !ok;
    const char *wrong = NULL;
    if (leaked)
        wrong = "memory leaks";
    else if (open_files() != files)
        wrong = "a file stays open";
    else if (!ok && !e.text[0])
        wrong = "a failure without a message";
    else if (kind != FAULT_UNLINK &&
             (has_leftovers(at("home/films")) || has_leftovers(at("home/films/prompts"))))
        wrong = "a half-written file stays";
    else if (!read_state(&now))
        wrong = "neither the old state nor the new";
    else if (ok && !deed->holds(&now))
        wrong = "it said that it was done, and it is not";
    if (wrong)
        printf("%s, %s %zu%s: %s (%s)\n", deed->name, fault_name[kind], n, onward ? " and on" : "", wrong,
               e.text);
    return !wrong;
}

static bool try_all(const struct deed *deed) {
    deed->act(&(struct error){0}); // what is allocated once and for all
    for (int kind = 0; kind < FAULT_COUNT; kind++)
        for (int onward = 0; onward < 2; onward++)
            for (size_t n = 1;; n++) {
                if (!try_once(deed, (enum fault)kind, n, onward))
                    return false;
                if (!fault.fired)
                    break;
            }
    return true;
}

static bool survives(const char *name, bool (*act)(struct error *e), bool (*holds)(const struct state *s)) {
    struct deed deed = {name, act, holds};
    // In memory where there is such a folder: each fault begins with a new session.
    char memory[] = "/dev/shm/prompter-faults-XXXXXX";
    bool own = mkdtemp(memory) != NULL;
    snprintf(place, sizeof place, "%s/%s", own ? memory : check_folder(), name);
    tried = refused = 0;
    bool ok = set_up() && try_all(&deed);
    printf("%s: %zu faults, %zu told%s\n", name, tried, refused, OWN_MALLOC ? "" : " (memory left out)");
    if (own)
        folder_remove(memory, NULL);
    return ok && tried > 20;
}

TEST(saving) {
    CHECK(survives("save", save_edit, template_is_new));
}

TEST(keeping_a_best_prompt) {
    CHECK(survives("keep-best", keep_best, both_are_new));
}

TEST(keeping_a_step) {
    CHECK(survives("keep-step", keep_step, step_is_new));
}

TEST(opening_and_reading) {
    CHECK(survives("look", look, is_unchanged));
}

TEST(beginning_another_run) {
    CHECK(survives("begin-run", begin_run, is_moved));
}

TEST(saving_under_another_name) {
    CHECK(survives("save-as", save_as, is_unchanged));
}
