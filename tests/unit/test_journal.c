// SPDX-License-Identifier: GPL-3.0-or-later
// Journals: what is written reads back to the bit, runs that went back, torn and damaged files, a full disk,
// and two threads at once. Checkpoints: the identical picture, and every way in which one can be wrong.
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/safetensors.h"
#include "sessions/checkpoint.h"
#include "sessions/journal.h"
#include "sessions/metric_fields.h"
#include "sessions/prompt_file.h"

enum { NOON = 1795521600 };

static const char *in_folder(const char *name) {
    static char ring[8][256];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s/%s", check_folder(), name);
    return out;
}

static struct metric metric(enum metric_kind kind, size_t step, float value) {
    struct metric m = metric_empty();
    m.kind = kind;
    m.step = step;
    if (kind == METRIC_EVAL)
        m.dev_accuracy = value;
    else
        m.train_loss = value;
    return m;
}

static bool same_metric(const struct metric *a, const struct metric *b) {
    bool same =
        a->kind == b->kind && a->step == b->step && a->best == b->best && a->dev_examples == b->dev_examples;
    for (size_t i = 0; i < METRIC_FIELDS; i++) {
        float x = metric_field_get(a, i), y = metric_field_get(b, i);
        same &= (isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0;
    }
    return same;
}

// A new journal of `steps` steps.
static bool write_steps(const char *path, size_t steps) {
    struct journal *j;
    unlink(path);
    bool ok = journal_open(&j, path, NULL);
    for (size_t i = 1; ok && i <= steps; i++) {
        struct metric m = metric(METRIC_STEP, i, (float)i / 3);
        ok = journal_add_metric(j, &m, NOON, NULL);
    }
    ok = ok && journal_flush(j, NULL);
    journal_free(j);
    return ok;
}

static char *slurp(const char *path, size_t *length) {
    static char *text; // static: gcc 12 takes a local for dangling once this is inlined
    return file_read(path, 1 << 20, &text, length, NULL) ? text : NULL;
}

TEST(metrics_read_back_to_the_bit) {
    struct error e = {0};
    const char *path = in_folder("bits.jsonl");
    struct metric all[4] = {metric(METRIC_EVAL, 0, 0.5f), metric(METRIC_STEP, 1, 1.0f / 3),
                            metric(METRIC_RATE, 1, NAN), metric(METRIC_EVAL, 1, 0.75f)};
    for (size_t i = 0; i < METRIC_FIELDS; i++)
        metric_field_set(&all[1], i, 1e-38f * (float)(i + 1) / 7);
    all[2].rate = 3e38f;
    all[3].best = true;
    all[3].dev_examples = 32;
    struct journal *j;
    CHECK_OK(journal_open(&j, path, &e));
    CHECK(!file_exists(path)); // nothing before the first record
    for (size_t i = 0; i < 4; i++)
        CHECK_OK(journal_add_metric(j, &all[i], NOON, &e));
    struct evaluation test = {.examples = 10, .correct = 9, .loss = 0.25, .accuracy = 0.9, .macro_f1 = NAN};
    CHECK_OK(journal_add_test(j, &test, 1, NOON, &e));
    static const char members[] = "{\"part\":\"template\",\"to\":\"\\\"q\\\" {mask}\\n\"}";
    cJSON *edit = json_parse(members, strlen(members), &e);
    CHECK_OK(edit != NULL);
    CHECK_OK(journal_add_event(j, "edit", edit, NOON, &e));
    cJSON_Delete(edit);
    CHECK_OK(journal_flush(j, &e));
    CHECK_SIZE(journal_records(j), 6);
    journal_free(j);
    struct journal_history h;
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.damage == JOURNAL_WHOLE && h.records == 6 && h.last == 6 && h.count == 4 && !h.note[0]);
    for (size_t i = 0; i < 4; i++)
        CHECK(same_metric(&h.metric[i], &all[i]));
    CHECK(h.test.step == 1 && h.test.examples == 10 && h.test.correct == 9 && h.test.accuracy == 0.9 &&
          h.test.loss == 0.25 && isnan(h.test.macro_f1));
    journal_history_cut(&h, 1);
    CHECK_SIZE(h.test.examples, 10);
    journal_history_cut(&h, 0); // taken back with the step that it scored
    CHECK_SIZE(h.test.examples, 0);
    journal_history_free(&h);
}

