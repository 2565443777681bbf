// SPDX-License-Identifier: GPL-3.0-or-later
// The doctor against histories made up for each finding, on both sides of its threshold.
#include "check.h"
#include "views/doctor.h"

enum { MOST = 256 };
struct made_up {
    struct metric metric[MOST];
    size_t count;
    struct evaluation dev;
    struct doctor_input in;
};
static const char *const names[] = {"negative", "positive"};

static void begin(struct made_up *m) {
    *m = (struct made_up){
        .in = {
            .classes = 2, .class_name = names, .dev_count = 32, .vector_norm = NAN, .vocabulary_norm = NAN}};
    m->in.history = m->metric;
}

static void step(struct made_up *m, float loss, float accuracy, float ratio) {
    size_t number = 1;
    for (size_t i = 0; i < m->count; i++)
        number += m->metric[i].kind == METRIC_STEP;
    m->metric[m->count++] = (struct metric){.kind = METRIC_STEP,
                                            .step = number,
                                            .train_loss = loss,
                                            .train_accuracy = accuracy,
                                            .gradient_norm = 1,
                                            .rate = 0.5f,
                                            .update_norm = ratio * 10,
                                            .prompt_norm = 10};
}

static void steps(struct made_up *m, size_t n, float loss, float accuracy, float ratio) {
    for (size_t i = 0; i < n; i++)
        step(m, loss, accuracy, ratio);
}

static void scored(struct made_up *m, float accuracy, float loss, bool best) {
    size_t at = m->count ? m->metric[m->count - 1].step : 0;
    m->metric[m->count++] = (struct metric){
        .kind = METRIC_EVAL, .step = at, .dev_accuracy = accuracy, .dev_loss = loss, .best = best};
}

// Runs the doctor; all findings as "LEVEL text" lines.
static const char *ask(struct made_up *m, enum request *first_remedy) {
    static char all[2048];
    static const char level[] = "xwgn";
    struct diagnosis out[DOCTOR_MOST];
    m->in.count = m->count;
    size_t n = doctor_look(&m->in, out), used = 0;
    all[0] = 0;
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%c %s\n", level[out[i].level], out[i].text);
    if (first_remedy)
        *first_remedy = n ? out[0].remedy : REQUEST_NONE;
    return all;
}

static bool says(const char *all, const char *part) {
    return strstr(all, part) != NULL;
}

TEST(nothing_to_say_without_a_history) {
    struct made_up m;
    begin(&m);
    CHECK_TEXT(ask(&m, NULL), "");
}

// Weights move by smaller shares than a prompt does, and need not move where nothing is left to learn.
TEST(fine_tuning_moves_weights) {
    struct made_up m;
    begin(&m);
    m.in.fine_tuning = true;
    steps(&m, 20, 0.6f, 0.7f, 3e-5f);
    CHECK(!says(ask(&m, NULL), "Raise the rate"));
    begin(&m);
    m.in.fine_tuning = true;
    steps(&m, 20, 0.6f, 0.7f, 3e-8f);
    CHECK(says(ask(&m, NULL), "w update/weights 3e-08 after 20 steps: it hardly moves. Raise the rate"));
    CHECK(!says(ask(&m, NULL), "prompt"));
    begin(&m);
    m.in.fine_tuning = true;
    scored(&m, 0.5f, 0.7f, true);
    CHECK(says(ask(&m, NULL), "nothing trained yet: what you see are the weights of the model as it is"));
    steps(&m, 20, 3e-4f, 1, 3e-8f);
    scored(&m, 0.97f, 0.1f, true);
    CHECK(!says(ask(&m, NULL), "Raise the rate"));
    CHECK(says(ask(&m, NULL), "g learning: dev accuracy up 0.47"));
    begin(&m); // a prompt that has learnt all need not move either
    steps(&m, 20, 3e-4f, 1, 3e-5f);
    CHECK(!says(ask(&m, NULL), "Raise the rate"));
}

