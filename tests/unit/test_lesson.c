// SPDX-License-Identifier: GPL-3.0-or-later
// Lessons: what is read, what is refused and where, and that the shipped ones set up what they say.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "sessions/lesson.h"
#include "sessions/session.h"

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
        char *name = lesson_session(&l, &e), *again = lesson_session(&l, &e);
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
        lesson_free(&l);
    }
    session_list_free(paths, count);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", home);
    CHECK(system(command) == 0);
}
