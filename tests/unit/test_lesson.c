// SPDX-License-Identifier: GPL-3.0-or-later
// Lessons: what is read, what is refused and where, and that the shipped ones set up what they say.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "sessions/lesson.h"
#include "sessions/lesson_progress.h"
#include "sessions/session.h"
#include "tui/request.h"

static bool parse(struct lesson *l, const char *text, struct error *e) {
    return lesson_parse(l, "mine", text, strlen(text), e);
}

TEST(a_lesson_is_read_whole) {
    struct error e = {0};
    struct lesson l;
    CHECK_OK(parse(&l,
                   "# Title\nabout: 5 minutes\ntask: films\ntemplate: {soft:2} {text_a} {mask}\n"
                   "words: bad; good\nset: steps 60\nset: rate 0.1\n\n## First\nshow: run\n\n"
                   "A paragraph\nof two lines: with a colon.\n\n- one\n- two\n  and more\n\n"
                   "    kept   as it\n    stands\n\ndo: run\ndo: test\npress: starts\ngoal: steps 20\n"
                   "ask: Why?\nanswer: Because\nit is.\n\n## Second\r\nText.\n",
                   &e));
    CHECK_TEXT(l.title, "Title");
    CHECK_TEXT(l.template, "{soft:2} {text_a} {mask}");
    CHECK_SIZE(l.settings, 2);
    CHECK_TEXT(l.setting[1], "rate 0.1");
    CHECK_SIZE(l.steps, 2);
    const struct lesson_step *s = &l.step[0];
    CHECK_TEXT(s->show, "run");
    CHECK_SIZE(s->blocks, 6);
    CHECK_TEXT(s->block[0].text, "A paragraph of two lines: with a colon.");
    CHECK(s->block[1].kind == LESSON_ITEM);
    CHECK_TEXT(s->block[2].text, "two and more");
    CHECK(s->block[3].kind == LESSON_VERBATIM);
    CHECK_TEXT(s->block[3].text, "kept   as it\nstands");
    CHECK(s->block[4].kind == LESSON_QUESTION && s->block[5].kind == LESSON_ANSWER);
    CHECK_TEXT(s->block[5].text, "Because it is.");
    CHECK_SIZE(s->commands, 2);
    CHECK_TEXT(s->command[1], "test");
    CHECK(s->goal == GOAL_STEPS && s->goal_value == 20);
    CHECK_TEXT(l.step[1].title, "Second");
    lesson_free(&l);
}

TEST(a_step_asks_for_a_guess_runs_seeds_and_names_its_result) {
    struct error e = {0};
    struct lesson l;
    CHECK_OK(
        parse(&l,
              "# Title\ntask: films\n\n## First\nguess: How many\nof 100?\ndo: apply\ndo: test\nseeds: 3-5\n"
              "needs: prompts/cls.safetensors\nresult: random\npress: runs\n\n## Second\ntask: topic\n"
              "table: test accuracy\n\n## Third\nText.\n",
              &e));
    const struct lesson_step *s = &l.step[0];
    CHECK_TEXT(lesson_guess(s), "How many of 100?");
    CHECK_SIZE(s->seeds, 3);
    CHECK(s->seed[0] == 3 && s->seed[2] == 5);
    CHECK_TEXT(s->needs, "prompts/cls.safetensors");
    CHECK_TEXT(s->result, "random");
    CHECK(!lesson_guess(&l.step[1]));
    CHECK(l.step[1].block[0].kind == LESSON_TABLE);
    CHECK_TEXT(l.step[1].block[0].text, "test accuracy");
    CHECK_TEXT(lesson_task(&l, 0), "films");
    CHECK_TEXT(lesson_task(&l, 2), "topic"); // it stays until another is named
    lesson_free(&l);
}

TEST(the_models_folder_stands_for_its_mark) {
    struct error e = {0};
    char *line = lesson_command("load {model}/prompts/{model}", "/m", &e);
    CHECK_TEXT(line, "load /m/prompts//m");
    free(line);
    line = lesson_command("run", "/m", &e);
    CHECK_TEXT(line, "run");
    free(line);
}

static void refused(const char *text, const char *why) {
    struct error e = {0};
    struct lesson l;
    CHECK(!parse(&l, text, &e));
    CHECK_HAS(e.text, why);
    CHECK(l.steps == 0 && !l.title);
}

