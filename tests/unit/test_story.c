// SPDX-License-Identifier: GPL-3.0-or-later
// What happened in a session as a story: runs, edits, undo, tests, resumed and torn journals, local time.
#include "check.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "sessions/crc.h"
#include "sessions/journal.h"
#include "sessions/session_inside.h"
#include "sessions/story.h"

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

// A session whose journals are written by the test; times in a zone of UTC+9.
static bool set_up(void) {
    static unsigned n;
    snprintf(home, sizeof home, "%s/home%u", check_folder(), n++);
    setenv("PROMPTER_SESSIONS", home, 1);
    setenv("TZ", "JST-9", 1);
    tzset();
    return put("s/session.json", "{\"version\": 1, \"created\": \"2026-11-23T23:30:00Z\", \"model\": "
                                 "\"shipped:sprout\", \"task\": \"shipped:films\"}");
}

static struct journal *journal(const char *below) {
    struct journal *j = NULL;
    char *folder = path_folder(in_home(below), NULL);
    bool ok = folder && file_make_folders(folder, NULL) && journal_open(&j, in_home(below), NULL);
    free(folder);
    return ok ? j : NULL;
}

static bool event(struct journal *j, const char *what, const char *json, time_t when) {
    cJSON *o = cJSON_Parse(json);
    bool ok = o && journal_add_event(j, what, o, when, NULL);
    cJSON_Delete(o);
    return ok;
}

static bool steps(struct journal *j, size_t from, size_t to, time_t when) {
    bool ok = true;
    for (size_t i = from; ok && i <= to; i++) {
        struct metric m = {.kind = METRIC_STEP, .step = i, .train_loss = 1.0f / (float)i};
        ok = journal_add_metric(j, &m, when + (time_t)i, NULL);
    }
    return ok;
}

static bool metric(struct journal *j, enum metric_kind kind, size_t step, float x, bool best, time_t when) {
    struct metric m = {.kind = kind,
                       .step = step,
                       .rate = x,
                       .dev_accuracy = x,
                       .dev_loss = 0.5f,
                       .best = best,
                       .undone_to = 4};
    return journal_add_metric(j, &m, when, NULL);
}

static char *told(void) {
    static char *text;
    struct buffer b = {0};
    struct error e = {0};
    cJSON *story = NULL;
    free(text);
    text = NULL;
    if (!session_story(&story, &b, "s", &e))
        printf("%s\n", e.text);
    for (const cJSON *entry = story ? story->child : NULL; entry; entry = entry->next)
        story_print(entry, &b);
    cJSON_Delete(story);
    return text = buffer_take(&b, NULL);
}

static bool write_two_runs(void) {
    struct journal *j = journal("s/kept/001/journal.jsonl");
    struct evaluation test = {.examples = 10, .correct = 9, .accuracy = 0.9, .macro_f1 = 0.875, .loss = 0.25};
    bool ok = j &&
              event(j, "begin",
                    "{\"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"template\": \"\", "
                    "\"label_words\": \"a; b\", \"settings\": {\"rate\": 0.5, \"seed\": 1}}",
                    NOON) &&
              steps(j, 1, 4, NOON) && metric(j, METRIC_EVAL, 4, 0.75f, true, NOON + 4) &&
              metric(j, METRIC_RATE, 4, 0.25f, false, NOON + 5) &&
              metric(j, METRIC_RATE, 4, 0.125f, false, NOON + 5) && steps(j, 5, 6, NOON) &&
              event(j, "open", "{}", NOON + 60) && event(j, "resume", "{\"step\": 5}", NOON + 60) &&
              metric(j, METRIC_UNDO, 5, 0, false, NOON + 61) &&
              journal_add_test(j, &test, 4, NOON + 62, NULL) &&
              event(j, "edit",
                    "{\"part\": \"template\", \"from\": \"\", \"to\": \"x \\u001b[31m {mask}\", \"edit\": 1}",
                    NOON + 63) &&
              event(j, "edit", "{\"part\": \"settings.seed\", \"from\": \"1\", \"to\": \"2\", \"edit\": 1}",
                    NOON + 63);
    journal_free(j);
    j = journal("s/journal.jsonl");
    ok = ok && j && event(j, "begin", "{\"template\": \"x\"}", NOON + 3600) && steps(j, 1, 1, NOON + 3600) &&
         event(j, "edit",
               "{\"part\": \"template\", \"from\": \"x\", \"to\": \"\", \"edit\": 1, \"as\": \"undo\"}",
               NOON + 3700) &&
         event(j, "compact", "{\"steps\": 70, \"evaluations\": 2}", NOON + 3800) &&
         event(j, "weather", "{\"fine\": true}", NOON + 3900);
    journal_free(j);
    return ok;
}

