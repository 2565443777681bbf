// SPDX-License-Identifier: GPL-3.0-or-later
// Experiments: what a file says, its grid, a cell of each kind, and the table.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/pvp/as_choice.h"
#include "engine/tensor/gemm.h"
#include "sessions/experiment_table.h"
#include "run_fixture.h"

static const char text[] =
    "{\"experiment\": 1, \"name\": \"x\", \"model\": \"sprout\", \"tasks\": [\"films\", \"claims\"], "
    "\"seeds\": \"3-4\","
    "\"settings\": {\"shots\": 4, \"steps\": 4, \"evaluate_every\": 2, \"batch\": 4}, \"methods\": ["
    "{\"name\": \"zero\", \"template\": \"hard\", \"tune\": \"nothing\"},"
    "{\"name\": \"PT\", \"template\": \"soft\", \"vectors\": 3, \"try\": {\"rate\": [0.01, 0.1]}},"
    "{\"name\": \"FT\", \"template\": \"hard\", \"tune\": \"all\", \"settings\": {\"rate\": 0.0005}, "
    "\"tasks\": [\"films\"]},"
    "{\"name\": \"unified\", \"template\": \"choice\", \"vectors\": 2}]}";

static struct error e;

TEST(the_grid_has_every_cell_once) {
    struct experiment x;
    struct experiment_cell *cell;
    size_t count;
    char key[256];
    CHECK_OK(experiment_parse(&x, text, strlen(text), ".", &e));
    CHECK_SIZE(x.seeds, 2);
    CHECK(x.seed[1] == 4);
    CHECK_OK(experiment_cells(&x, &cell, &count, &e));
    CHECK_SIZE(count, 2 * 2 * 4 - 2); // FT on one of the two tasks
    experiment_cell_key(&x, &cell[0], key, sizeof key);
    CHECK_TEXT(key, "films/zero/good/3");
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(memcmp(&cell[i], &cell[k], sizeof cell[i]) != 0);
    free(cell);
    experiment_free(&x);
}

static void refused(const char *from, const char *to, const char *why) {
    struct experiment x;
    struct buffer b = {0};
    const char *at = strstr(text, from);
    CHECK(at);
    buffer_add(&b, text, (size_t)(at - text));
    buffer_add_text(&b, to);
    buffer_add_text(&b, at + strlen(from));
    e = (struct error){0};
    CHECK(!experiment_parse(&x, b.data, b.length, ".", &e));
    CHECK_HAS(e.text, why);
    buffer_free(&b);
}

TEST(what_is_wrong_is_named) {
    refused("\"seeds\": \"3-4\"", "\"seeds\": \"4-3\"", "seeds");
    refused("\"seeds\": \"3-4\"", "\"seeds\": []", "seeds");
    refused("\"seeds\": \"3-4\"", "\"seeds\": \" -1\"", "seeds");
    refused("\"seeds\": \"3-4\"", "\"seeds\": \"18446744073709551615\"", "seeds");
    refused("\"seeds\": \"3-4\"", "\"seeds\": \"3--4\"", "seeds");
    refused("\"settings\": {\"shots\"", "\"settings\": {\"shorts\"", "shorts");
    refused("\"tune\": \"all\"", "\"tune\": \"some\"", "prompt, all or nothing");
    refused("\"name\": \"FT\"", "\"name\": \"PT\"", "two methods");
    refused("\"tasks\": [\"films\"]}", "\"tasks\": [\"news\"]}", "none of the experiment's tasks");
    refused("\"try\": {\"rate\": [0.01, 0.1]}", "\"try\": {\"rate\": []}", "list of values");
    refused("\"vectors\": 3", "\"vector\": 3", "no member \"vector\"");
    refused("\"template\": \"choice\"", "\"method\": \"pptt\"", "did you mean \"ppt\"");
    refused("\"settings\": {\"rate\": 0.0005}", "\"settings\": {\"method\": \"ppt\"}", "stands beside");
    refused("\"template\": \"choice\", \"vectors\": 2", "\"vectors\": 2", "template");
    refused("\"experiment\": 1", "\"experiment\": 2", "a newer version of prompter");
    refused("\"experiment\": 1", "\"experiment\": 0", "\"experiment\" should be");
    // Counted twice, one run would be a spread of nothing.
    refused("\"seeds\": \"3-4\"", "\"seeds\": [3, 4, 3]", "\"seeds\" has 3 twice");
    refused("[\"films\", \"claims\"]", "[\"films\", \"films\"]", "\"tasks\" has \"films\" twice");
    refused("\"settings\": {\"rate\": 0.0005}", "\"settings\": {\"seed\": 4}", "\"seeds\" of the experiment");
}