TEST(lines_are_json_that_says_when) {
    struct error e = {0};
    const char *path = in_folder("lines.jsonl");
    CHECK(write_steps(path, 3));
    size_t length;
    char *text = slurp(path, &length);
    CHECK(text != NULL);
    char *newline = strchr(text, '\n');
    cJSON *line = json_parse(text, (size_t)(newline - text), &e);
    CHECK_OK(line != NULL);
    const char *t = "", *what = "", *sum = "";
    size_t n = 0;
    CHECK_OK(json_get_size(line, "n", true, 1, 9, &n, &e));
    CHECK_OK(json_get_string(line, "t", true, &t, &e));
    CHECK_OK(json_get_string(line, "what", true, &what, &e));
    CHECK_OK(json_get_string(line, "sum", true, &sum, &e));
    CHECK_TEXT(t, "2026-11-24T12:00:00Z");
    CHECK_TEXT(what, "step");
    CHECK_SIZE(n, 1);
    CHECK_SIZE(strlen(sum), 8);
    CHECK(cJSON_GetObjectItemCaseSensitive(line, "dev_loss") == NULL);
    cJSON_Delete(line);
    free(text);
}

TEST(checksum_is_crc32) {
    // By another implementation (zlib): crc32(line before ,"sum") of this very line.
    static const char line[] =
        "{\"n\":1,\"t\":\"2026-11-24T12:00:00Z\",\"what\":\"begin\",\"sum\":\"d9d650c2\"}\n";
    struct error e = {0};
    struct journal *j;
    const char *path = in_folder("sum.jsonl");
    CHECK_OK(journal_open(&j, path, &e));
    CHECK_OK(journal_add_event(j, "begin", NULL, NOON, &e));
    journal_free(j);
    size_t length;
    char *text = slurp(path, &length);
    CHECK(text != NULL);
    CHECK_TEXT(text, line);
    free(text);
}

TEST(appending_goes_on_counting) {
    struct error e = {0};
    const char *path = in_folder("more.jsonl");
    CHECK(write_steps(path, 5));
    struct journal *j;
    CHECK_OK(journal_open(&j, path, &e));
    struct metric m = metric(METRIC_STEP, 6, 1);
    CHECK_OK(journal_add_metric(j, &m, NOON, &e));
    journal_free(j);
    struct journal_history h;
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.last == 6 && h.count == 6 && h.damage == JOURNAL_WHOLE);
    journal_history_cut(&h, 2);
    CHECK(h.count == 2 && h.metric[1].step == 2);
    journal_history_free(&h);
}

TEST(going_back_drops_what_was_taken_back) {
    struct error e = {0};
    const char *path = in_folder("back.jsonl");
    struct journal *j;
    struct journal_history h;
    CHECK(write_steps(path, 9));
    CHECK_OK(journal_open(&j, path, &e));
    cJSON *at = json_parse("{\"step\":4}", 10, &e);
    CHECK_OK(journal_add_event(j, "resume", at, NOON, &e)); // steps 5 to 9 were never kept
    cJSON_Delete(at);
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.count == 4 && h.metric[3].step == 4 && h.records == 10);
    journal_history_free(&h);
    struct metric m = metric(METRIC_STEP, 5, 50);
    CHECK_OK(journal_add_metric(j, &m, NOON, &e));
    m = metric(METRIC_EVAL, 5, 0.5f);
    CHECK_OK(journal_add_metric(j, &m, NOON, &e));
    CHECK_OK(journal_add_metric(j, &m, NOON, &e)); // scored twice at one step is no going back
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.count == 7 && h.metric[4].train_loss == 50);
    journal_history_free(&h);
    m = metric(METRIC_STEP, 2, 20); // started over, or resumed from an older picture
    CHECK_OK(journal_add_metric(j, &m, NOON, &e));
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.count == 2 && h.metric[0].step == 1 && h.metric[1].train_loss == 20);
    journal_history_free(&h);
    m = metric(METRIC_EVAL, 0, 0.5f);
    CHECK_OK(journal_add_metric(j, &m, NOON, &e));
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.count == 1 && h.metric[0].kind == METRIC_EVAL);
    journal_history_free(&h);
    journal_free(j);
}

