// SPDX-License-Identifier: GPL-3.0-or-later
// Runs as rows: journals with everything that happens to them, sessions and folders, files of runs.
#include "check.h"

#include <stdlib.h>
#include <time.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "sessions/journal.h"
#include "sessions/report.h"
#include "sessions/stamp.h"

enum { NOON = 1795521600 }; // 2026-11-24T12:00:00Z

static char home[256];

static const char *in_home(const char *below) {
    static char ring[4][400];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], "%s/%s", home, below);
    return out;
}

static bool put(const char *below, const char *text) {
    char *folder = path_folder(in_home(below), NULL);
    bool ok = folder && file_make_folders(folder, NULL) &&
              file_write_atomic(in_home(below), text, strlen(text), NULL);
    free(folder);
    return ok;
}

static bool set_up(void) {
    static unsigned n;
    snprintf(home, sizeof home, "%s/home%u", check_folder(), n++);
    setenv("PROMPTER_SESSIONS", home, 1);
    return put("s/session.json",
               "{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\"}");
}

static struct journal *journal(const char *below) {
    struct journal *j = NULL;
    char *folder = path_folder(in_home(below), NULL);
    bool ok = folder && file_make_folders(folder, NULL) && journal_open(&j, in_home(below), NULL);
    free(folder);
    return ok ? j : NULL;
}

static bool event(struct journal *j, const char *what, const char *json) {
    cJSON *o = cJSON_Parse(json);
    bool ok = o && journal_add_event(j, what, o, NOON, NULL);
    cJSON_Delete(o);
    return ok;
}

static bool begin(struct journal *j, const char *settings) {
    char json[500];
    snprintf(
        json, sizeof json,
        "{\"version\": 1, \"session\": \"s\", \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", "
        "\"template\": \"\", \"label_words\": \"\", \"settings\": {%s}}",
        settings);
    return event(j, "begin", json);
}

static bool steps(struct journal *j, size_t from, size_t to) {
    bool ok = true;
    for (size_t i = from; ok && i <= to; i++) {
        struct metric m = {.kind = METRIC_STEP, .step = i, .train_loss = 1.0f / (float)i, .seconds = 0.5f};
        ok = journal_add_metric(j, &m, NOON + (time_t)i, NULL);
    }
    return ok;
}

static bool eval(struct journal *j, size_t step, size_t right, bool best) {
    struct metric m = {.kind = METRIC_EVAL,
                       .step = step,
                       .dev_accuracy = (float)right / 32,
                       .dev_f1 = (float)right / 33,
                       .dev_loss = 1.0f / (float)(step + 2),
                       .seconds = 0.25f,
                       .best = best,
                       .dev_examples = 32};
    return journal_add_metric(j, &m, NOON + (time_t)step, NULL);
}

static bool test(struct journal *j, size_t step, size_t correct) {
    struct evaluation v = {.examples = 1000,
                           .correct = correct,
                           .accuracy = (double)correct / 1000,
                           .macro_f1 = 0.5,
                           .loss = 0.25,
                           .classes = 2,
                           .confusion = {400, 100, 11, 489}};
    return journal_add_test(j, &v, step, NOON + 100, NULL);
}

// All runs of `what` (NULL: of the home).
static bool read_all(struct report *r, const char *what) {
    struct report_sources sources = {0};
    struct error e = {0};
    bool ok = report_find(&sources, &what, what != NULL, &e);
    for (size_t i = 0; ok && i < sources.count; i++)
        ok = report_read(r, &sources.source[i], &e);
    report_sources_free(&sources);
    if (!ok)
        printf("%s\n", e.text);
    return ok;
}

TEST(a_journal_is_a_row) {
    struct report all = {0};
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    CHECK(j && begin(j, "\"seed\": 7, \"steps\": 4, \"rate\": 0.3") && eval(j, 0, 16, true) &&
          steps(j, 1, 2) && eval(j, 2, 29, true) && steps(j, 3, 4) && eval(j, 4, 29, false) &&
          test(j, 2, 889));
    journal_free(j);
    CHECK(read_all(&all, "s"));
    CHECK_SIZE(all.count, 1);
    const struct report_run *r = &all.run[0];
    CHECK_TEXT(r->session, "s");
    CHECK_TEXT(r->task, "films");
    CHECK_TEXT(r->model, "sprout");
    CHECK_TEXT(r->template_text, "{soft:20} {text_a} It was {mask}.");
    CHECK_TEXT(r->label_words, "bad; good");
    CHECK_TEXT(r->method, "hybrid PT");
    CHECK_TEXT(r->place, "");
    CHECK_TEXT(r->note, "");
    CHECK(r->settings.seed == 7 && r->settings.rate == 0.3 && !r->by_hand && !r->macro_f1);
    CHECK(r->steps == 4 && r->evaluations == 3 && report_run_finished(r));
    CHECK(r->dev.examples == 32 && r->dev.accuracy == 29.0 / 32 && r->dev.step == 2);
    CHECK_NEAR(r->dev.macro_f1, 29.0 / 33, 1e-6);
    CHECK(r->test.examples == 1000 && r->test.accuracy == 0.889 && r->test.step == 2);
    CHECK(report_run_score(r, REPORT_DEV) == r->dev.accuracy && report_run_score(r, REPORT_TEST) == 0.889);
    CHECK(r->classes == 2 && r->confusion && r->confusion[1] == 100 && r->confusion[3] == 489);
    CHECK_TEXT(r->class_name[1], "positive");
    CHECK_NEAR(r->seconds, 4 * 0.5 + 3 * 0.25, 1e-9);
    CHECK(r->begun == NOON && r->ended == NOON + 100);
    CHECK(r->train.count == 4 && r->train.step[3] == 4 && r->train.first[3] == 0.25f);
    CHECK(r->evals.count == 3 && r->evals.step[1] == 2 && r->evals.second[1] == 29.0f / 32);
    report_free(&all);
}