TEST(before_the_first_step) {
    struct made_up m;
    enum request key;
    begin(&m);
    scored(&m, 0.5f, 0.7f, true);
    CHECK_HAS(ask(&m, &key), "n nothing trained yet");
    CHECK(key == REQUEST_RUN_PAUSE);
}

TEST(learning_needs_more_than_two_examples) {
    struct made_up m;
    begin(&m);
    scored(&m, 0.5f, 0.7f, true);
    steps(&m, 5, 0.6f, 0.7f, 0.01f);
    scored(&m, 0.84f, 0.5f, true);
    CHECK_HAS(ask(&m, NULL), "g learning: dev accuracy up 0.34 since step 0");
    begin(&m);
    scored(&m, 0.5f, 0.7f, true);
    steps(&m, 5, 0.6f, 0.7f, 0.01f);
    scored(&m, 0.5625f, 0.7f, true); // two of 32
    CHECK(!says(ask(&m, NULL), "learning"));
    CHECK_HAS(ask(&m, NULL), "too early to tell: 5 steps");
}

TEST(a_loss_that_is_no_number) {
    struct made_up m;
    enum request key;
    begin(&m);
    steps(&m, 3, 0.6f, 0.7f, 0.01f);
    step(&m, NAN, 0.5f, 0.01f);
    CHECK_HAS(ask(&m, &key),
              "x the loss is no number since step 4: updates at rate 0.5 grew too large. Start over");
    CHECK(key == REQUEST_RESTART);
    begin(&m);
    scored(&m, 0.5f, 0.7f, true);
    step(&m, INFINITY, 0.5f, 0.01f);
    CHECK_HAS(ask(&m, &key), "Go back to the best, then lower the rate");
    CHECK(key == REQUEST_UNDO_TO_BEST);
}

TEST(flat_at_ln_c) {
    struct made_up m;
    enum request key;
    begin(&m);
    scored(&m, 0.5f, 0.7f, true);
    steps(&m, DOCTOR_PATIENCE - 1, 0.70f, 0.5f, 0.01f);
    CHECK(!says(ask(&m, NULL), "flat"));
    step(&m, 0.70f, 0.5f, 0.01f);
    CHECK_HAS(ask(&m, &key), "w loss flat at 0.70 = ln 2 after 15 steps");
    CHECK(key == REQUEST_SCREEN_PATTERN);
    m.in.whole_vocabulary = true; // another loss: ln 2 means nothing
    CHECK(!says(ask(&m, NULL), "flat"));
    m.in.whole_vocabulary = false;
    m.in.classes = 3; // ln 3 = 1.10
    CHECK(!says(ask(&m, NULL), "flat"));
    begin(&m);
    steps(&m, 40, 0.60f, 0.5f, 0.01f);
    CHECK(!says(ask(&m, NULL), "flat"));
}

TEST(flat_with_tiny_updates_asks_for_a_higher_rate) {
    struct made_up m;
    enum request key;
    begin(&m);
    steps(&m, 20, 0.693f, 0.5f, 0.0005f);
    CHECK_HAS(ask(&m, &key), "loss flat");
    CHECK(key == REQUEST_RATE_UP);
}

TEST(updates_of_the_wrong_size) {
    struct made_up m;
    enum request key;
    begin(&m);
    steps(&m, 10, 0.5f, 0.8f, 0.00005f);
    CHECK_HAS(ask(&m, &key), "w update/prompt 5e-05 after 10 steps: it hardly moves. Raise the rate");
    CHECK(key == REQUEST_RATE_UP);
    begin(&m);
    steps(&m, 10, 0.5f, 0.8f, 0.0002f);
    CHECK(!says(ask(&m, NULL), "update/prompt"));
    begin(&m);
    steps(&m, 10, 0.5f, 0.8f, 0.4f);
    CHECK_HAS(ask(&m, &key), "w update/prompt 0.4 after 10 steps: it jumps about. Lower the rate");
    CHECK(key == REQUEST_RATE_DOWN);
    begin(&m);
    steps(&m, 10, 0.5f, 0.8f, 0.25f);
    CHECK(!says(ask(&m, NULL), "update/prompt"));
    begin(&m); // one wild step among quiet ones is none
    steps(&m, 9, 0.5f, 0.8f, 0.01f);
    step(&m, 0.5f, 0.8f, 0.9f);
    CHECK(!says(ask(&m, NULL), "update/prompt"));
}