TEST(torn_at_every_byte) {
    struct error e = {0};
    const char *path = in_folder("torn.jsonl");
    CHECK(write_steps(path, 3));
    size_t length, line_ends[3], lines = 0;
    char *text = slurp(path, &length);
    CHECK(text != NULL);
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\n')
            line_ends[lines++] = i + 1;
    CHECK_SIZE(lines, 3);
    for (size_t cut = 0; cut <= length; cut++) {
        size_t whole = 0;
        while (whole < 3 && line_ends[whole] <= cut)
            whole++;
        bool torn = cut != (whole ? line_ends[whole - 1] : 0);
        CHECK(file_write_atomic(path, text, cut, &e));
        struct journal_history h;
        CHECK_OK(journal_read(&h, path, &e));
        CHECK_SIZE(h.count, whole);
        CHECK(h.damage == (torn ? JOURNAL_TORN : JOURNAL_WHOLE));
        CHECK((h.note[0] != 0) == torn);
        journal_history_free(&h);
        struct journal *j; // and the journal goes on after its good part
        CHECK_OK(journal_open(&j, path, &e));
        struct metric m = metric(METRIC_STEP, whole + 1, 1);
        CHECK_OK(journal_add_metric(j, &m, NOON, &e));
        journal_free(j);
        CHECK_OK(journal_read(&h, path, &e));
        CHECK_SIZE(h.count, whole + 1);
        CHECK(h.damage == JOURNAL_WHOLE);
        journal_history_free(&h);
    }
    free(text);
}

TEST(any_changed_byte_is_noticed) {
    struct error e = {0};
    const char *path = in_folder("flip.jsonl");
    CHECK(write_steps(path, 3));
    size_t length;
    char *text = slurp(path, &length);
    CHECK(text != NULL);
    size_t first = (size_t)(strchr(text, '\n') - text) + 1;
    size_t second = (size_t)(strchr(text + first, '\n') - text) + 1;
    for (size_t i = first; i < second; i++) {
        text[i] ^= 0x10;
        CHECK(file_write_atomic(path, text, length, &e));
        text[i] ^= 0x10;
        struct journal_history h;
        CHECK_OK(journal_read(&h, path, &e));
        CHECK(h.damage == JOURNAL_DAMAGED && h.bad_line == 2 && h.count == 1);
        CHECK_HAS(h.note, "flip.jsonl: line 2 is damaged");
        journal_history_free(&h);
    }
    free(text);
}

TEST(a_missing_line_is_damage_and_nothing_is_thrown_away) {
    struct error e = {0};
    const char *path = in_folder("gap.jsonl");
    CHECK(write_steps(path, 4));
    size_t length, kept;
    char *text = slurp(path, &length);
    CHECK(text != NULL);
    char *first = strchr(text, '\n') + 1, *second = strchr(first, '\n') + 1;
    memmove(first, second, strlen(second) + 1); // line 2 is gone
    CHECK(file_write_atomic(path, text, strlen(text), &e));
    struct journal_history h;
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.damage == JOURNAL_DAMAGED && h.bad_line == 2 && h.count == 1);
    journal_history_free(&h);
    struct journal *j;
    CHECK_OK(journal_open(&j, path, &e));
    struct metric m = metric(METRIC_STEP, 2, 7);
    CHECK_OK(journal_add_metric(j, &m, NOON, &e));
    journal_free(j);
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.damage == JOURNAL_WHOLE && h.count == 2 && h.metric[1].train_loss == 7);
    journal_history_free(&h);
    char *aside = slurp(in_folder("gap.jsonl.damaged-1"), &kept);
    CHECK(aside != NULL);
    CHECK_TEXT(aside, text);
    free(aside);
    free(text);
    // The last line alone out of order is good in itself and must not be cut off as torn.
    CHECK(write_steps(path, 2));
    text = slurp(path, &length);
    CHECK(text != NULL);
    first = strchr(text, '\n') + 1;
    CHECK(file_write_atomic(path, first, strlen(first), &e));
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.damage == JOURNAL_DAMAGED && h.count == 0);
    journal_history_free(&h);
    free(text);
}

