// SPDX-License-Identifier: GPL-3.0-or-later
// The log of a training, read while it grows.
#include "check.h"

#include <math.h>
#include <stdlib.h>

#include "sessions/training_log.h"

static const char *log_file(const char *name) {
    static char path[700];
    snprintf(path, sizeof path, "%s/%s", check_folder(), name);
    return path;
}

static void put(const char *path, const char *mode, const char *text) {
    FILE *f = fopen(path, mode);
    CHECK(f && fputs(text, f) >= 0);
    if (f)
        fclose(f);
}

static const char begun[] =
    "{\"event\":\"open\",\"step\":0,\"steps\":100,\"parameters\":61568,\"vocabulary\":54,\"corpus_bytes\":"
    "100000,"
    "\"validation_examples\":9}\n"
    "{\"event\":\"step\",\"step\":1,\"loss\":4.5,\"rate\":0.1,\"gradient_norm\":2,\"tokens_per_s\":900,"
    "\"seconds_left\":30}\n"
    "{\"event\":\"step\",\"step\":2,\"loss\":4,\"rate\":0.2,\"gradient_norm\":1,\"tokens_per_s\":950}\n"
    "{\"event\":\"validation\",\"step\":2,\"loss\":4.25,\"accuracy\":0.25,\"loss_by_objective\":{\"spans\":4."
    "5,"
    "\"suffix\":4}}\n"
    "{\"event\":\"checkpoint\",\"step\":2}\n";

TEST(a_models_log) {
    struct error e = {0};
    const char *path = log_file("model.jsonl");
    struct training_log *l;
    put(path, "w", begun);
    CHECK_OK(training_log_open(&l, path, &e));
    CHECK(l->kind == TRAINING_MODEL && l->end == TRAINING_OPEN && l->steps == 100 && l->last == 2 &&
          l->kept == 2);
    CHECK_HAS(l->title, "language model, 62k parameters");
    CHECK(l->step_count == 2 && l->step_x[1] == 2 && l->column[TRAINING_LOSS][1] == 4);
    CHECK(l->column[TRAINING_RATE][0] == 0.1f && isnan(l->column[TRAINING_ACCURACY][0]));
    CHECK(l->column[TRAINING_SPEED][1] == 950 && isnan(l->left));
    CHECK(l->validation_count == 1 && l->parts == 2 && l->best == 4.25 && l->best_step == 2);
    CHECK_TEXT(l->part_name[1], "suffix");
    CHECK(l->column[TRAINING_PART + 1][0] == 4 && l->unreadable == 0);
    training_log_close(l);
}

TEST(a_prompts_log_by_class_and_by_options) {
    struct error e = {0};
    const char *path = log_file("prompt.jsonl");
    struct training_log *l;
    put(path, "w",
        "{\"event\":\"open\",\"step\":0,\"task\":\"nsp\",\"model\":\"/x/"
        "tiny\",\"vectors\":10,\"loss\":\"clean\","
        "\"rate\":1,\"paper_code_rate\":0.01,\"steps\":9}\n"
        "{\"event\":\"step\",\"step\":1,\"loss\":1.1,\"accuracy\":0.5,\"examples\":8,\"seconds\":0.5}\n"
        "{\"event\":\"validation\",\"step\":1,\"best\":true,\"score\":{\"loss\":1.1,\"accuracy\":0.4,"
        "\"classes\":"
        "{\"no\":{\"examples\":4,\"correct\":1,\"loss\":1.25},\"yes\":{\"examples\":2,\"correct\":2}},"
        "\"options\":{\"2\":{\"examples\":6,\"correct\":3}}}}\n");
    CHECK_OK(training_log_open(&l, path, &e));
    CHECK(l->kind == TRAINING_PROMPT && l->column[TRAINING_SPEED][0] == 16);
    CHECK_HAS(l->title, "nsp prompt, 10 vectors");
    CHECK_TEXT(l->made_of, "on tiny, clean loss, rate 1 (0.01 in the paper's code)");
    CHECK(l->parts == 2 && l->column[TRAINING_PART][0] == 0.25f && l->column[TRAINING_PART + 1][0] == 1);
    CHECK(l->column[TRAINING_PART_LOSS][0] == 1.25f && isnan(l->column[TRAINING_PART_LOSS + 1][0]));
    CHECK(l->part_kind[0] == PARTS_BY_CLASS &&
          l->part_kind[1] == PARTS_BY_CLASS); // options that do not vary say nothing
    put(path, "a",
        "{\"event\":\"validation\",\"step\":2,\"score\":{\"loss\":1,\"accuracy\":0.5,\"options\":"
        "{\"2\":{\"examples\":6,\"correct\":3},\"16\":{\"examples\":4,\"correct\":1,\"loss\":2.5}}}}\n"
        "{\"event\":\"done\",\"step\":2,\"prompt\":\"p.safetensors\"}\n");
    bool news;
    CHECK_OK(training_log_follow(l, &news, &e));
    CHECK(news && l->end == TRAINING_DONE && l->parts == 4 && isnan(l->column[TRAINING_PART + 3][0]));
    CHECK(l->part_kind[3] == PARTS_BY_OPTIONS && l->column[TRAINING_PART_LOSS + 3][1] == 2.5f);
    CHECK(isnan(l->column[TRAINING_PART_LOSS + 3][0]) && isnan(l->column[TRAINING_PART][1]));
    CHECK_TEXT(l->part_name[3], "16");
    CHECK_TEXT(l->result, "p.safetensors");
    training_log_close(l);
}

