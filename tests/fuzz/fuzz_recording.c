// SPDX-License-Identifier: GPL-3.0-or-later
// Recordings of runs, played to the end over a task of two sentences.
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "fuzz.h"
#include "views/recording.h"

static void put(const char *name, const char *text) {
    fuzz_file(name, (const uint8_t *)text, strlen(text));
}

static void make_task(void) {
    static bool made;
    char *model;
    size_t length;
    if (made)
        return;
    put("config.json",
        "{\"vocab_size\":256,\"d_model\":4,\"d_kv\":2,\"d_ff\":8,\"num_heads\":2,\"num_layers\":1}");
    put("task.json",
        "{\"name\":\"t\",\"family\":\"single-sentence\",\"fields\":{\"text_a\":\"s\"},\"label\":\"l\","
        "\"classes\":[\"0\",\"1\"],\"files\":{\"train\":\"train.csv\",\"dev\":\"train.csv\"}}");
    put("train.csv", "s,l\na good film,1\na dull film,0\n");
    REQUIRE(file_read("tests/fuzz/corpus/tokenizer/unigram", 1 << 16, &model, &length, NULL));
    char *begin = memmem(model, length, "\n%%\n", 4); // a text stands before it
    REQUIRE(begin);
    fuzz_file("spiece.model", (const uint8_t *)begin + 4, length - (size_t)(begin + 4 - model));
    free(model);
    made = true;
}

static struct engine_setup *make_setup(void) {
    struct engine_setup *s = mem_calloc(1, sizeof *s, NULL);
    REQUIRE(s);
    run_settings_default(&s->settings);
    s->model_folder = mem_strdup(fuzz_folder(), NULL);
    s->task_path = mem_strdup(fuzz_folder(), NULL);
    s->template_text = mem_strdup("{soft:2} {text_a} {mask}", NULL);
    s->label_words = mem_strdup("a;b", NULL);
    REQUIRE(s->model_folder && s->task_path && s->template_text && s->label_words);
    return s;
}

static void look(struct recording *r) {
    struct engine_event event;
    struct prompt_picture *picture = NULL;
    struct metric metric[16];
    size_t epoch;
    recording_acknowledge(r);
    while (recording_next_event(r, &event)) {
        REQUIRE(event.evaluation.classes <= TASK_MOST_CLASSES);
        if (event.kind == EVENT_ERROR)
            fuzz_answer(false, &event.error);
    }
    recording_metrics(r, 0, metric, 16, &epoch);
    if (!recording_take_picture(r, &picture))
        return;
    for (size_t i = 0; i < picture->slots; i++)
        REQUIRE(picture->start_near[i] >= -1);
    for (size_t i = 0; i < picture->slots * NEAR_KINDS * picture->k; i++)
        REQUIRE(picture->near[i].id >= -1);
    prompt_picture_free(picture);
}

static void send(struct recording *r, enum engine_verb verb) {
    struct error e = {0};
    struct engine_command command = {.verb = verb, .setup = verb == ENGINE_OPEN ? make_setup() : NULL};
    fuzz_answer(recording_send(r, command, &e), &e);
    look(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum engine_verb verbs[] = {ENGINE_STEP, ENGINE_OPEN, ENGINE_STEP, ENGINE_RUN,
                                             ENGINE_RUN,  ENGINE_TEST, ENGINE_RUN,  ENGINE_RESTART};
    struct error e = {0};
    struct recording *r;
    make_task();
    const char *path = fuzz_file("a.recording", data ? data : (const uint8_t *)"", size);
    if (!fuzz_answer(recording_open(&r, path, &e), &e))
        return 0;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        send(r, verbs[i]);
    recording_close(r);
    return 0;
}