TEST(what_is_no_journal) {
    static const char *const texts[] = {"\n\n\n", "{}\n", "[1,2]\n{\"n\":1}\n", "\xff\xfe\0\0",
                                        "not a journal"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error e = {0};
        struct journal_history h;
        const char *path = in_folder("none.jsonl");
        CHECK(file_write_atomic(path, texts[i], strlen(texts[i]), &e));
        CHECK_OK(journal_read(&h, path, &e));
        CHECK(h.damage != JOURNAL_WHOLE && h.count == 0 && h.bad_line == 1);
        journal_history_free(&h);
    }
    struct error e = {0};
    struct journal_history h;
    CHECK_OK(journal_read(&h, in_folder("absent.jsonl"), &e));
    CHECK(h.count == 0 && h.damage == JOURNAL_WHOLE);
    CHECK(!journal_read(&h, check_folder(), &e));
    CHECK_HAS(e.text, "is a folder");
}

TEST(a_full_disk_loses_nothing_that_comes_back) {
    struct error e = {0};
    const char *path = in_folder("full.jsonl");
    CHECK(write_steps(path, 2));
    size_t length;
    free(slurp(path, &length));
    struct journal *j;
    CHECK_OK(journal_open(&j, path, &e));
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = length + 30; // room for a part of the next line
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    struct metric m = metric(METRIC_STEP, 3, 3);
    bool first = journal_add_metric(j, &m, NOON, &e);
    m.step = 4;
    bool second = journal_add_metric(j, &m, NOON, NULL), flushed = journal_flush(j, NULL);
    struct journal_history h = {0};
    bool read_meanwhile = journal_read(&h, path, NULL);
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK(!first && !second && !flushed);
    CHECK_HAS(e.text, "full.jsonl");
    CHECK(read_meanwhile && h.count == 2 && h.damage == JOURNAL_WHOLE);
    journal_history_free(&h);
    m.step = 5;
    CHECK_OK(journal_add_metric(j, &m, NOON, &e));
    journal_free(j);
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.count == 5 && h.damage == JOURNAL_WHOLE);
    journal_history_free(&h);
}

static void *append_many(void *journal) {
    for (size_t i = 0; i < 200; i++)
        journal_add_event(journal, "edit", NULL, NOON, NULL);
    return NULL;
}

TEST(two_threads_append) {
    struct error e = {0};
    const char *path = in_folder("threads.jsonl");
    struct journal *j;
    pthread_t other;
    CHECK_OK(journal_open(&j, path, &e));
    CHECK(pthread_create(&other, NULL, append_many, j) == 0);
    append_many(j);
    pthread_join(other, NULL);
    journal_free(j);
    struct journal_history h;
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.records == 400 && h.last == 400 && h.damage == JOURNAL_WHOLE);
    journal_history_free(&h);
}

// ---- new generations ----

static const struct journal_limits small = {.bytes = 20000, .recent = 50, .evaluations = 40, .buckets = 10};

static float wave(size_t i) {
    return (float)((i * 7919) % 1009) / 1009 + 1.0f;
}

// The steps and what else happens in a run, each evaluation better than the one before where `better` says
// so.
static bool add_run(struct journal *j, size_t from, size_t to, bool better) {
    bool ok = true;
    for (size_t i = from; ok && i <= to; i++) {
        struct metric m = metric(METRIC_STEP, i, wave(i));
        m.gradient_norm = wave(i * 3);
        ok = journal_add_metric(j, &m, NOON, NULL);
        if (ok && i % 20 == 0) {
            struct metric eval = metric(METRIC_EVAL, i, wave(i * 5));
            eval.best = better && i % 200 == 0;
            ok = journal_add_metric(j, &eval, NOON + 1, NULL);
        }
    }
    return ok;
}

static bool add_text(struct journal *j, const char *what, const char *json) {
    cJSON *o = cJSON_Parse(json);
    bool ok = o && journal_add_event(j, what, o, NOON, NULL);
    cJSON_Delete(o);
    return ok;
}

struct seen {
    size_t edits, compacts, begins, resumes;
    uint64_t first_compact;
    double generation, steps, taken_back;
};

static double number_in(const cJSON *o, const char *name) {
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, name);
    return n ? n->valuedouble : -1;
}

static bool see(void *context, const struct journal_record *r, struct error *e) {
    struct seen *s = context;
    cJSON *o = journal_record_json(r, e);
    if (!o)
        return false;
    s->edits += strcmp(r->what, "edit") == 0;
    s->begins += strcmp(r->what, "begin") == 0 && r->n == 1;
    s->resumes += strcmp(r->what, "resume") == 0;
    if (strcmp(r->what, "compact") == 0) {
        s->compacts++;
        s->first_compact = r->n;
        s->generation = number_in(o, "generation");
        s->steps = number_in(o, "steps");
        s->taken_back = number_in(o, "taken_back");
    }
    cJSON_Delete(o);
    return true;
}

