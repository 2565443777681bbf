// SPDX-License-Identifier: GPL-3.0-or-later
// Kills `prompter tune` with SIGKILL at random moments, and holds what is kept against a run that nobody
// disturbed.
//
//   kill_run PROMPTER KILLS SEED          sessions go to $PROMPTER_SESSIONS, which should be empty
//
// After each kill the session is opened as any program would: it must be whole, at a step no earlier than the
// last one it told of less the one in flight, and no earlier than before. Then it goes on, to the next kill
// or to its end, where prompt, optimizer and the journal's curve must equal those of the undisturbed run to
// the bit; another run follows until there were enough kills. A kill comes a random while after a random
// event: while it loads, steps, scores or keeps. The last line is a JSON object with what was seen.
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/random.h"
#include "engine/model/safetensors.h"
#include "sessions/journal.h"
#include "sessions/session.h"

enum { STEPS = 60, EVERY = 5, MOST_EVENTS = 16, LINE = 4096 };

struct seen { // of the run that is being killed, on its standard output and on the disk
    size_t told, kept, best;
    bool scored;
};

struct tester {
    const char *program;
    struct random random;
    size_t kills, wanted, runs, loading, stepping, scoring, most_lost;
    struct journal_history whole; // of the undisturbed run
    struct run_checkpoint end;
};

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("kill_run: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

// ---- sessions ----

static void make_session(const char *name) {
    struct error e = {0};
    struct session *s = NULL;
    if (!session_create(&s, name, NULL, "films", NULL, &e))
        fail("%s", e.text);
    struct run_settings settings = *session_settings(s);
    settings.steps = STEPS;
    settings.batch = 2;
    settings.shots = 4;
    settings.evaluate_every = EVERY;
    session_set_settings(s, &settings);
    if (!session_set_template(s, "{soft:4} {text_a} It was {mask}.", &e) || !session_save(s, &e))
        fail("%s", e.text);
    session_free(s);
}

static char *inside(const struct session *s, const char *below) {
    struct error e = {0};
    char *path = path_join(session_folder(s), below, &e);
    if (!path)
        fail("%s", e.text);
    return path;
}

// What a program that opens the session gets. The caller frees.
static struct engine_setup *open_kept(const char *name, struct session **s) {
    struct error e = {0};
    if (!session_open(s, name, NULL, &e))
        fail("%s cannot be opened: %s", name, e.text);
    struct engine_setup *setup = session_setup(*s, false, &e);
    if (!setup)
        fail("%s cannot be set up: %s", name, e.text);
    return setup;
}

static void check_best(const struct session *s, const struct seen *seen) {
    struct error e = {0};
    struct safetensors *file;
    char *path = inside(s, "prompts/best.safetensors");
    if (!safetensors_open(&file, path, &e))
        fail("the best prompt is lost: %s", e.text);
    const char *step = safetensors_metadata(file, "step");
    if (!step || strtoull(step, NULL, 10) < seen->best)
        fail("the best prompt is that of step %s, though that of %zu was kept", step ? step : "?",
             seen->best);
    safetensors_close(file);
    free(path);
}

static void check_kept(struct tester *t, const char *name, struct seen *seen) {
    struct session *s;
    struct engine_setup *setup = open_kept(name, &s);
    const char *notes = session_notes(s);
    if (strstr(notes, "damaged") || strstr(notes, "anew") || strstr(notes, "torn") ||
        strstr(notes, "safetensors"))
        fail("after a kill the session is not whole: %s", notes);
    size_t step = setup->resume ? setup->resume->step : 0;
    if (seen->told > step + 1)
        fail("it told of step %zu and kept only %zu", seen->told, step);
    if (step < seen->kept)
        fail("it had kept step %zu and went back to %zu", seen->kept, step);
    if (step && (!setup->history_count || setup->history[setup->history_count - 1].step != step))
        fail("the journal does not reach the kept step %zu", step);
    if (seen->scored)
        check_best(s, seen);
    size_t lost = seen->told > step ? seen->told - step : 0;
    t->most_lost = lost > t->most_lost ? lost : t->most_lost;
    seen->kept = step;
    engine_setup_free(setup);
    session_free(s);
}

// ---- the program ----

static pid_t start(const struct tester *t, const char *name, int *out) {
    int ends[2];
    if (pipe(ends) != 0)
        fail("no pipe");
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        if (!freopen("/dev/null", "w", stderr))
            _exit(126);
        execl(t->program, "prompter", "tune", name, "--no-test", "--threads", "1", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *out = ends[0];
    return child;
}

// One line of the program's; its kind decides where a kill right behind it falls.
static void take_line(const char *line, struct seen *seen, char *last, size_t size) {
    cJSON *o = json_parse(line, strlen(line), NULL);
    const char *event = "";
    size_t step = 0;
    json_get_string(o, "event", false, &event, NULL);
    json_get_size(o, "step", false, 0, 1 << 20, &step, NULL);
    snprintf(last, size, "%s", event);
    if ((strcmp(event, "step") == 0 || strcmp(event, "eval") == 0) && step > seen->told)
        seen->told = step;
    cJSON_Delete(o);
}

// Reads until `events` lines came or the program closed its end; false for the latter.
static bool follow(FILE *in, size_t events, struct seen *seen, size_t *best, char *last, size_t size) {
    char line[LINE];
    for (size_t i = 0; i < events; i++) {
        if (!fgets(line, sizeof line, in))
            return false;
        take_line(line, seen, last, size);
        // A best prompt counts as kept from the next step on, which is made after it was written.
        if (*best && strcmp(last, "step") == 0) {
            seen->scored = true;
            seen->best = *best - 1 > seen->best ? *best - 1 : seen->best;
            *best = 0;
        }
        if (strstr(line, "\"event\":\"best\"")) {
            const char *at = strstr(line, "\"step\":");
            *best = at ? (size_t)strtoull(at + 7, NULL, 10) + 1 : 0;
        }
    }
    return true;
}

static void wait_a_while(size_t microseconds) {
    struct timespec t = {.tv_sec = 0, .tv_nsec = (long)microseconds * 1000};
    nanosleep(&t, NULL);
}

// Runs the session until a random moment; true when it came to its end by itself.
static bool run_and_kill(struct tester *t, const char *name, struct seen *seen) {
    char last[32] = "";
    size_t best = 0;
    int out, status;
    pid_t child = start(t, name, &out);
    FILE *in = fdopen(out, "r");
    if (child < 0 || !in)
        fail("%s cannot be started", t->program);
    size_t events = random_below(&t->random, 4) ? 1 + random_below(&t->random, MOST_EVENTS) : 0;
    bool alive = follow(in, events, seen, &best, last, sizeof last);
    if (alive)
        wait_a_while(random_below(&t->random, events ? 6000 : 60000));
    kill(child, SIGKILL);
    follow(in, SIZE_MAX, seen, &best, last, sizeof last); // what it had written already
    fclose(in);
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        fail("prompter tune ended with exit status %d", WEXITSTATUS(status));
    if (WIFEXITED(status))
        return true;
    t->kills++;
    *(last[0] == '\0' || strcmp(last, "open") == 0 ? &t->loading
      : strcmp(last, "step") == 0                  ? &t->stepping
                                                   : &t->scoring) += 1;
    return false;
}

// ---- the end ----

static bool same_bits(const float *a, const float *b, size_t count) {
    return memcmp(a, b, count * sizeof *a) == 0;
}

static void compare_arrays(const struct run_checkpoint *a, const struct run_checkpoint *b) {
    if (a->step != b->step || a->optimizer_step != b->optimizer_step || a->epoch != b->epoch ||
        a->position != b->position || a->arrays != b->arrays || a->best.step != b->best.step)
        fail("the killed run ended elsewhere than the undisturbed one");
    for (size_t i = 0; i < a->arrays; i++)
        if (strcmp(a->array[i].name, b->array[i].name) != 0 || a->array[i].rows != b->array[i].rows ||
            !same_bits(a->array[i].value, b->array[i].value, a->array[i].rows * a->array[i].columns))
            fail("\"%s\" is not that of the undisturbed run", a->array[i].name);
}

// All that was measured but the time.
static void compare_curves(const struct journal_history *a, const struct journal_history *b) {
    if (a->count != b->count || a->damage != b->damage)
        fail("the journal tells of %zu measurements, that of the undisturbed run of %zu", b->count, a->count);
    for (size_t i = 0; i < a->count; i++) {
        struct metric x = a->metric[i], y = b->metric[i];
        const float p[] = {x.train_loss, x.train_accuracy, x.gradient_norm, x.update_norm, x.prompt_norm,
                           x.rate,       x.dev_loss,       x.dev_accuracy,  x.dev_f1};
        const float q[] = {y.train_loss, y.train_accuracy, y.gradient_norm, y.update_norm, y.prompt_norm,
                           y.rate,       y.dev_loss,       y.dev_accuracy,  y.dev_f1};
        if (x.kind != y.kind || x.step != y.step || x.best != y.best ||
            !same_bits(p, q, sizeof p / sizeof *p))
            fail("measurement %zu, at step %zu, is not that of the undisturbed run", i + 1, x.step);
    }
}

static void read_end(const char *name, struct journal_history *h, struct run_checkpoint *c) {
    struct error e = {0};
    struct session *s;
    struct engine_setup *setup = open_kept(name, &s);
    char *path = inside(s, "journal.jsonl");
    if (!journal_read(h, path, &e))
        fail("%s", e.text);
    if (!setup->resume || setup->resume->step != STEPS)
        fail("%s has not come to its end", name);
    *c = *setup->resume;
    *setup->resume = (struct run_checkpoint){0};
    free(path);
    engine_setup_free(setup);
    session_free(s);
}

static void compare_end(const struct tester *t, const char *name) {
    struct journal_history h;
    struct run_checkpoint c;
    read_end(name, &h, &c);
    compare_arrays(&t->end, &c);
    compare_curves(&t->whole, &h);
    journal_history_free(&h);
    run_checkpoint_free(&c);
}

static void run_undisturbed(struct tester *t) {
    struct seen seen = {0};
    char last[32] = "";
    size_t best = 0;
    int out, status;
    make_session("whole");
    pid_t child = start(t, "whole", &out);
    FILE *in = fdopen(out, "r");
    if (child < 0 || !in)
        fail("%s cannot be started", t->program);
    follow(in, SIZE_MAX, &seen, &best, last, sizeof last);
    fclose(in);
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail("the undisturbed run failed");
    read_end("whole", &t->whole, &t->end);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: kill_run PROMPTER KILLS SEED\n");
        return 2;
    }
    struct tester t = {.program = argv[1], .wanted = strtoull(argv[2], NULL, 10)};
    random_seed(&t.random, strtoull(argv[3], NULL, 10), 0);
    run_undisturbed(&t);
    while (t.kills < t.wanted) {
        char name[32];
        struct seen seen = {0};
        snprintf(name, sizeof name, "run%zu", ++t.runs);
        make_session(name);
        while (!run_and_kill(&t, name, &seen))
            check_kept(&t, name, &seen);
        compare_end(&t, name);
    }
    printf("{\"kills\": %zu, \"survived\": %zu, \"while_loading\": %zu, \"after_a_step\": %zu, "
           "\"after_an_evaluation\": %zu, \"runs\": %zu, \"most_steps_lost\": %zu}\n",
           t.kills, t.kills, t.loading, t.stepping, t.scoring, t.runs, t.most_lost);
    journal_history_free(&t.whole);
    run_checkpoint_free(&t.end);
    return 0;
}