TEST(two_runs_are_told) {
    CHECK(set_up() && write_two_runs());
    CHECK_TEXT(
        told() + strlen("s, made 2026-11-24 08:30:00, in ") + strlen(home) + strlen("/s\n"),
        "\n2026-11-24 21:00:00  run 1 began, now in kept/001: task shipped:films, model shipped:sprout\n"
        "                        template the task's own\n"
        "                        label words \"a; b\"\n"
        "                        settings rate 0.5\n"
        "2026-11-24 21:00:01  steps 1 to 4: loss from 1 to 0.25; the best so far on dev at step 4: accuracy "
        "0.75, loss 0.5\n"
        "2026-11-24 21:00:05  learning rate 0.125 by hand, after step 4\n"
        "2026-11-24 21:00:05  steps 5 to 6: loss from 0.2 to 0.1667\n"
        "2026-11-24 21:01:00  opened again\n"
        "2026-11-24 21:01:00  the run went on from step 5; 1 step after it had not been kept\n"
        "2026-11-24 21:01:01  back to the prompt of step 4, after step 5\n"
        "2026-11-24 21:01:02  test: accuracy 0.9 = 9/10, macro-F1 0.875, with the prompt of step 4\n"
        "2026-11-24 21:01:03  made edit 1: template from the task's own to \"x ?[31m {mask}\"\n"
        "                        seed from 1 to 2\n"
        "\n2026-11-24 22:00:00  run 2 began: task , model \n"
        "                        template \"x\"\n"
        "                        label words the task's own\n"
        "2026-11-24 22:00:01  step 1: loss 1\n"
        "2026-11-24 22:01:40  undid edit 1: template from \"x\" to the task's own\n"
        "2026-11-24 22:03:20  the journal was thinned: 70 steps and 2 evaluations are not in it any more\n");
}

TEST(what_was_edited_before_a_run_comes_before_it) {
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    bool ok =
        j && event(j, "begin", "{\"template\": \"b\", \"settings\": {\"rate\": 0.5, \"seed\": 2}}", NOON) &&
        event(j, "edit", "{\"part\": \"template\", \"from\": \"a\", \"to\": \"b\", \"edit\": 1}", NOON) &&
        event(j, "edit", "{\"part\": \"settings.rate\", \"from\": \"0.1\", \"to\": \"0.5\", \"edit\": 1}",
              NOON) &&
        event(j, "open", "{}", NOON + 60) &&
        event(j, "edit", "{\"part\": \"settings.seed\", \"from\": \"2\", \"to\": \"1\", \"edit\": 2}",
              NOON + 60) &&
        event(j, "edit", "{\"part\": \"template\", \"from\": \"b\", \"to\": \"c\", \"edit\": 2}",
              NOON + 60) &&
        steps(j, 1, 1, NOON + 60) &&
        event(j, "edit", "{\"part\": \"template\", \"from\": \"c\", \"to\": \"d\", \"edit\": 3}", NOON + 90);
    journal_free(j);
    CHECK(ok);
    CHECK_HAS(told(), "\n2026-11-24 21:00:00  made edit 1: template from \"a\" to \"b\"\n"
                      "                        rate from 0.1 to 0.5\n"
                      "2026-11-24 21:01:00  opened again\n"
                      "2026-11-24 21:01:00  made edit 2: seed from 2 to 1\n"
                      "                        template from \"b\" to \"c\"\n"
                      "\n2026-11-24 21:01:00  run 1 began: task , model \n"
                      "                        template \"c\"\n"
                      "                        label words the task's own\n"
                      "                        settings rate 0.5\n"
                      "2026-11-24 21:01:01  step 1: loss 1\n"
                      "2026-11-24 21:01:30  made edit 3: template from \"c\" to \"d\"\n");
}