static struct seen see_all(const char *path) {
    struct seen s = {0};
    struct journal_history end;
    if (!journal_visit(path, see, &s, &end, NULL) || end.damage != JOURNAL_WHOLE)
        s.compacts = 9999;
    return s;
}

// The greatest loss of the steps in [from, to) that the history still has; 0 if there is none.
static float greatest(const struct journal_history *h, size_t from, size_t to) {
    float most = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->metric[i].kind == METRIC_STEP && h->metric[i].step >= from && h->metric[i].step < to &&
            h->metric[i].train_loss > most)
            most = h->metric[i].train_loss;
    return most;
}

static float greatest_wave(size_t from, size_t to) {
    float most = 0;
    for (size_t i = from; i < to; i++)
        most = wave(i) > most ? wave(i) : most;
    return most;
}

TEST(a_long_journal_becomes_a_thinner_one) {
    struct error e = {0};
    const char *path = in_folder("long.jsonl");
    struct journal *j;
    struct journal_history h;
    CHECK_OK(journal_open(&j, path, &e));
    journal_set_limits(j, &small);
    CHECK(add_text(j, "begin", "{\"version\": 1}"));
    CHECK(add_run(j, 1, 150, true));
    CHECK(add_text(j, "edit", "{\"part\": \"template\", \"from\": \"a\", \"to\": \"b \\\"q\\\", é\"}"));
    struct metric rate = metric(METRIC_RATE, 150, NAN);
    rate.rate = 0.25f;
    CHECK_OK(journal_add_metric(j, &rate, NOON, &e));
    CHECK(add_run(j, 151, 4000, true));
    journal_free(j);
    struct seen s = see_all(path);
    CHECK(s.edits == 1 && s.begins == 1 && s.compacts == 1 && s.first_compact == 2 && s.generation > 2);
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.damage == JOURNAL_WHOLE && h.bytes < 2 * small.bytes && h.records == h.last);
    size_t steps = 0, best = 0, evals = 0, rates = 0;
    for (size_t i = 0; i < h.count; i++) {
        const struct metric *m = &h.metric[i];
        steps += m->kind == METRIC_STEP;
        evals += m->kind == METRIC_EVAL;
        best += m->kind == METRIC_EVAL && m->best;
        rates += m->kind == METRIC_RATE && m->step == 150 && m->rate == 0.25f;
        CHECK(i == 0 || h.metric[i - 1].step <= m->step);
        CHECK(m->kind != METRIC_STEP || m->train_loss == wave(m->step)); // what stays, stays to the bit
    }
    CHECK(best == 20 && rates == 1 && evals < 200 && steps < 200);
    CHECK((size_t)s.steps + steps == 4000);     // what went is counted
    for (size_t i = 0; i < small.recent; i++) { // the newest are all there
        size_t back = 0;
        while (h.metric[h.count - 1 - back].step > 4000 - i ||
               h.metric[h.count - 1 - back].kind != METRIC_STEP)
            back++;
        CHECK_SIZE(h.metric[h.count - 1 - back].step, 4000 - i);
    }
    CHECK(greatest(&h, 1, 3000) == greatest_wave(1, 3000)); // and every quarter has its peak
    for (size_t quarter = 0; quarter < 3; quarter++)
        CHECK(greatest(&h, quarter * 1000, quarter * 1000 + 1000) > 1.9f);
    journal_history_free(&h);
}