TEST(what_is_wrong_is_said_with_its_line) {
    refused("", "no title");
    refused("# T\n## S\ntext\n", "names no task");
    refused("# T\ntask: films\n", "no step");
    refused("# T\ntask: films\ntask: films5\n", "line 3");
    refused("# T\ntask: films\ntext\n", "belongs to a step");
    refused("# T\ncolour: red\n", "line 2");
    refused("## S\n", "begins with its title");
    refused("# T\ntask: films\nset: steps\n## S\n", "NAME VALUE");
    refused("# T\ntask: films\n## S\nshow: everything\n", "line 4");
    refused("# T\ntask: films\n## S\ngoal: fame\n", "goal");
    refused("# T\ntask: films\n## S\ngoal: dev 1.5\n", "goal");
    refused("# T\ntask: films\n## S\nanswer: yes\n", "follows its question");
    refused("# T\ntask: films\n## S\ndo: run\n", "press:");
    refused("# T\ntask: films\n## S\nguess: 1?\nguess: 2?\n", "line 5: a step asks for one guess");
    refused("# T\ntask: films\n## S\nguess: 1?\n", "press:");
    refused("# T\ntask: films\n## S\nseeds: 1\npress: x\n", "line 4");
    refused("# T\ntask: films\n## S\nseeds: 1-3\nseeds: 1-3\n", "second time");
    refused("# T\ntask: films\n## S\nneeds: ../x\npress: x\n", "line 4: needs");
    refused("# T\ntask: films\n## S\nneeds: /x\npress: x\n", "in the model's folder");
    refused("# T\ntask: films\n## S\nresult: x\ndo: run\npress: x\n", "do: test");
    refused("# T\ntask: films\n## \xff\n", "UTF-8");
}

TEST(shipped_lessons_set_up_their_sessions) {
    struct error e = {0};
    char **paths, home[] = "/tmp/lessons-XXXXXX";
    size_t count;
    CHECK(mkdtemp(home) != NULL);
    setenv("PROMPTER_SESSIONS", home, 1);
    CHECK_OK(lesson_list(&paths, &count, &e));
    CHECK(count >= 1);
    for (size_t i = 0; i < count; i++) {
        struct lesson l;
        CHECK_OK(lesson_read(&l, paths[i], &e));
        char *name = lesson_session(&l, 0, &e), *again = lesson_session(&l, 0, &e);
        CHECK_OK(name && again);
        CHECK_TEXT(name, again);
        struct session *s;
        CHECK_OK(session_open(&s, name, NULL, &e));
        if (l.template)
            CHECK_TEXT(session_template(s), l.template);
        for (size_t k = 0; k < l.settings; k++) {
            char value[RUN_SETTING_TEXT], key[64];
            const char *blank = strchr(l.setting[k], ' ');
            snprintf(key, sizeof key, "%.*s", (int)(blank - l.setting[k]), l.setting[k]);
            CHECK(run_settings_get(session_settings(s), key, value, sizeof value));
            CHECK_TEXT(value, blank + 1);
        }
        session_free(s);
        free(name);
        free(again);
        for (size_t k = 0; k < l.steps; k++) { // of further tasks, too
            CHECK_OK((name = lesson_session(&l, k, &e)) != NULL);
            CHECK_OK(session_open(&s, name, NULL, &e));
            CHECK_HAS(name, strcmp(lesson_task(&l, k), l.task) == 0 ? "lesson-" : lesson_task(&l, k));
            session_free(s);
            free(name);
        }
        lesson_free(&l);
    }
    session_list_free(paths, count);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", home);
    CHECK(system(command) == 0);
}

// ---- the shipped lessons' commands ----

// What a line after ":" may be here: a request by its whole name, with what it takes.
static void check_command(const struct lesson *l, size_t step, const char *line) {
    struct error e = {0};
    struct run_settings settings;
    char name[32];
    size_t length = strcspn(line, " ");
    const char *argument = line + length + strspn(line + length, " ");
    snprintf(name, sizeof name, "%.*s", (int)length, line);
    enum request r = request_find(name);
    const struct request_info *info = request_info(r);
    char where[256];
    snprintf(where, sizeof where, "%s, \"%s\": %s", l->name, l->step[step].title, line);
    if (r == REQUEST_NONE || strcmp(info->name, name) != 0) {
        check_failed(__FILE__, __LINE__, "%s: there is no such request", where);
        return;
    }
    if (!info->argument[0] ? *argument != 0 : !*argument && info->argument[0] != '[')
        check_failed(__FILE__, __LINE__, "%s: its argument is \"%s\"", where, info->argument);
    run_settings_default(&settings);
    if (r == REQUEST_SET || r == REQUEST_SEED) {
        size_t at = strcspn(argument, " ");
        snprintf(name, sizeof name, "%.*s", (int)at, argument);
        bool ok = r == REQUEST_SEED ? run_settings_set(&settings, "seed", argument, &e)
                                    : run_settings_set(&settings, name, argument + at + 1, &e);
        if (!ok)
            check_failed(__FILE__, __LINE__, "%s: %s", where, e.text);
    }
}

