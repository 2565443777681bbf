// SPDX-License-Identifier: GPL-3.0-or-later
// Readings and the memory of the last few.
#include "reading.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/inspect/calibration.h"
#include "engine/tune/inputs.h"
#include "engine/tune/start.h"

enum { KEPT = 6, MOST_KEPT_BYTES = 128 << 20, GATHERED = 32 };

struct states {
    float *value;        // [count, DECODER_ROWS, d_model]; NULL until asked for
    unsigned char *have; // [count]
    size_t count;
};
struct reading {
    size_t id, used; // used: grows with every opening, for the memory to forget the oldest
    struct template template;
    struct pattern pattern;
    struct render_options options;
    enum reading_prompt prompt;
    float *soft; // [slots, d_model]; NULL where the template has none
    size_t step, passes, stride;
    size_t weights; // version of the model's weights (run_weights_version)
    struct states set[READING_SETS];
    struct example *empty; // [CALIBRATION_INPUTS]
    const struct example *empty_list[CALIBRATION_INPUTS];
    const struct task *task;   // borrowed: a memory ends with what is open
    const struct split *split; // borrowed
};
struct reading_memory {
    struct reading *kept[KEPT];
    size_t last_id, clock;
    struct input_set inputs; // of the batch at work
};

// ---- the memory ----

static void reading_free(struct reading *r) {
    if (!r)
        return;
    for (size_t i = 0; i < READING_SETS; i++) {
        free(r->set[i].value);
        free(r->set[i].have);
    }
    calibration_examples_free(r->empty, r->task);
    pattern_free(&r->pattern);
    template_free(&r->template);
    free(r->soft);
    free(r);
}

bool reading_memory_create(struct reading_memory **out, struct error *e) {
    return (*out = mem_calloc(1, sizeof **out, e)) != NULL;
}

void reading_memory_free(struct reading_memory *m) {
    if (!m)
        return;
    for (size_t i = 0; i < KEPT; i++)
        reading_free(m->kept[i]);
    input_set_free(&m->inputs);
    free(m);
}

static size_t reading_bytes(const struct reading *r) {
    size_t bytes = 0;
    for (size_t i = 0; r && i < READING_SETS; i++)
        bytes += r->set[i].value ? r->set[i].count * r->stride * sizeof(float) : 0;
    return bytes;
}

// A free place; the readings that were used longest ago make room, by number and by size.
static struct reading **make_room(struct reading_memory *m) {
    for (;;) {
        size_t bytes = 0, oldest = KEPT, empty = KEPT;
        for (size_t i = 0; i < KEPT; i++) {
            bytes += reading_bytes(m->kept[i]);
            if (!m->kept[i])
                empty = i;
            else if (oldest == KEPT || m->kept[i]->used < m->kept[oldest]->used)
                oldest = i;
        }
        if (empty < KEPT && (bytes <= MOST_KEPT_BYTES || oldest == KEPT))
            return &m->kept[empty];
        reading_free(m->kept[oldest]);
        m->kept[oldest] = NULL;
    }
}

struct reading *reading_find(struct reading_memory *m, size_t id) {
    for (size_t i = 0; i < KEPT; i++)
        if (m->kept[i] && m->kept[i]->id == id)
            return m->kept[i];
    return NULL;
}

// ---- opening ----

static bool make_soft(struct reading *r, const struct reading_ask *ask, const struct study_bench *bench,
                      struct error *e) {
    size_t slots = r->pattern.slots, width = bench->model->config.d_model;
    r->prompt = READING_NO_PROMPT;
    r->weights = run_weights_version(bench->run);
    if (!slots)
        return true;
    if (!(r->soft = mem_calloc_aligned(slots * width, sizeof *r->soft, e)))
        return false;
    if (slots == run_slots(bench->run)) {
        r->prompt = READING_PRESENT_PROMPT;
        r->step = run_steps_done(bench->run);
        memcpy(r->soft, run_prompt(bench->run), slots * width * sizeof *r->soft);
        return true;
    }
    const struct start_inputs start = {.model = bench->model,
                                       .pattern = &r->pattern,
                                       .verbalizer = ask->words ? ask->words : bench->verbalizer,
                                       .file_vectors = bench->inputs->start_vectors,
                                       .file_count = bench->inputs->start_count,
                                       .task = bench->inputs->task,
                                       .split = bench->inputs->split};
    r->prompt = READING_START_PROMPT;
    return prompt_start_make(&start, ask->settings, r->soft, e);
}

static bool make_reading(struct reading **out, const struct reading_ask *ask, const struct study_bench *bench,
                         struct error *e) {
    const struct task *t = bench->task;
    struct reading *r = *out = mem_calloc(1, sizeof *r, e);
    if (!r)
        return false;
    r->task = t;
    r->split = bench->split;
    r->stride = DECODER_ROWS * bench->model->config.d_model;
    r->options = (struct render_options){.budget = ask->settings->budget,
                                         .end_mark = ask->settings->loss == LOSS_CLEAN};
    r->set[READING_TRAIN].count = bench->split->train_count;
    r->set[READING_DEV].count = bench->split->dev_count;
    r->set[READING_EMPTY].count = CALIBRATION_INPUTS;
    return template_parse(&r->template, ask->template_text, (const char *const *)t->field, t->fields, NULL,
                          e) &&
           pattern_bind(&r->pattern, &r->template, t, bench->tokenizer, e) && make_soft(r, ask, bench, e);
}