// What is wrong in every cell is said before the first one runs.
TEST(tasks_and_models_are_looked_for_first) {
    static const char one[] = "{\"experiment\": 1, \"name\": \"x\", \"model\": \"%s\", \"tasks\": [\"%s\"], "
                              "\"seeds\": \"1\", \"methods\": [{\"name\": \"a\", \"method\": \"%s\"}]}";
    static const struct {
        const char *model, *task, *method, *why;
    } all[] = {{"sprout", "films", "vanilla", NULL},
               {"models/sprout", "tasks/films", "vanilla", NULL}, // beside the file, wherever one is
               {"sprout", "filmz", "vanilla", "\"tasks\": \"filmz\" is no session"},
               {"nope", "films", "vanilla", "no model folder nope"},
               {"sprout", "films", "lm-adaptation", "\"model\": \"{model}-lm\""},
               // so are label words and templates
               {"sprout", "films", "vanilla\", \"template\": \"{soft:2} {txt} {mask}",
                "the method \"a\" on films: "},
               {"sprout", "films\"], \"words\": [\"nope", "vanilla",
                "the task films has no label words called \"nope\""}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct experiment x;
        char json[400];
        snprintf(json, sizeof json, one, all[i].model, all[i].task, all[i].method);
        e = (struct error){0};
        CHECK_OK(experiment_parse(&x, json, strlen(json), "tests/share", &e));
        CHECK(experiment_check(&x, &e) == !all[i].why);
        if (all[i].why)
            CHECK_HAS(e.text, all[i].why);
        experiment_free(&x);
    }
}

static const struct report_run *run_of(const struct report *r, const char *place) {
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->run[i].place, place) == 0)
            return &r->run[i];
    return NULL;
}

TEST(cells_of_every_kind_run_and_make_the_table) {
    struct experiment x;
    struct experiment_cell *cell;
    struct report r = {0};
    struct thread_pool *pool;
    struct buffer b = {0};
    size_t count;
    gemm_prepare();
    CHECK_OK(experiment_parse(&x, text, strlen(text), ".", &e));
    CHECK_OK(experiment_cells(&x, &cell, &count, &e));
    CHECK_OK(thread_pool_create(&pool, 2, &e));
    for (size_t i = 0; i < count; i++) {
        CHECK_OK(mem_grow(&r.run, &r.capacity, r.count + 1, sizeof *r.run, &e));
        CHECK_OK(experiment_run(&x, &cell[i], pool, NULL, &r.run[r.count], &e));
        r.count++;
    }
    const struct report_run *zero = run_of(&r, "films/zero/good/3"), *other = run_of(&r, "films/zero/good/4"),
                            *pt = run_of(&r, "films/PT/good/3"), *ft = run_of(&r, "films/FT/good/3"),
                            *unified = run_of(&r, "claims/unified/good/4");
    CHECK(zero && other && pt && ft && unified);
    CHECK(report_run_finished(zero) && zero->test.examples == 1000);
    CHECK(zero->test.accuracy == other->test.accuracy); // nothing is drawn but dev
    CHECK(pt->settings.rate == 0.01 || pt->settings.rate == 0.1);
    CHECK_TEXT(pt->template_text, "{soft:3} {text_a} {mask}");
    CHECK(pt->evals.count == 3 && pt->train.count == 4 && pt->steps == 4);
    CHECK(ft->dev.examples == 8 && ft->test.examples == 1000);
    CHECK_NEAR((double)ft->evals.first[0], zero->dev.loss, 1e-5); // before the first step it is zero-shot
    CHECK(ft->evals.first[2] != ft->evals.first[0]);
    CHECK_HAS(unified->template_text, "{options}");
    CHECK_SIZE(unified->classes, 3);
    // The same cell again is the same run.
    struct report_run again;
    CHECK_OK(experiment_run(&x, &cell[2], NULL, NULL, &again, &e));
    CHECK(again.test.accuracy == run_of(&r, again.place)->test.accuracy &&
          again.dev.loss == run_of(&r, again.place)->dev.loss);
    report_run_free(&again);
    CHECK_OK(experiment_table_print(&b, &x, &r, REPORT_TEST, REPORT_TEXT, NULL, &e));
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%.1f", 100 * zero->test.accuracy);
    CHECK_HAS(b.data, wanted);
    CHECK_HAS(b.data, "over 2 seeds");
    buffer_clear(&b);
    // For a program, numbers alone, a row for each cell.
    CHECK_OK(experiment_table_print(&b, &x, &r, REPORT_TEST, REPORT_CSV, NULL, &e));
    CHECK(strncmp(b.data, "method,task,mean_points,std_points,n\r\n", 38) == 0);
    snprintf(wanted, sizeof wanted, "\nzero,films,%.10g,0,2\r\n", 100 * zero->test.accuracy);
    CHECK_HAS(b.data, wanted);
    CHECK_HAS(b.data, "\nFT,claims,,,0\r\n");
    CHECK(!strstr(b.data, "±"));
    buffer_free(&b);
    report_free(&r);
    free(cell);
    thread_pool_free(pool);
    experiment_free(&x);
}