TEST(what_was_taken_back_does_not_come_again) {
    struct error e = {0};
    const char *path = in_folder("again.jsonl");
    struct journal *j;
    struct journal_history before, after;
    struct journal_limits never = small;
    never.bytes = 1 << 30;
    CHECK_OK(journal_open(&j, path, &e));
    journal_set_limits(j, &never);
    CHECK(add_run(j, 1, 900, false));
    struct metric start = metric(METRIC_EVAL, 0, 0.5f);
    CHECK_OK(journal_add_metric(j, &start, NOON, &e)); // started over
    CHECK(add_run(j, 1, 700, false));
    CHECK(add_text(j, "resume", "{\"step\": 640}"));
    CHECK(add_run(j, 641, 680, false));
    CHECK_OK(journal_read(&before, path, &e));
    journal_set_limits(j, &(struct journal_limits){.bytes = 1, .recent = 100000, .evaluations = 100000});
    struct metric next = metric(METRIC_STEP, 681, 1);
    CHECK_OK(journal_add_metric(j, &next, NOON, &e));
    journal_free(j);
    CHECK_OK(journal_read(&after, path, &e));
    CHECK(after.count == before.count + 1 && after.records < before.records);
    for (size_t i = 0; i < before.count; i++)
        CHECK(same_metric(&before.metric[i], &after.metric[i]));
    struct seen s = see_all(path);
    CHECK(s.compacts == 1 && s.resumes == 1 && s.taken_back == 900 + 45 + 60 + 3 && s.steps == 0);
    journal_history_free(&before);
    journal_history_free(&after);
}

TEST(a_journal_that_was_moved_away_grows_where_it_is) {
    struct error e = {0};
    const char *path = in_folder("present.jsonl"), *away = in_folder("away.jsonl");
    struct journal *j;
    CHECK_OK(journal_open(&j, path, &e));
    journal_set_limits(j, &small);
    CHECK(add_run(j, 1, 10, false));
    CHECK(rename(path, away) == 0);
    CHECK(write_steps(path, 1));
    CHECK(add_run(j, 11, 1000, false));
    journal_free(j);
    CHECK(see_all(away).compacts == 0 && see_all(path).compacts == 0);
    struct journal_history h;
    CHECK_OK(journal_read(&h, away, &e));
    CHECK_SIZE(h.records, 1050);
    journal_history_free(&h);
}

// Tells each step that it has written; with such limits a new generation comes every few hundred.
static void write_until_killed(const char *path, int told) {
    struct journal *j;
    struct journal_history h;
    if (!journal_read(&h, path, NULL) || !journal_open(&j, path, NULL))
        _exit(1);
    size_t step = h.count ? h.metric[h.count - 1].step : 0;
    journal_set_limits(j, &small);
    for (;;) {
        step++;
        struct metric m = metric(METRIC_STEP, step, wave(step));
        if (!journal_add_metric(j, &m, NOON, NULL) || write(told, &step, sizeof step) != sizeof step)
            _exit(1);
    }
}

TEST(killed_at_any_moment_one_generation_stands) {
    const char *path = in_folder("killed.jsonl");
    struct error e = {0};
    size_t step = 0, generations = 0;
    for (int round = 0; round < 30; round++) {
        int pipes[2];
        CHECK(pipe(pipes) == 0);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(path, pipes[1]);
        close(pipes[1]);
        size_t wanted = step + 1 + (size_t)(round * 7919 % 600);
        while (step < wanted && read(pipes[0], &step, sizeof step) == sizeof step)
            ;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &step, sizeof step) == sizeof step)
            ;
        close(pipes[0]);
        struct journal_history h;
        CHECK_OK(journal_read(&h, path, &e));
        CHECK(h.damage != JOURNAL_DAMAGED && h.count && h.bytes < 2 * small.bytes);
        size_t last = h.metric[h.count - 1].step;
        CHECK(last == step || last == step + 1); // killed between writing and telling
        CHECK(h.metric[h.count - 1].train_loss == wave(last));
        step = last;
        journal_history_free(&h);
    }
    generations = (size_t)see_all(path).generation;
    CHECK(generations > 5);
}

TEST(a_million_steps_stay_small) {
    struct error e = {0};
    const char *path = in_folder("million.jsonl");
    struct journal *j;
    struct journal_history h;
    CHECK_OK(journal_open(&j, path, &e));
    for (size_t i = 1; i <= 1000000; i++) {
        struct metric m = metric(METRIC_STEP, i, wave(i));
        CHECK_OK(journal_add_metric(j, &m, NOON, &e));
        if (i % 100 == 0) {
            struct metric eval = metric(METRIC_EVAL, i, wave(i));
            CHECK_OK(journal_add_metric(j, &eval, NOON, &e));
        }
    }
    journal_free(j);
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.damage == JOURNAL_WHOLE && h.bytes < 2 * journal_limits_default.bytes);
    size_t evals = 0;
    for (size_t i = 0; i < h.count; i++)
        evals += h.metric[i].kind == METRIC_EVAL;
    CHECK(evals == 10000); // all of them: there are not too many
    CHECK(h.metric[h.count - 1].step == 1000000 && h.metric[0].step == 1);
    CHECK(greatest(&h, 0, 500000) == greatest_wave(0, 500000));
    journal_history_free(&h);
    unlink(path);
}