// Whether what is kept answers for what would be made anew.
static bool same_reading(const struct reading *kept, const struct reading *fresh, bool any_step) {
    bool same = kept->options.budget == fresh->options.budget &&
                kept->options.end_mark == fresh->options.end_mark && kept->prompt == fresh->prompt &&
                kept->split == fresh->split && kept->pattern.slots == fresh->pattern.slots &&
                (any_step || kept->weights == fresh->weights) &&
                template_equal(&kept->template, &fresh->template);
    size_t bytes = kept->pattern.slots * kept->stride / DECODER_ROWS * sizeof *kept->soft;
    return same && (!kept->soft || (any_step && kept->prompt == READING_PRESENT_PROMPT) ||
                    memcmp(kept->soft, fresh->soft, bytes) == 0);
}

bool reading_open(struct reading **out, size_t *id, const struct reading_ask *ask,
                  const struct study_bench *bench, struct error *e) {
    struct reading_memory *m = bench->readings;
    struct reading *fresh, *found = NULL;
    if (!make_reading(&fresh, ask, bench, e)) {
        reading_free(fresh);
        return false;
    }
    for (size_t i = 0; i < KEPT; i++)
        if (m->kept[i] && (!found || m->kept[i]->used > found->used) &&
            same_reading(m->kept[i], fresh, ask->kept))
            found = m->kept[i];
    if (found) {
        reading_free(fresh);
    } else {
        found = *make_room(m) = fresh;
        found->id = ++m->last_id;
    }
    found->used = ++m->clock;
    *out = found;
    *id = found->id;
    return true;
}

// ---- computing ----

static bool prepare_set(struct reading *r, enum reading_set set, struct error *e) {
    struct states *s = &r->set[set];
    if (set == READING_EMPTY && !r->empty) {
        if (!(r->empty = calibration_examples(r->task, e)))
            return false;
        for (size_t i = 0; i < CALIBRATION_INPUTS; i++)
            r->empty_list[i] = &r->empty[i];
    }
    if (s->value)
        return true;
    size_t floats;
    if (!size_multiply(s->count, r->stride, &floats))
        return error_set(e, ERROR_MEMORY, "no memory for the states of %zu examples", s->count);
    free(s->have);
    s->have = mem_calloc(s->count, sizeof *s->have, e);
    s->value = s->have ? mem_calloc_aligned(floats, sizeof *s->value, e) : NULL;
    return s->value != NULL;
}

const struct example *const *reading_example(const struct reading *r, enum reading_set set) {
    return set == READING_TRAIN ? r->split->train : set == READING_DEV ? r->split->dev : r->empty_list;
}

bool reading_more(struct reading *r, const struct study_bench *bench, enum reading_set set, size_t first,
                  size_t count, size_t *missing, struct error *e) {
    const struct example *gathered[GATHERED];
    size_t at[GATHERED], n = 0;
    struct input_set *inputs = &bench->readings->inputs;
    struct states *s = &r->set[set];
    *missing = 0;
    if (!prepare_set(r, set, e))
        return false;
    const struct example *const *example = reading_example(r, set);
    for (size_t i = first; i < first + count && i < s->count; i++) {
        if (s->have[i])
            continue;
        ++*missing;
        if (n < GATHERED) {
            at[n] = i;
            gathered[n++] = example[i];
        }
    }
    if (!n)
        return true;
    if (!input_set_render(inputs, &r->pattern, gathered, n, &r->options, e))
        return false;
    size_t batch = mask_batch(inputs->longest);
    n = n < batch ? n : batch;
    float *states = mem_calloc_aligned(n * r->stride, sizeof *states, e);
    bool ok = states &&
              mask_states_of(bench->mask, inputs, 0, n, r->soft, r->pattern.slots, bench->cancel, states, e);
    for (size_t i = 0; ok && i < n; i++) {
        memcpy(s->value + at[i] * r->stride, states + i * r->stride, r->stride * sizeof *states);
        s->have[at[i]] = 1;
    }
    free(states);
    r->passes += ok;
    *missing -= ok ? n : 0;
    return ok;
}

// ---- reading ----

const float *reading_states(const struct reading *r, enum reading_set set) {
    return r->set[set].value;
}
size_t reading_examples(const struct reading *r, enum reading_set set) {
    return r->set[set].count;
}
enum reading_prompt reading_prompt(const struct reading *r) {
    return r->prompt;
}
size_t reading_step(const struct reading *r) {
    return r->step;
}
size_t reading_passes(const struct reading *r) {
    return r->passes;
}