TEST(kept_runs_come_first_and_what_never_began_is_no_row) {
    struct report all = {0};
    CHECK(set_up());
    struct journal *j = journal("s/kept/002/journal.jsonl");
    CHECK(j && begin(j, "\"seed\": 2, \"start\": \"file\"") && steps(j, 1, 1));
    journal_free(j);
    j = journal("s/kept/001/journal.jsonl");
    CHECK(j && begin(j, "\"seed\": 1"));
    journal_free(j);
    j = journal("s/journal.jsonl");
    CHECK(j && begin(j, "\"seed\": 3") && steps(j, 1, 1));
    journal_free(j);
    CHECK(put("s/kept/003/notes.txt", "no run"));
    CHECK(read_all(&all, NULL));
    CHECK_SIZE(all.count, 2);
    CHECK_TEXT(all.run[0].place, "kept/002");
    CHECK_TEXT(all.run[0].method, "hybrid PPT");
    CHECK(all.run[1].settings.seed == 3 && !report_run_finished(&all.run[1]));
    CHECK(isnan(report_run_score(&all.run[1], REPORT_TEST)) && isnan(all.run[1].dev.accuracy));
    report_free(&all);
}

TEST(edits_before_the_first_number_belong_to_the_run) {
    struct report all = {0};
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    CHECK(
        j && begin(j, "\"steps\": 2") &&
        event(j, "edit",
              "{\"part\": \"template\", \"from\": \"\", \"to\": \"{soft:4} {text_a} {mask} .\", \"edit\": "
              "1}") &&
        event(j, "edit", "{\"part\": \"settings.seed\", \"from\": \"1\", \"to\": \"5\", \"edit\": 1}") &&
        eval(j, 0, 16, true) &&
        event(j, "edit", "{\"part\": \"settings.rate\", \"from\": \"0.1\", \"to\": \"0.2\", \"edit\": 2}") &&
        steps(j, 1, 2) &&
        event(j, "edit", "{\"part\": \"settings.steps\", \"from\": \"2\", \"to\": \"3\", \"edit\": 3}") &&
        steps(j, 3, 3) &&
        event(j, "edit", "{\"part\": \"settings.rate\", \"from\": \"0.2\", \"to\": \"0.9\", \"edit\": 4}") &&
        event(j, "edit", "{\"part\": \"settings.seed\", \"from\": \"5\", \"to\": \"6\", \"edit\": 4}"));
    journal_free(j);
    CHECK(read_all(&all, "s"));
    const struct report_run *r = &all.run[0];
    CHECK_TEXT(r->template_text, "{soft:4} {text_a} {mask} .");
    CHECK_TEXT(r->method, "vanilla PT");
    CHECK(r->settings.seed == 5 && r->settings.rate == 0.2 && r->settings.steps == 3 && !r->by_hand);
    CHECK(report_run_finished(r));
    report_free(&all);
}

TEST(a_rate_changed_while_it_ran_is_by_hand) {
    struct report all = {0};
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    CHECK(
        j && begin(j, "\"steps\": 2") && steps(j, 1, 1) &&
        event(j, "edit", "{\"part\": \"settings.rate\", \"from\": \"0.1\", \"to\": \"0.2\", \"edit\": 1}") &&
        steps(j, 2, 2));
    journal_free(j);
    CHECK(read_all(&all, "s"));
    CHECK(all.run[0].by_hand && all.run[0].settings.rate == 0.1);
    report_free(&all);
}

