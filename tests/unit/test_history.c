// SPDX-License-Identifier: GPL-3.0-or-later
// Undo and redo: the list of edits alone, its records replayed, sessions across restarts, and the workbench.
#include "workbench_bench.h"

#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "sessions/history.h"
#include "sessions/session_inside.h"

// ---- the list ----

static bool push(struct history *h, const char *part, const char *from, const char *to, time_t now) {
    struct history_change c = {(char *)(size_t)part, (char *)(size_t)from, (char *)(size_t)to};
    return history_push(h, &c, 1, now, NULL);
}

// A short picture: "1:a>b 2:b>c |" with | behind the edits in force.
static const char *picture(const struct history *h) {
    static char text[512];
    text[0] = '\0';
    for (size_t i = 0; i <= h->count; i++) {
        size_t n = strlen(text);
        if (i == h->done)
            n += (size_t)snprintf(text + n, sizeof text - n, "| ");
        if (i < h->count)
            snprintf(text + n, sizeof text - n, "%zu:%s>%s%s ", h->edit[i].number, h->edit[i].change[0].from,
                     h->edit[i].change[0].to, h->edit[i].count > 1 ? "+" : "");
    }
    return text;
}

static bool accept_all(struct history *h) {
    bool undone;
    while (history_accept(h, &undone, NULL))
        ;
    return h->at == h->done;
}

TEST(edits_go_back_and_forth) {
    struct history h = {0};
    CHECK(!history_undo(&h) && !history_redo(&h));
    CHECK(push(&h, "template", "a", "b", 100) && push(&h, "template", "b", "c", 200));
    CHECK_TEXT(picture(&h), "1:a>b 2:b>c | ");
    CHECK_TEXT(history_undo(&h)->change[0].from, "b");
    CHECK_TEXT(history_undo(&h)->change[0].from, "a");
    CHECK(!history_undo(&h));
    CHECK_TEXT(history_redo(&h)->change[0].to, "b");
    CHECK_TEXT(picture(&h), "1:a>b 2:b>c | "); // not accepted yet
    CHECK(accept_all(&h));
    CHECK_TEXT(picture(&h), "1:a>b | 2:b>c ");
    CHECK(push(&h, "label_words", "x", "y", 300)); // what could be redone is gone
    CHECK_TEXT(picture(&h), "1:a>b 3:x>y | ");
    CHECK(!history_redo(&h));
    history_undo(&h);
    CHECK(push(&h, "label_words", "y", "z", 400)); // an undo that was not accepted is none
    CHECK_TEXT(picture(&h), "1:a>b 3:x>y 4:y>z | ");
    history_free(&h);
}

TEST(a_key_held_down_is_one_edit) {
    struct history h = {0};
    CHECK(push(&h, "settings.rate", "1", "2", 100) && push(&h, "settings.rate", "2", "3", 101) &&
          push(&h, "settings.rate", "3", "4", 103));
    CHECK_TEXT(picture(&h), "1:1>4 | ");
    CHECK(push(&h, "settings.rate", "4", "5", 106)); // later
    CHECK(push(&h, "settings.steps", "7", "8", 106));
    CHECK_TEXT(picture(&h), "1:1>4 2:4>5 3:7>8 | ");
    CHECK_SIZE(cJSON_GetArraySize(h.unwritten), 3);
    cJSON_Delete(h.unwritten); // a journal has them
    h.unwritten = NULL;
    CHECK(push(&h, "settings.steps", "8", "9", 106));
    CHECK_TEXT(picture(&h), "1:1>4 2:4>5 3:7>8 4:8>9 | ");
    history_free(&h);
}

TEST(the_list_is_bounded) {
    struct history h = {0};
    char from[16], to[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(from, sizeof from, "%d", i);
        snprintf(to, sizeof to, "%d", i + 1);
        CHECK(push(&h, "template", from, to, i * 10));
    }
    CHECK(h.count == HISTORY_MOST_EDITS && h.done == h.count && h.edit[0].number == 801);
    CHECK_TEXT(history_undo(&h)->change[0].from, "999");
    static char big[HISTORY_MOST_BYTES + 10];
    memset(big, 'x', sizeof big - 1);
    CHECK(push(&h, "template", "1000", big, 20000));
    CHECK(h.count == 1 && h.done == 1); // the newest stays whatever it weighs
    history_free(&h);
}