static void check_text(const struct lesson *l, size_t step, const struct task *t, const char *line) {
    struct error e = {0};
    struct template template = {0};
    struct verbalizer words = {0};
    const char *argument = line + strcspn(line, " ") + 1;
    if (strncmp(line, "template ", 9) == 0 &&
        !template_parse(&template, argument, (const char *const *)t->field, t->fields, NULL, &e))
        check_failed(__FILE__, __LINE__, "%s, \"%s\": %s", l->name, l->step[step].title, e.text);
    if (strncmp(line, "words ", 6) == 0 &&
        !verbalizer_parse(&words, argument, t->class_name, t->class_value, t->classes, &e))
        check_failed(__FILE__, __LINE__, "%s, \"%s\": %s", l->name, l->step[step].title, e.text);
    template_free(&template);
    verbalizer_free(&words);
}

static void check_needs(const struct lesson_step *s) {
    static const char *const prompts[] = {"cls", "nsp", "nss", "unified"};
    char path[64];
    bool known = !s->needs;
    for (size_t i = 0; !known && i < 4; i++) {
        snprintf(path, sizeof path, "prompts/%s.safetensors", prompts[i]);
        known = strcmp(path, s->needs) == 0;
    }
    if (!known)
        check_failed(__FILE__, __LINE__, "\"%s\" needs %s, which no model has", s->title, s->needs);
}

// The list of lessons asks for all of them at once.
TEST(one_reading_tells_where_every_lesson_was_left) {
    struct error e = {0};
    struct lesson all[3];
    struct lesson_trace trace[2] = {0};
    struct lesson_place place[3] = {{0}, {1, true}, {0}};
    char path[600];
    snprintf(path, sizeof path, "%s/lessons.json", check_folder());
    for (size_t i = 0; i < 3; i++) {
        static const char text[] = "# Title\nabout: a\ntask: films\n\n## First\nText.\n\n## Second\nText.\n";
        const char *name = (const char *const[]){"one", "two", "three"}[i];
        CHECK_OK(lesson_parse(&all[i], name, text, strlen(text), &e));
    }
    CHECK_OK(lesson_progress_places(path, all, 3, place, &e)); // no file yet
    CHECK(!place[1].begun && !place[1].step);
    CHECK_OK(lesson_progress_write(path, &all[2], trace, 1, &e) &&
             lesson_progress_write(path, &all[0], trace, 0, &e));
    CHECK_OK(lesson_progress_places(path, all, 3, place, &e));
    CHECK(place[0].begun && place[0].step == 0);
    CHECK(!place[1].begun);
    CHECK(place[2].begun && place[2].step == 1);
    // What cannot be read changes nothing.
    CHECK_OK(file_write_atomic(path, "{\"version\": 9}", 14, &e));
    CHECK(!lesson_progress_places(path, all, 3, place, &e));
    CHECK_HAS(e.text, "newer Prompter");
    CHECK(place[2].begun && place[2].step == 1);
    for (size_t i = 0; i < 3; i++)
        lesson_free(&all[i]);
}

TEST(shipped_lessons_name_what_there_is) {
    struct error e = {0};
    char **paths;
    size_t count;
    CHECK_OK(lesson_list(&paths, &count, &e));
    for (size_t i = 0; i < count; i++) {
        struct lesson l;
        CHECK_OK(lesson_read(&l, paths[i], &e));
        for (size_t k = 0; k < l.steps; k++) {
            struct task *t = NULL;
            char *file = session_find_task(lesson_task(&l, k), &e);
            CHECK_OK(file && task_load(&t, file, NULL, &e));
            check_needs(&l.step[k]);
            for (size_t c = 0; c < l.step[k].commands; c++) {
                check_command(&l, k, l.step[k].command[c]);
                check_text(&l, k, t, l.step[k].command[c]);
            }
            task_free(t);
            free(file);
        }
        lesson_free(&l);
    }
    session_list_free(paths, count);
}