TEST(what_was_taken_back_does_not_count) {
    struct report all = {0};
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    CHECK(j && begin(j, "\"steps\": 9") && steps(j, 1, 8) && eval(j, 8, 31, true) && test(j, 8, 900) &&
          event(j, "resume", "{\"step\": 4}") && steps(j, 5, 5) && eval(j, 5, 20, true));
    journal_free(j);
    CHECK(read_all(&all, "s"));
    const struct report_run *r = &all.run[0];
    CHECK(r->steps == 5 && r->dev.accuracy == 20.0 / 32 && isnan(r->test.accuracy) && !r->confusion);
    report_free(&all);
}

TEST(long_curves_are_averaged) {
    struct report all = {0};
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    CHECK(j && begin(j, "\"steps\": 1300") && steps(j, 1, 1300));
    journal_free(j);
    CHECK(read_all(&all, "s"));
    const struct report_curve *c = &all.run[0].train;
    CHECK_SIZE(c->count, 434); // buckets of three, and one of the last step
    CHECK(c->step[0] == 3 && c->step[433] == 1300);
    CHECK_NEAR(c->first[0], (1 + 0.5 + 1.0 / 3) / 3, 1e-6);
    report_free(&all);
}

TEST(broken_journals_are_rows_that_say_so) {
    struct report all = {0};
    size_t length;
    char *text = NULL;
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    CHECK(j && begin(j, "\"steps\": 3") && steps(j, 1, 3));
    journal_free(j);
    CHECK(file_read(in_home("s/journal.jsonl"), 1 << 20, &text, &length, NULL));
    strstr(text, "\"step\":3")[8] = '4';
    CHECK(put("s/journal.jsonl", text) && put("t/session.json", "{}") && put("t/journal.jsonl", "{}\n") &&
          put("u/session.json", "{}") && put("u/journal.jsonl", ""));
    text[length - 1] = '\0'; // torn: what a killed program leaves
    CHECK(put("v/session.json", "{}") && put("v/journal.jsonl", text));
    free(text);
    CHECK(read_all(&all, NULL));
    CHECK_SIZE(all.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct report_run *r = &all.run[i];
        CHECK(!report_run_finished(r));
        if (strcmp(r->session, "s") == 0) {
            CHECK_HAS(r->note, "line 4 is damaged");
            CHECK_SIZE(r->steps, 2);
        } else if (strcmp(r->session, "t") == 0) {
            CHECK_HAS(r->note, "line 1 is damaged");
        } else {
            CHECK_TEXT(r->note, "");
            CHECK_SIZE(r->steps, 2);
        }
    }
    report_free(&all);
}

TEST(a_task_that_is_gone_still_has_its_name) {
    struct report all = {0};
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    CHECK(j &&
          event(j, "begin",
                "{\"model\": \"/models/t5-base\", \"task\": \"/data/weather/task.json\", "
                "\"template\": \"{text_a} {mask}\", \"label_words\": \"wet; dry\", \"settings\": {}}") &&
          steps(j, 1, 1));
    journal_free(j);
    CHECK(read_all(&all, "s"));
    CHECK_TEXT(all.run[0].task, "weather");
    CHECK_TEXT(all.run[0].model, "t5-base");
    CHECK_TEXT(all.run[0].label_words, "wet; dry");
    CHECK_TEXT(all.run[0].method, "no tuning");
    report_free(&all);
}

TEST(where_runs_are) {
    struct report_sources found = {0};
    struct error e = {0};
    CHECK(set_up());
    CHECK(put("s/journal.jsonl", "") && put("t/session.json", "{}") && put("t/journal.jsonl", "") &&
          put("runs.jsonl", "") && put("empty/file", ""));
    CHECK_OK(report_find(&found, NULL, 0, &e));
    CHECK_SIZE(found.count, 3);
    CHECK(found.source[2].lines);
    report_sources_free(&found);
    const char *folder = home, *lines = in_home("runs.jsonl"), *session = in_home("t"),
               *none = in_home("empty"), *wrong = "tt";
    CHECK_OK(report_find(&found, &folder, 1, &e));
    CHECK_SIZE(found.count, 3);
    report_sources_free(&found);
    CHECK_OK(report_find(&found, &lines, 1, &e));
    CHECK_SIZE(found.count, 1);
    report_sources_free(&found);
    CHECK_OK(report_find(&found, &session, 1, &e));
    CHECK_SIZE(found.count, 1);
    CHECK_TEXT(found.source[0].session, "t");
    report_sources_free(&found);
    CHECK(!report_find(&found, &none, 1, &e));
    CHECK_HAS(e.text, "holds no sessions");
    CHECK(!report_find(&found, &wrong, 1, &e));
    CHECK_HAS(e.text, "did you mean");
}

// ---- lines ----