TEST(entries_are_objects) {
    struct error e = {0};
    cJSON *story;
    CHECK(set_up() && write_two_runs());
    CHECK_OK(session_story(&story, NULL, "s", &e));
    const cJSON *first = story->child, *second = first->next;
    CHECK_TEXT(cJSON_GetObjectItem(first, "time")->valuestring, "2026-11-24T21:00:00+09:00");
    CHECK_TEXT(cJSON_GetObjectItem(first, "folder")->valuestring, "kept/001");
    CHECK_TEXT(cJSON_GetObjectItem(cJSON_GetObjectItem(first, "settings"), "rate")->valuestring, "0.5");
    CHECK_TEXT(cJSON_GetObjectItem(second, "what")->valuestring, "steps");
    CHECK(cJSON_GetObjectItem(second, "to")->valuedouble == 4);
    CHECK_TEXT(cJSON_GetObjectItem(second, "until")->valuestring, "2026-11-24T21:00:04+09:00");
    CHECK(cJSON_GetObjectItem(cJSON_GetObjectItem(second, "best"), "dev_accuracy")->valuedouble == 0.75);
    cJSON_Delete(story);
}

TEST(damage_is_told_and_so_is_nothing) {
    struct error e = {0};
    cJSON *story;
    char *text;
    size_t length;
    CHECK(set_up());
    CHECK_HAS(told(), "s, made 2026-11-24 08:30:00");
    CHECK_OK(session_story(&story, NULL, "s", &e));
    CHECK(story && !story->child);
    cJSON_Delete(story);
    CHECK(write_two_runs());
    CHECK_OK(file_read(in_home("s/journal.jsonl"), 1 << 20, &text, &length, &e));
    CHECK_OK(file_write_atomic(in_home("s/journal.jsonl"), text, length - 5, &e));
    free(text);
    CHECK_HAS(told(), "the last line (5) was torn and is dropped");
    CHECK(put("s/session.json", "{"));
    struct buffer head = {0};
    CHECK(!session_story(&story, &head, "s", &e));
    CHECK_HAS(e.text, "session.json: line 1");
    CHECK(!session_story(&story, NULL, "t", &e));
    CHECK_HAS(e.text, "\"t\" is no session and no session's folder");
    buffer_free(&head);
}

TEST(changes_by_hand_are_told) {
    CHECK(set_up());
    struct journal *j = journal("s/journal.jsonl");
    const struct metric one = {.kind = METRIC_EDIT, .step = 3, .edit = EDIT_FREEZE, .edit_slot = 17};
    const struct metric all = {
        .kind = METRIC_EDIT, .step = 4, .edit = EDIT_TOKENS, .edit_slot = EDIT_EVERY_SLOT};
    const struct metric back = {
        .kind = METRIC_EDIT, .step = 5, .edit = EDIT_UNDO, .edit_slot = EDIT_EVERY_SLOT};
    CHECK(j && event(j, "begin", "{}", NOON) && journal_add_metric(j, &one, NOON, NULL) &&
          journal_add_metric(j, &all, NOON, NULL) && journal_add_metric(j, &back, NOON, NULL));
    journal_free(j);
    const char *text = told();
    CHECK_HAS(text, "vector v17 frozen by hand, after step 3");
    CHECK_HAS(text, "all vectors set to words by hand, after step 4");
    CHECK_HAS(text, "a change of the prompt taken back, after step 5");
}