// ---- checkpoints ----

static float prompt[6] = {1, -0.0f, 1e-45f, 3, 4, 5}, best[6] = {6, 5, 4, 3, 2, 1}, moment[6] = {NAN, 1, 2},
             factor[3] = {9, 8, 7};

static struct run_array arrays[4] = {{"start", 2, 3, best}, // the prompt is not the first
                                     {"prompt", 2, 3, prompt},
                                     {"best", 2, 3, best},
                                     {"optimizer.m", 2, 3, moment}};

static struct run_checkpoint sample(void) {
    struct run_checkpoint c = {.array = arrays,
                               .arrays = 4,
                               .step = 37,
                               .optimizer_step = 36,
                               .epoch = 9,
                               .position = SIZE_MAX,
                               .scored_step = 35,
                               .rate = 1.0 / 3,
                               .has_best = true,
                               .best = metric_empty()};
    c.best.kind = METRIC_EVAL;
    c.best.step = 30;
    c.best.best = true;
    c.best.dev_accuracy = 1.0f / 3;
    return c;
}

TEST(a_checkpoint_comes_back_the_same) {
    struct error e = {0};
    struct run_checkpoint c = sample(), d;
    const char *path = in_folder("last.safetensors");
    char setup[CHECKPOINT_SETUP];
    CHECK_OK(checkpoint_write(path, &c, "0123abcd", &e));
    CHECK_OK(checkpoint_read(&d, setup, path, &e));
    CHECK_TEXT(setup, "0123abcd");
    CHECK(d.step == 37 && d.optimizer_step == 36 && d.epoch == 9 && d.position == SIZE_MAX &&
          d.scored_step == 35);
    CHECK(d.rate == c.rate && d.has_best && same_metric(&d.best, &c.best));
    CHECK_SIZE(d.arrays, 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_TEXT(d.array[i].name, arrays[i].name);
        CHECK(d.array[i].rows == 2 && d.array[i].columns == 3);
        CHECK(memcmp(d.array[i].value, arrays[i].value, 6 * sizeof(float)) == 0);
    }
    checkpoint_release(&d);
    struct prompt_matrix m; // and any reader of prompts takes it
    CHECK_OK(prompt_file_read(&m, path, &e));
    CHECK(m.rows == 2 && memcmp(m.value, prompt, sizeof prompt) == 0);
    prompt_matrix_free(&m);
}

TEST(a_checkpoint_with_a_rate_that_is_none) {
    static const double wrong[] = {-0.1, NAN, INFINITY, -INFINITY};
    struct error e = {0};
    char setup[CHECKPOINT_SETUP];
    const char *path = in_folder("rate.safetensors");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct run_checkpoint c = sample(), d;
        c.rate = wrong[i];
        CHECK_OK(checkpoint_write(path, &c, NULL, &e));
        CHECK(!checkpoint_read(&d, setup, path, &e));
        CHECK_HAS(e.text, "\"rate\" is \"");
    }
}

TEST(a_setup_too_long_is_cut_between_characters) {
    struct error e = {0};
    struct run_checkpoint c = sample(), d;
    char setup[CHECKPOINT_SETUP];
    const char *path = in_folder("setup.safetensors");
    CHECK_OK(checkpoint_write(path, &c, "012345678901234567890123456789é", &e));
    CHECK_OK(checkpoint_read(&d, setup, path, &e));
    CHECK_TEXT(setup, "012345678901234567890123456789");
    checkpoint_release(&d);
}