// ---- records ----

static bool replay_unwritten(struct history *to, const struct history *from) {
    const cJSON *record;
    cJSON_ArrayForEach(record,
                       from->unwritten) if (!history_replay(to, "edit", record, 0, NULL)) return false;
    return true;
}

TEST(records_replay_to_the_same_list) {
    struct history h = {0}, again = {0}, both = {0};
    CHECK(push(&h, "template", "a", "b", 0) && push(&h, "template", "b", "c", 10));
    struct history_change two[2] = {{"template", "c", "d"}, {"settings.rate", "1", "2"}};
    CHECK(history_push(&h, two, 2, 20, NULL));
    history_undo(&h), history_undo(&h);
    CHECK(accept_all(&h));
    history_redo(&h);
    CHECK(accept_all(&h));
    CHECK(push(&h, "template", "c", "e", 30));
    CHECK(push(&h, "template", "e", "f", 40));
    history_undo(&h);
    CHECK(accept_all(&h));
    CHECK_TEXT(picture(&h), "1:a>b 2:b>c 4:c>e | 5:e>f ");
    CHECK(replay_unwritten(&again, &h));
    CHECK_TEXT(picture(&again), "1:a>b 2:b>c 4:c>e | 5:e>f ");
    // A "begin" that knows all of it, and the records behind it once more.
    cJSON *begin = cJSON_CreateObject();
    CHECK(history_put(&h, begin, NULL));
    CHECK(history_replay(&both, "begin", begin, 0, NULL));
    CHECK_TEXT(picture(&both), "1:a>b 2:b>c 4:c>e | 5:e>f ");
    CHECK(replay_unwritten(&both, &h));
    CHECK_TEXT(picture(&both), "1:a>b 2:b>c 4:c>e | 5:e>f ");
    CHECK(both.last_number == 5 && history_replay(&both, "step", begin, 0, NULL));
    cJSON_Delete(begin);
    history_free(&h);
    history_free(&again);
    history_free(&both);
}

TEST(records_that_are_not_ours_change_nothing) {
    static const char *const edits[] = {
        "{}",
        "[]",
        "{\"part\": 1, \"from\": \"\", \"to\": \"\"}",
        "{\"part\": \"template\", \"to\": \"x\"}",
        "{\"part\": \"template\", \"from\": \"\", \"to\": \"\", \"edit\": 9, \"as\": \"undo\"}",
        "{\"part\": \"template\", \"from\": \"\", \"to\": \"\", \"edit\": 9, \"as\": \"redo\"}",
    };
    static const char *const begins[] = {"{\"edits\": {}}", "{\"edits\": 3, \"edits_done\": 7}",
                                         "{\"edits\": [1, [], {\"edit\": -1}, {\"edit\": 4}]}"};
    struct history h = {0};
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        cJSON *o = cJSON_Parse(edits[i]);
        CHECK(o && history_replay(&h, "edit", o, 0, NULL) && h.count == 0);
        cJSON_Delete(o);
    }
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        cJSON *o = cJSON_Parse(begins[i]);
        CHECK(o && history_replay(&h, "begin", o, 0, NULL) && h.count == 0 && h.done == 0);
        cJSON_Delete(o);
    }
    cJSON *old = cJSON_Parse("{\"part\": \"template\", \"from\": \"a\", \"to\": \"b\"}"); // without a number
    CHECK(old && history_replay(&h, "edit", old, 0, NULL) && history_replay(&h, "edit", old, 0, NULL));
    CHECK_TEXT(picture(&h), "1:a>b 2:a>b | ");
    cJSON_Delete(old);
    history_free(&h);
}

// ---- sessions ----

static char home[256];

static bool set_up(struct session **s) {
    static unsigned n;
    snprintf(home, sizeof home, "%s/home%u", check_folder(), n++);
    setenv("PROMPTER_SESSIONS", home, 1);
    check_use_share();
    return session_open(s, "films", NULL, NULL);
}

static bool reopen(struct session **s) {
    session_free(*s);
    return session_open(s, "films", NULL, NULL);
}

static bool set_rate(struct session *s, double rate) {
    struct run_settings settings = *session_settings(s);
    settings.rate = rate;
    return session_set_settings(s, &settings) && session_commit_edits(s, NULL);
}

