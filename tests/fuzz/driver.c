// SPDX-License-Identifier: GPL-3.0-or-later
// Runs one fuzz target without libFuzzer: every file of its corpus, then a fixed number of mutations of each.
//
//   driver NAME [MUTATIONS]     corpus in tests/fuzz/corpus/NAME, words in tests/fuzz/dict/NAME.dict
//
// The target runs in a child process, so that a crash, an endless loop or a word on stdout or stderr is
// reported with the input that caused it, which is left in $BUILD/fuzz-NAME. Mutations depend on the seed's
// name and bytes alone. Besides what the target itself requires, no input may leave memory or file
// descriptors behind.
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"

enum { MOST_INPUT = 1 << 20, MOST_SEEDS = 512, MOST_WORDS = 256, SECONDS_AN_INPUT = 30 };

// What the parent needs to know about a child that died.
struct shared {
    char seed[256];
    size_t mutation, runs, size;
    uint8_t input[MOST_INPUT];
};

struct bytes {
    char *data;
    size_t size;
};
struct corpus {
    char *name[MOST_SEEDS];
    struct bytes seed[MOST_SEEDS], word[MOST_WORDS];
    size_t seeds, words;
};

// ---- loading ----

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void load_seeds(struct corpus *c, const char *folder) {
    DIR *d = opendir(folder);
    for (const struct dirent *entry = d ? readdir(d) : NULL; entry && c->seeds < MOST_SEEDS;
         entry = readdir(d))
        if (entry->d_name[0] != '.')
            c->name[c->seeds++] = strdup(entry->d_name);
    if (d)
        closedir(d);
    qsort(c->name, c->seeds, sizeof c->name[0], compare_names);
    for (size_t i = 0; i < c->seeds; i++) {
        struct error e = {0};
        char *path = path_join(folder, c->name[i], &e);
        if (!path || !file_read(path, MOST_INPUT, &c->seed[i].data, &c->seed[i].size, &e)) {
            fprintf(stderr, "%s\n", e.text);
            exit(1);
        }
        free(path);
    }
}

// "word" on a line of its own, with \xNN, \\ and \" inside, as libFuzzer reads it.
static void add_word(struct corpus *c, const char *line) {
    const char *p = strchr(line, '"');
    struct buffer b = {0};
    for (p = p ? p + 1 : ""; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1] == 'x' && p[2] && p[3]) {
            const char hex[] = {p[2], p[3], '\0'};
            buffer_add_char(&b, (char)strtoul(hex, NULL, 16));
            p += 3;
        } else {
            p += *p == '\\' && p[1];
            buffer_add_char(&b, *p);
        }
    }
    if (b.length && c->words < MOST_WORDS)
        c->word[c->words++] = (struct bytes){b.data, b.length};
    else
        buffer_free(&b);
}

static void load_words(struct corpus *c, const char *path) {
    char *text, *line, *rest;
    size_t length;
    if (!file_read(path, MOST_INPUT, &text, &length, NULL))
        return; // not every target has words
    for (rest = text; (line = strsep(&rest, "\n"));)
        if (line[0] == '"')
            add_word(c, line);
    free(text);
}

// ---- mutations ----

static void replace(struct shared *s, size_t at, size_t gone, const void *with, size_t length) {
    if (at + gone > s->size || s->size - gone + length > MOST_INPUT)
        return;
    memmove(s->input + at + length, s->input + at + gone, s->size - at - gone);
    if (length)
        memmove(s->input + at, with, length);
    s->size += length - gone;
}

static void mutate_once(struct shared *s, const struct corpus *c, struct random *r) {
    static const char *const numbers[] = {"0",     "-1",         "255",
                                          "65536", "4294967296", "9007199254740993",
                                          "1e308", "1e-400",     "18446744073709551616",
                                          "null",  "[]",         "{}",
                                          "\"\""};
    static const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff, '"', '\\', '\n', '{', '}', ',', 0xe2, 0xf0};
    size_t at = random_below(r, s->size + 1), left = s->size - at;
    size_t few = left ? 1 + random_below(r, left < 8 ? left : 8) : 0;
    uint8_t b;
    switch (random_below(r, 9)) {
    case 0: // another bit
        if (left)
            s->input[at] ^= (uint8_t)(1u << random_below(r, 8));
        break;
    case 1: // another byte
        b = (uint8_t)random_next(r);
        replace(s, at, left > 0, &b, 1);
        break;
    case 2: // one that means something
        replace(s, at, random_below(r, 2) && left, &bytes[random_below(r, sizeof bytes)], 1);
        break;
    case 3:
        replace(s, at, few, NULL, 0);
        break;
    case 4: // the same again
        replace(s, at, 0, memcpy((uint8_t[8]){0}, s->input + at, few), few);
        break;
    case 5: // cut short
        if (random_below(r, 4) == 0)
            s->size = at;
        break;
    case 6: { // a number
        const char *number = numbers[random_below(r, sizeof numbers / sizeof numbers[0])];
        replace(s, at, random_below(r, 2) * few, number, strlen(number));
        break;
    }
    case 7: // a word of the format
        if (c->words) {
            const struct bytes *w = &c->word[random_below(r, c->words)];
            replace(s, at, random_below(r, 2) * few, w->data, w->size);
        }
        break;
    default: { // a piece of another seed
        const struct bytes *other = &c->seed[random_below(r, c->seeds)];
        size_t from = random_below(r, other->size + 1), n = random_below(r, other->size - from + 1);
        replace(s, at, random_below(r, 2) * few, other->data + from, n < 64 ? n : 64);
    }
    }
}