TEST(a_checkpoint_without_best) {
    struct error e = {0};
    struct run_array two[2] = {{"prompt", 2, 3, prompt}, {"optimizer.row", 3, 1, factor}};
    struct run_checkpoint c = {.array = two, .arrays = 2, .best = metric_empty(), .rate = -0.0}, d;
    char setup[CHECKPOINT_SETUP];
    const char *path = in_folder("nobest.safetensors");
    CHECK_OK(checkpoint_write(path, &c, NULL, &e));
    CHECK_OK(checkpoint_read(&d, setup, path, &e));
    CHECK(d.arrays == 2 && !d.has_best && signbit(d.rate) && !setup[0]);
    CHECK(d.array[1].rows == 3 && d.array[1].value[2] == 7);
    checkpoint_release(&d);
    CHECK(!checkpoint_write_best(path, &c, NULL, &e));
    CHECK_HAS(e.text, "no best prompt");
    c.array = two + 1;
    c.arrays = 1;
    CHECK(!checkpoint_write(path, &c, NULL, &e));
}

TEST(the_best_prompt_alone) {
    struct error e = {0};
    struct run_checkpoint c = sample();
    const char *path = in_folder("best.safetensors");
    CHECK_OK(checkpoint_write_best(path, &c, "sprout", &e));
    struct prompt_matrix m;
    CHECK_OK(prompt_file_read(&m, path, &e));
    CHECK(m.rows == 2 && memcmp(m.value, best, sizeof best) == 0);
    prompt_matrix_free(&m);
    struct safetensors *file;
    CHECK_OK(safetensors_open(&file, path, &e));
    CHECK_TEXT(safetensors_metadata(file, "step"), "30");
    CHECK_TEXT(safetensors_metadata(file, "model"), "sprout");
    safetensors_close(file);
}

// Each pair of metadata in turn taken away, and then replaced by something that is no number.
TEST(wrong_checkpoints_are_refused) {
    struct error e = {0};
    struct run_checkpoint c = sample(), d;
    char setup[CHECKPOINT_SETUP];
    const char *path = in_folder("whole.safetensors"), *wrong = in_folder("wrong.safetensors");
    CHECK_OK(checkpoint_write(path, &c, "", &e));
    static const char *const keys[] = {"prompter",      "step",           "optimizer_step", "epoch",
                                       "position",      "rate",           "has_best",       "best.kind",
                                       "best.step",     "best.best",      "prompt_at",      "best.rate",
                                       "best.dev_loss", "best.train_loss"};
    enum { KEYS = sizeof keys / sizeof keys[0] };
    struct safetensors *file;
    CHECK_OK(safetensors_open(&file, path, &e));
    struct safetensors_item items[4];
    for (size_t i = 0; i < 4; i++)
        items[i] = (struct safetensors_item){safetensors_at(file, i)->name, DTYPE_F32, 2, {2, 3}, best};
    for (size_t spoilt = 0; spoilt < 2 * KEYS; spoilt++) {
        struct safetensors_pair pairs[64];
        size_t n = 0;
        static const char *const all[] = {"best.train_accuracy", "best.gradient_norm", "best.update_norm",
                                          "best.prompt_norm",    "best.dev_accuracy",  "best.dev_f1",
                                          "best.seconds",        "scored_step"};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            if (safetensors_metadata(file, all[i]))
                pairs[n++] = (struct safetensors_pair){all[i], safetensors_metadata(file, all[i])};
        for (size_t i = 0; i < KEYS; i++)
            if (i != spoilt)
                pairs[n++] = (struct safetensors_pair){
                    keys[i], i + KEYS == spoilt ? "7x" : safetensors_metadata(file, keys[i])};
        e = (struct error){0};
        CHECK_OK(safetensors_write(wrong, items, 4, pairs, n, &e));
        CHECK(!checkpoint_read(&d, setup, wrong, &e));
        CHECK(d.array == NULL);
        CHECK_HAS(e.text, "wrong.safetensors");
        if (spoilt % KEYS)
            CHECK_HAS(e.text, keys[spoilt % KEYS]);
    }
    CHECK_OK(safetensors_write(wrong, items, 4, NULL, 0, &e));
    safetensors_close(file);
    CHECK(!checkpoint_read(&d, setup, wrong, &e));
    CHECK_HAS(e.text, "no checkpoint of a session");
    CHECK(!checkpoint_read(&d, setup, in_folder("absent.safetensors"), &e));
    size_t length;
    char *bytes = slurp(path, &length);
    CHECK(bytes != NULL);
    for (size_t cut = 0; cut < length; cut += 7) {
        CHECK(file_write_atomic(wrong, bytes, cut, &e));
        CHECK(!checkpoint_read(&d, setup, wrong, &e));
    }
    free(bytes);
}