static void keep_steps(struct session *s, size_t from, size_t to) {
    engine_setup_free(session_setup(s, false, NULL));
    for (size_t i = from; i <= to; i++) {
        struct metric m = {.kind = METRIC_STEP, .step = i, .train_loss = 1};
        session_keep_metric(s, &m);
    }
}

TEST(edits_outlive_the_program) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up(&s));
    CHECK_OK(session_set_template(s, "one {mask}", &e));
    CHECK_OK(session_save(s, &e)); // applied before the first run
    keep_steps(s, 1, 3);
    CHECK_OK(session_set_template(s, "two {mask}", &e));
    CHECK_OK(session_set_label_words(s, "a; b", &e));
    CHECK_OK(session_begin_run(s, &e)); // the run with it is another one
    CHECK_OK(session_save(s, &e));
    CHECK(reopen(&s)); // its journal does not exist yet
    CHECK_SIZE(s->history.count, 2);
    keep_steps(s, 1, 3);
    CHECK(set_rate(s, 0.25));
    CHECK_OK(session_save(s, &e));
    CHECK(reopen(&s));
    CHECK(s->history.count == 3 && s->history.done == 3);
    const struct history_edit *edit = session_undo_edit(s);
    CHECK(edit && edit->count == 1);
    CHECK_TEXT(edit->change[0].part, "settings.rate");
    edit = session_undo_edit(s);
    CHECK(edit && edit->count == 2);
    CHECK_TEXT(edit->change[0].from, "one {mask}");
    CHECK_TEXT(edit->change[1].part, "label_words");
    CHECK(!session_changed(s));
    // Applied: the session follows, and the program ends.
    struct run_settings settings = *session_settings(s);
    run_settings_default(&settings);
    CHECK(session_set_settings(s, &settings) && session_set_template(s, "one {mask}", &e) &&
          session_set_label_words(s, "", &e));
    CHECK_OK(session_accept_edits(s, &e));
    CHECK_OK(session_save(s, &e));
    CHECK(reopen(&s));
    CHECK_TEXT(session_template(s), "one {mask}");
    CHECK(s->history.count == 3 && s->history.done == 1);
    edit = session_redo_edit(s);
    CHECK(edit && edit->count == 2);
    CHECK_TEXT(edit->change[0].to, "two {mask}");
    session_free(s);
}

TEST(what_was_changed_by_hand_is_an_edit) {
    struct error e = {0};
    struct session *s;
    char path[300], *text, *at;
    size_t length;
    CHECK(set_up(&s));
    keep_steps(s, 1, 2);
    CHECK_OK(session_set_template(s, "old {mask}", &e));
    CHECK_OK(session_save(s, &e));
    session_free(s);
    snprintf(path, sizeof path, "%s/films/session.json", home);
    CHECK_OK(file_read(path, 100000, &text, &length, &e));
    at = strstr(text, "old {mask}");
    CHECK(at);
    memcpy(at, "new", 3);
    bool ok = file_write_atomic(path, text, length, &e);
    free(text);
    CHECK_OK(ok);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    const struct history_edit *edit = session_undo_edit(s);
    CHECK(edit && edit->count == 1);
    CHECK_TEXT(edit->change[0].from, "old {mask}");
    CHECK_TEXT(edit->change[0].to, "new {mask}");
    session_free(s);
}

// ---- the workbench ----

TEST(the_workbench_takes_edits_back) {
    struct bench b;
    CHECK(bench_open(&b, 100, 30));
    bench_keys(&b, "1 Ctrl-_");
    CHECK(bench_has(&b, "there is no edit to take back"));
    bench_command(&b, "words awful; lovely");
    bench_keys(&b, "Ctrl-S");
    bench_command(&b, "set seed 9");
    bench_command(&b, "template {soft:4} {text_a} So {mask}.");
    bench_keys(&b, "Ctrl-S");
    const struct session *s = workbench_session(b.w);
    CHECK_TEXT(session_template(s), "{soft:4} {text_a} So {mask}.");
    CHECK_TEXT(session_label_words(s), "awful; lovely");
    bench_keys(&b, "Ctrl-_"); // template and seed were one edit
    CHECK(bench_has(&b, "undone: template, seed; Ctrl-S tunes with it"));
    CHECK(bench_has(&b, "{soft:20} {text_a} It was {mask}."));
    CHECK(workbench_settings(b.w)->seed != 9 && session_settings(s)->seed == 9);
    bench_command(&b, "undo-edit");
    CHECK(bench_has(&b, "undone: label words are the task's own; Ctrl-S tunes with it"));
    bench_keys(&b, "Alt-_");
    CHECK(bench_has(&b, "redone: label words are awful; lovely"));
    bench_keys(&b, "Ctrl-S");
    CHECK_TEXT(session_template(s), ""); // as it was, not only looking like it
    CHECK_TEXT(session_label_words(s), "awful; lovely");
    CHECK(session_settings(s)->seed != 9);
    bench_keys(&b, "Alt-_ Ctrl-S"); // there is still a way forth
    CHECK_TEXT(session_template(s), "{soft:4} {text_a} So {mask}.");
    CHECK(session_settings(s)->seed == 9);
    bench_keys(&b, "Alt-_");
    CHECK(bench_has(&b, "no edit was taken back"));
    bench_close(&b);
}