TEST(a_prompt_off_the_scale) {
    struct made_up m;
    begin(&m);
    steps(&m, 5, 0.5f, 0.8f, 0.01f);
    m.in.vocabulary_norm = 2;
    m.in.vector_norm = 80;
    CHECK_HAS(ask(&m, NULL), "w prompt norm 40x the embeddings'");
    m.in.vector_norm = 15;
    CHECK(!says(ask(&m, NULL), "prompt norm"));
    m.in.vector_norm = 0.01;
    CHECK_HAS(ask(&m, NULL),
              "prompt norm 0.005x the embeddings': too short to be heard. Try :set start vocabulary");
}

TEST(one_class_only) {
    struct made_up m;
    enum request key;
    begin(&m);
    m.dev = (struct evaluation){.examples = 32, .correct = 16, .classes = 2, .confusion = {0, 16, 0, 16}};
    m.in.dev = &m.dev;
    scored(&m, 0.5f, 0.7f, true);
    steps(&m, 3, 0.6f, 0.5f, 0.01f);
    CHECK_HAS(ask(&m, &key), "n predicts only \"positive\", for all 32 of dev. Common in the first steps");
    steps(&m, DOCTOR_PATIENCE, 0.6f, 0.5f, 0.01f);
    static const char *const words[] = {"terrible", "great"};
    m.in.label_word = words; // what it says, rather than what that stands for
    CHECK_HAS(ask(&m, &key),
              "w predicts only \"great\", for all 32 of dev. Calibrate, or change the label words");
    CHECK(key == REQUEST_SCREEN_PATTERN);
    m.dev.confusion[0] = 1, m.dev.confusion[1] = 15; // a single one the other way
    CHECK(!says(ask(&m, NULL), "predicts only"));
    m.dev = (struct evaluation){.examples = 32, .classes = 2, .confusion = {0, 15, 0, 16}, .elsewhere = 1};
    CHECK(!says(ask(&m, NULL), "predicts only")); // a single one that is no label word
}

TEST(answers_that_are_no_label_word) {
    struct made_up m;
    begin(&m);
    m.dev = (struct evaluation){
        .examples = 32, .correct = 4, .classes = 2, .confusion = {2, 4, 4, 2}, .elsewhere = 20};
    m.in.dev = &m.dev;
    steps(&m, 5, 3.0f, 0.1f, 0.01f);
    CHECK_HAS(ask(&m, NULL), "20 of 32 dev answers are no label word");
    m.dev.elsewhere = 16;
    CHECK(!says(ask(&m, NULL), "no label word"));
}

TEST(overfitting) {
    struct made_up m;
    enum request key;
    begin(&m);
    scored(&m, 0.5f, 0.7f, true);
    steps(&m, 10, 0.3f, 0.9f, 0.01f);
    scored(&m, 0.90f, 0.3f, true);
    steps(&m, 10, 0.01f, 1.0f, 0.01f);
    scored(&m, 0.75f, 0.9f, false);
    CHECK_HAS(ask(&m, &key),
              "w overfitting: training batches are 100 % right, but dev fell from 0.90 at step 10 to 0.75");
    CHECK(key == REQUEST_UNDO_TO_BEST);
    CHECK(!says(ask(&m, NULL), "learning"));
    m.metric[m.count - 1].dev_accuracy = 0.85f; // a small fall is noise
    CHECK(!says(ask(&m, NULL), "overfitting"));
    CHECK_HAS(ask(&m, NULL), "learning");
}