static const char full_line[] =
    "{\"version\":1,\"session\":\"映画\",\"folder\":\"/s\",\"place\":\"kept/"
    "001\",\"task\":\"films\",\"metric\":"
    "\"macro-f1\",\"model\":\"sprout\",\"method\":\"mine\",\"template\":\"{soft:3} {text_a} {mask}\","
    "\"label_words\":\"bad; good, great\",\"classes\":[\"negative\",\"positive\"],\"settings\":";
static const char full_rest[] =
    ",\"by_hand\":true,\"steps\":100,\"evaluations\":3,\"seconds\":2.5,\"begun\":\"2026-11-24T12:00:00Z\","
    "\"ended\":\"2026-11-24T12:01:40Z\",\"dev\":{\"examples\":32,\"accuracy\":0.9375,\"macro_f1\":0.93,"
    "\"loss\":0.4,\"step\":5},\"test\":{\"examples\":1000,\"correct\":889,\"accuracy\":0.889,\"macro_f1\":0."
    "88,"
    "\"loss\":0.5,\"step\":5,\"confusion\":[[400,100],[11,489]]},\"note\":\"odd\",\"curves\":{\"step\":[1,2],"
    "\"train_loss\":[1.5,null],\"dev_step\":[0,2],\"dev_loss\":[0.1,0.2],\"dev_accuracy\":[0.5,0.9375]}}\n";

TEST(lines_read_back) {
    struct report_run r;
    struct error e = {0};
    struct buffer line = {0}, again = {0};
    buffer_printf(&line, "%s{\"seed\":9,\"rate\":0.3}%s", full_line, full_rest);
    CHECK_OK(report_line_read(&r, line.data, line.length, &e));
    CHECK(r.settings.seed == 9 && r.settings.rate == 0.3 && r.by_hand && r.macro_f1 && r.steps == 100);
    CHECK(report_run_score(&r, REPORT_DEV) == 0.93 && r.confusion[2] == 11 && r.classes == 2);
    CHECK(r.train.count == 2 && isnan(r.train.first[1]) && r.evals.second[1] == 0.9375f);
    CHECK_TEXT(r.method, "mine");
    CHECK(r.begun == NOON && r.ended == NOON + 100);
    report_line_write(&again, &r, true);
    report_run_free(&r);
    // All settings are written; but for them the line is the one that was read.
    char *settings = strstr(again.data, "\"settings\":{");
    CHECK(settings && strncmp(again.data, full_line, strlen(full_line)) == 0);
    CHECK_TEXT(strchr(settings, '}') + 1, full_rest);
    buffer_clear(&line);
    CHECK_OK(report_line_read(&r, again.data, again.length, &e));
    report_line_write(&line, &r, true);
    CHECK_TEXT(line.data, again.data);
    report_run_free(&r);
    buffer_free(&line);
    buffer_free(&again);
}

TEST(wrong_lines_say_what_and_where) {
    static const struct {
        const char *line, *message;
    } CASES[] = {
        {"[]", "an object"},
        {"{\"task\":\"a\"}", "version"},
        {"{\"version\":2,\"task\":\"a\"}", "version 2"},
        {"{\"version\":1}", "task"},
        {"{\"version\":1,\"task\":\"a\",\"metric\":\"f\"}", "macro-f1"},
        {"{\"version\":1,\"task\":\"a\",\"begun\":\"noon\"}", "2026-11-23T15:54:01Z"},
        {"{\"version\":1,\"task\":\"a\",\"dev\":{\"accuracy\":31}}", "0 to 1"},
        {"{\"version\":1,\"task\":\"a\",\"test\":{\"confusion\":[[1,2],[3]]}}", "confusion"},
        {"{\"version\":1,\"task\":\"a\",\"settings\":{\"rate\":\"fast\"}}", "settings"},
        {"{\"version\":1,\"task\":\"a\",\"curves\":{\"step\":[2,1]}}", "ascending"},
        {"{\"version\":1,\"task\":\"a\",\"curves\":{\"step\":[1],\"train_loss\":[]}}", "as many"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct report_run r;
        struct error e = {0};
        CHECK(!report_line_read(&r, CASES[i].line, strlen(CASES[i].line), &e));
        CHECK_HAS(e.text, CASES[i].message);
    }
}

TEST(a_file_of_lines_is_a_source) {
    struct report all = {0};
    CHECK(set_up());
    CHECK(put("more.jsonl",
              "{\"version\":1,\"task\":\"a\",\"steps\":3}\n\nnonsense\n{\"version\":1,\"task\":\"b\"}"));
    CHECK(read_all(&all, in_home("more.jsonl")));
    CHECK_SIZE(all.count, 3);
    CHECK_TEXT(all.run[0].session, "more.jsonl");
    CHECK_TEXT(all.run[0].place, "line 1");
    CHECK_TEXT(all.run[1].place, "line 3");
    CHECK(all.run[1].note[0]);
    CHECK_TEXT(all.run[2].task, "b");
    report_free(&all);
}