TEST(the_rate_goes_back_at_once) {
    struct bench b;
    CHECK(bench_open(&b, 100, 30));
    const struct session *s = workbench_session(b.w);
    double rate = session_settings(s)->rate;
    size_t steps = session_settings(s)->steps;
    bench_command(&b, "set rate 0.5");
    bench_command(&b, "set steps 77");
    bench_command(&b, "undo-edit");
    CHECK(bench_has(&b, "undone: steps is"));
    CHECK(session_settings(s)->steps == steps && session_settings(s)->rate == 0.5);
    bench_command(&b, "undo-edit");
    CHECK(session_settings(s)->rate == rate && workbench_settings(b.w)->rate == rate);
    bench_command(&b, "redo-edit");
    bench_command(&b, "redo-edit");
    CHECK(session_settings(s)->rate == 0.5 && session_settings(s)->steps == 77);
    bench_close(&b);
}

TEST(taking_back_says_what_becomes_of_the_steps_made_since) {
    struct bench b;
    CHECK(bench_open(&b, 120, 30));
    bench_command(&b, "words awful; lovely");
    bench_keys(&b, "Ctrl-S s s");
    bench_command(&b, "undo-edit"); // waits for a run of its own
    CHECK(bench_has(&b, "Ctrl-S tunes with it in a new run; this one's 2 steps are kept"));
    bench_command(&b, "redo-edit");
    CHECK(bench_has(&b, "redone: label words are awful; lovely, as in this run"));
    bench_command(&b, "set rate 0.5");
    bench_keys(&b, "s");
    bench_command(&b, "undo-edit"); // at once, in the run that goes on
    CHECK(bench_has(&b, "now; the 3 steps made stay as they are"));
    bench_close(&b);
}

TEST(behind_what_waits_everything_waits) {
    struct bench b;
    CHECK(bench_open(&b, 100, 30));
    struct session *s = workbench_session(b.w);
    double rate = session_settings(s)->rate;
    bench_command(&b, "set rate 0.5");
    bench_command(&b, "words awful; lovely");
    bench_keys(&b, "Ctrl-S 1 Ctrl-_ Ctrl-_"); // the words, then the rate
    CHECK(bench_has(&b, "undone: rate is") && bench_has(&b, "Ctrl-S tunes with it"));
    CHECK(session_settings(s)->rate == 0.5 && workbench_settings(b.w)->rate == rate);
    bench_keys(&b, "Ctrl-S");
    CHECK(session_settings(s)->rate == rate);
    CHECK_TEXT(session_label_words(s), "");
    CHECK(s->history.count == 2 && s->history.done == 0); // nothing else was edited
    bench_keys(&b, "Alt-_ Alt-_ Ctrl-S");
    CHECK(session_settings(s)->rate == 0.5 && s->history.done == 2);
    CHECK_TEXT(session_label_words(s), "awful; lovely");
    bench_close(&b);
}

TEST(in_an_editor_the_key_is_the_editors) {
    struct bench b;
    CHECK(bench_open(&b, 100, 30));
    bench_command(&b, "words awful; lovely");
    bench_keys(&b, "Ctrl-S 1 Tab Enter End");
    bench_type(&b, "x");
    CHECK(bench_has(&b, "lovelyx"));
    bench_keys(&b, "Ctrl-_");
    CHECK(!bench_has(&b, "lovelyx") && bench_has(&b, "lovely") && !bench_has(&b, "undone"));
    bench_close(&b);
}