TEST(a_gain_that_may_be_chance_is_none) {
    struct made_up m;
    begin(&m);
    m.in.dev_count = 64;
    m.in.classes = 4;
    scored(&m, 0.25f, 1.4f, true);
    steps(&m, 20, 1.1f, 0.3f, 0.01f);
    scored(&m, 0.3125f, 1.4f, true); // four of 64
    CHECK(!says(ask(&m, NULL), "learning"));
    CHECK_HAS(ask(&m, NULL), "with 64 examples that may be chance");
    steps(&m, 20, 1.386f, 0.3f, 0.01f); // and the loss says the same
    CHECK_HAS(ask(&m, NULL), "loss flat at 1.39 = ln 4");
    m.in.dev_count = 6400; // the same share of many more is no chance
    CHECK_HAS(ask(&m, NULL), "learning");
}

TEST(a_model_that_knows_the_task) {
    struct made_up m;
    begin(&m);
    scored(&m, 0.94f, 0.2f, true);
    steps(&m, 20, 0.2f, 0.9f, 0.01f);
    CHECK_HAS(ask(&m, NULL), "g dev accuracy was 0.94 before the first step: this model knows the task, "
                             "there is little to gain");
    m.in.worded = true;
    CHECK_HAS(ask(&m, NULL), "this model knows the task in these words; :method vanilla leaves them out");
}

TEST(nothing_wrong_and_nothing_gained) {
    struct made_up m;
    begin(&m);
    scored(&m, 0.6f, 0.6f, true);
    steps(&m, 30, 0.55f, 0.6f, 0.01f);
    scored(&m, 0.6f, 0.6f, false);
    CHECK_HAS(ask(&m, NULL), "n no gain on dev after 30 steps");
}

TEST(a_dev_set_too_small_to_tell_two_scores_apart) {
    struct made_up m;
    begin(&m);
    scored(&m, 0.5f, 0.7f, true);
    steps(&m, 10, 0.5f, 0.8f, 0.01f);
    scored(&m, 0.9375f, 0.3f, true); // 30 of 32
    steps(&m, 10, 0.5f, 0.8f, 0.01f);
    scored(&m, 0.875f, 0.3f, false); // 28 of 32: 1.96 standard errors are 0.14
    CHECK_HAS(ask(&m, NULL), "n dev cannot tell 0.94 at step 10 from 0.88: 32 examples, +-0.14");
    m.in.dev_count = 3200; // the same shares of many more are apart
    CHECK(!says(ask(&m, NULL), "cannot tell"));
    m.in.dev_count = 32;
    m.metric[m.count - 1].dev_accuracy = 0.9375f; // equal: nothing to tell apart
    CHECK(!says(ask(&m, NULL), "cannot tell"));
    m.metric[m.count - 1].dev_accuracy = 0.72f; // so far below is no chance
    CHECK(!says(ask(&m, NULL), "cannot tell"));
}

TEST(never_more_than_there_is_room_for) {
    struct made_up m;
    struct diagnosis out[DOCTOR_MOST + 1];
    begin(&m);
    m.dev = (struct evaluation){.examples = 32, .classes = 2, .confusion = {0, 5, 0, 27}, .elsewhere = 20};
    m.in.dev = &m.dev;
    m.in.vocabulary_norm = 1;
    m.in.vector_norm = 100;
    scored(&m, 0.5f, 0.6f, true);
    steps(&m, 30, 0.693f, 0.6f, 0.9f);
    m.in.count = m.count;
    out[DOCTOR_MOST].text[0] = 'x';
    CHECK_SIZE(doctor_look(&m.in, out), DOCTOR_MOST);
    CHECK(out[DOCTOR_MOST].text[0] == 'x');
}