// ---- the child ----

static void run(struct shared *s) {
    alarm(SECONDS_AN_INPUT);
    s->runs++;
    LLVMFuzzerTestOneInput(s->input, s->size);
}

static size_t bytes_in_use(void) {
    return mallinfo2().uordblks; // 0 under AddressSanitizer, which looks for itself
}

static int lowest_free_descriptor(void) {
    int fd = dup(0);
    close(fd);
    return fd;
}

// What a target builds once, it has built after the first runs; memory that then grows with every run is
// lost.
static void run_for_leaks(struct shared *s) {
    enum { RUNS = 4, BEFORE = 2 };
    size_t grown = 0, before;
    for (size_t i = 0; i < BEFORE; i++)
        run(s);
    int descriptor = lowest_free_descriptor();
    for (size_t i = 0; i < RUNS; i++) {
        before = bytes_in_use();
        run(s);
        grown += bytes_in_use() > before;
    }
    if (grown == RUNS)
        fuzz_found(__FILE__, __LINE__, "this input leaks memory");
    if (lowest_free_descriptor() != descriptor)
        fuzz_found(__FILE__, __LINE__, "this input leaves a file open");
}

static uint64_t seed_of(const char *name) {
    uint64_t x = 14695981039346656037u; // FNV-1a
    for (; *name; name++)
        x = (x ^ (unsigned char)*name) * 1099511628211u;
    return x;
}

static void child(struct shared *s, const struct corpus *c, size_t mutations) {
    struct random r;
    for (size_t i = 0; i < c->seeds; i++) {
        snprintf(s->seed, sizeof s->seed, "%s", c->name[i]);
        s->mutation = 0;
        s->size = c->seed[i].size;
        memcpy(s->input, c->seed[i].data, s->size);
        run_for_leaks(s);
        random_seed(&r, seed_of(c->name[i]), i);
        for (s->mutation = 1; s->mutation <= mutations; s->mutation++) {
            s->size = c->seed[i].size;
            memcpy(s->input, c->seed[i].data, s->size);
            for (size_t n = 1 + random_below(&r, 4); n; n--)
                mutate_once(s, c, &r);
            run(s);
        }
    }
    alarm(0);
}

// ---- the parent ----

static void show(FILE *from) {
    char line[1024];
    rewind(from);
    while (fgets(line, sizeof line, from))
        fputs(line, stdout);
}

static bool report(const char *target, const struct shared *s, int status, FILE *said) {
    char path[PATH_MAX];
    const char *build = getenv("BUILD");
    bool quiet = fseek(said, 0, SEEK_END) == 0 && ftell(said) == 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && quiet)
        return true;
    snprintf(path, sizeof path, "%s/fuzz-%s", build && build[0] ? build : "build", target);
    FILE *f = fopen(path, "wb");
    if (f) {
        fwrite(s->input, 1, s->size, f);
        fclose(f);
    }
    if (WIFSIGNALED(status))
        printf("FAIL %s: %s", target, WTERMSIG(status) == SIGALRM ? "no end" : strsignal(WTERMSIG(status)));
    else
        printf("FAIL %s: %s (exit status %d)", target, quiet ? "ended" : "printed", WEXITSTATUS(status));
    printf(" at seed %s, mutation %zu; the input is %s\n", s->seed, s->mutation, path);
    show(said);
    return false;
}

// malloc's own caches would look like leaks: the program begins anew without them.
static void exact_malloc(char **argv) {
    static const char name[] = "GLIBC_TUNABLES";
    if (getenv(name))
        return;
    setenv(name, "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0", 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv) {
    static struct corpus corpus;
    char path[PATH_MAX], folder[32];
    const char *target = argc > 1 ? argv[1] : "";
    exact_malloc(argv);
    size_t mutations = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    snprintf(path, sizeof path, "tests/fuzz/corpus/%s", target);
    load_seeds(&corpus, path);
    snprintf(path, sizeof path, "tests/fuzz/dict/%s.dict", target);
    load_words(&corpus, path);
    snprintf(folder, sizeof folder, "%s/fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FILE *said = tmpfile();
    if (!corpus.seeds || s == MAP_FAILED || !said || !mkdtemp(folder)) {
        printf("FAIL %s: no seeds in tests/fuzz/corpus/%s, or no place to work in\n", target, target);
        return 1;
    }
    setenv("FUZZ_FOLDER", folder, 1);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(said), 1);
        dup2(fileno(said), 2);
        child(s, &corpus, mutations);
        exit(0);
    }
    int status = 1;
    bool ok = pid > 0 && waitpid(pid, &status, 0) == pid && report(target, s, status, said);
    snprintf(path, sizeof path, "rm -rf '%s'", folder);
    if (system(path) != 0)
        ok = false;
    if (ok)
        printf("%-12s %5zu seeds %8zu runs\n", target, corpus.seeds, s->runs);
    return !ok;
}