// A named method is what the same things make that are said one by one.
TEST(a_named_method_is_the_one_of_sessions) {
    static const char named[] =
        "{\"experiment\": 1, \"name\": \"x\", \"model\": \"sprout\", \"tasks\": [\"films\"], \"seeds\": "
        "\"3\","
        "\"settings\": {\"shots\": 4, \"steps\": 2, \"batch\": 4}, \"methods\": ["
        "{\"name\": \"by name\", \"method\": \"vanilla\", \"vectors\": 3, \"tune\": \"prompt\"},"
        "{\"name\": \"by parts\", \"template\": \"soft\", \"vectors\": 3, \"settings\": {\"rate\": 0.1}},"
        "{\"name\": \"PPT\", \"method\": \"ppt\"}]}";
    struct experiment x;
    struct report_run a, b, c;
    CHECK_OK(experiment_parse(&x, named, strlen(named), ".", &e));
    CHECK_OK(experiment_run(&x, &(struct experiment_cell){0, 0, 0, 0}, NULL, NULL, &a, &e));
    CHECK_OK(experiment_run(&x, &(struct experiment_cell){0, 1, 0, 0}, NULL, NULL, &b, &e));
    CHECK(a.test.loss == b.test.loss && a.settings.method == METHOD_VANILLA);
    CHECK_TEXT(a.template_text, b.template_text);
    CHECK(!experiment_run(&x, &(struct experiment_cell){0, 2, 0, 0}, NULL, NULL, &c, &e));
    CHECK_HAS(e.text, "prompter pretrain --task cls");
    report_run_free(&a);
    report_run_free(&b);
    experiment_free(&x);
}

// As multiple choice the words are options: what is recorded as label words is the same letters for every
// set.
TEST(sets_of_words_are_told_apart_as_multiple_choice) {
    static const char two[] = "{\"experiment\": 1, \"name\": \"x\", \"model\": \"sprout\", \"tasks\": "
                              "[\"sentiment\"], \"seeds\": \"1\", \"words\": [\"good\", \"inverted\"], "
                              "\"settings\": {\"shots\": 4}, \"methods\": [{\"name\": \"letters\", "
                              "\"template\": \"choice\", \"tune\": \"nothing\"}]}";
    struct experiment x;
    struct experiment_cell *cell;
    struct report_run r[2];
    size_t count;
    gemm_prepare();
    CHECK_OK(experiment_parse(&x, two, strlen(two), ".", &e) && experiment_cells(&x, &cell, &count, &e));
    CHECK_SIZE(count, 2);
    for (size_t i = 0; i < 2; i++)
        CHECK_OK(experiment_run(&x, &cell[i], NULL, NULL, &r[i], &e));
    CHECK_TEXT(r[0].label_words, r[1].label_words);
    CHECK_TEXT(r[0].method, "letters, good words");
    CHECK_TEXT(r[1].method, "letters, inverted words");
    CHECK_SIZE(r[0].evaluations, 1); // its dev score is one
    report_run_free(&r[0]);
    report_run_free(&r[1]);
    free(cell);
    experiment_free(&x);
}

TEST(a_task_as_multiple_choice_keeps_its_labels) {
    struct fixture f = {.settings = fixture_settings()};
    struct task *t;
    CHECK_OK(fixture_open(&f, "claims", "{soft:2} {text_a} {mask} {text_b}", "no; maybe; yes", &e));
    CHECK_OK(task_as_choice(&t, f.task, &f.verbalizer, &e));
    CHECK(t->family == TASK_MULTIPLE_CHOICE && t->classes == 3);
    CHECK_SIZE(t->test.count, f.task->test.count);
    for (size_t i = 0; i < t->test.count; i++) {
        const struct example *x = &t->test.example[i];
        CHECK(x->label == f.task->test.example[i].label && x->options == 3);
        CHECK_TEXT(x->option[2], "yes");
        CHECK_TEXT(x->field[1], f.task->test.example[i].field[1]);
    }
    char *made = choice_template(t, 4, &e);
    CHECK_TEXT(made, "{soft:4} {text_a|shortenable} {text_b|shortenable} {options}. Answer is {mask}.");
    free(made);
    task_free(t);
    fixture_close(&f);
}