TEST(a_line_counts_when_it_has_an_end) {
    struct error e = {0};
    const char *path = log_file("grows.jsonl");
    struct training_log *l;
    bool news;
    put(path, "w", begun);
    CHECK_OK(training_log_open(&l, path, &e));
    CHECK_OK(training_log_follow(l, &news, &e));
    CHECK(!news);
    put(path, "a", "{\"event\":\"step\",\"step\":3,");
    CHECK_OK(training_log_follow(l, &news, &e));
    CHECK_SIZE(l->step_count, 2);
    put(path, "a", "\"loss\":3}\n");
    CHECK_OK(training_log_follow(l, &news, &e));
    CHECK(news && l->step_count == 3 && l->column[TRAINING_LOSS][2] == 3 && l->unreadable == 0);
    training_log_close(l);
}

TEST(what_came_after_the_step_it_goes_on_from_is_forgotten) {
    struct error e = {0};
    const char *path = log_file("resumed.jsonl");
    struct training_log *l;
    put(path, "w", begun);
    put(path, "a",
        "{\"event\":\"rate\",\"step\":2,\"rate\":0.3}\n{\"event\":\"stopped\",\"step\":2}\n{\"event\":\"st");
    put(path, "a", "\n{\"event\":\"open\",\"step\":1,\"steps\":100}\n");
    CHECK_OK(training_log_open(&l, path, &e));
    CHECK(l->step_count == 1 && l->validation_count == 0 && l->marks == 0 && l->last == 1 && isnan(l->best));
    CHECK(l->end == TRAINING_OPEN && l->unreadable == 1);
    put(path, "a", "{\"event\":\"stopped\",\"step\":1}\n");
    CHECK_OK(training_log_follow(l, NULL, &e));
    CHECK(l->end == TRAINING_WAS_STOPPED);
    put(path, "a", "{\"event\":\"step\",\"step\":2,\"loss\":3}\n"); // the same program went on
    CHECK_OK(training_log_follow(l, NULL, &e));
    CHECK(l->end == TRAINING_OPEN && l->step_count == 2);
    put(path, "w", begun); // another run in its place, with less text by then
    CHECK_OK(training_log_follow(l, NULL, &e));
    training_log_close(l);
}

TEST(a_file_that_begins_anew_is_read_anew) {
    struct error e = {0};
    const char *path = log_file("anew.jsonl");
    struct training_log *l;
    put(path, "w", begun);
    CHECK_OK(training_log_open(&l, path, &e));
    put(path, "w", "{\"event\":\"open\",\"step\":0,\"steps\":7}\n");
    CHECK_OK(training_log_follow(l, NULL, &e));
    CHECK(l->steps == 7 && l->step_count == 0 && l->validation_count == 0 && l->parts == 0);
    training_log_close(l);
}

TEST(long_logs_leave_steps_out) {
    struct error e = {0};
    const char *path = log_file("long.jsonl");
    struct training_log *l;
    put(path, "w", begun);
    FILE *f = fopen(path, "a");
    for (int i = 3; f && i <= 70000; i++)
        fprintf(f, "{\"event\":\"step\",\"step\":%d,\"loss\":%d}\n", i, i);
    if (f)
        fclose(f);
    CHECK_OK(training_log_open(&l, path, &e));
    CHECK(l->more && l->last > 100 && l->last < 70000); // in parts
    for (int i = 0; l->more && i < 1000; i++)
        CHECK_OK(training_log_follow(l, NULL, &e));
    CHECK(l->last == 70000 && l->step_count < 1 << 15 && l->step_count > 1 << 13);
    CHECK(l->column[TRAINING_LOSS][l->step_count - 1] == l->step_x[l->step_count - 1]);
    training_log_close(l);
}

TEST(what_is_no_log_is_refused) {
    struct training_log *l;
    struct error e = {0};
    CHECK(!training_log_open(&l, log_file("missing"), &e) && !l);
    CHECK_HAS(e.text, "there is no ");
    put(log_file("letter.txt"), "w", "Dear reader,\nthis is no log.\n");
    e = (struct error){0};
    CHECK(!training_log_open(&l, log_file("letter.txt"), &e) && !l);
    CHECK_HAS(e.text, "no log of a training");
    e = (struct error){0};
    CHECK(!training_log_open(&l, check_folder(), &e));
    CHECK_HAS(e.text, "training.jsonl");
}

TEST(paths_of_logs) {
    char *path = training_log_path("a/nsp.safetensors", NULL);
    CHECK_TEXT(path, "a/nsp.training.jsonl");
    free(path);
    put(log_file("p.training.jsonl"), "w", begun); // as --out names it, without the ending
    path = training_log_path(log_file("p"), NULL);
    CHECK_HAS(path, "/p.training.jsonl");
    free(path);
    path = training_log_path("a/none", NULL); // what messages then name
    CHECK_TEXT(path, "a/none");
    free(path);
}
