// SPDX-License-Identifier: GPL-3.0-or-later
// LM objectives: every token accounted for, sentinels in order, seeds, and how the choices are spread.
#include "check.h"
#include "engine/pretrain/lm_objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct error e;

enum { FIRST_SENTINEL = 1000, START = 0, END = 1, LONGEST = 300 };

static struct lm_symbols symbols_of(size_t sentinels) {
    struct lm_symbols s = {.start = START, .eos = END, .sentinels = sentinels};
    for (size_t i = 0; i < sentinels; i++)
        s.sentinel[i] = FIRST_SENTINEL + (int32_t)i;
    return s;
}

static bool is_sentinel(int32_t id) {
    return id >= FIRST_SENTINEL && id < FIRST_SENTINEL + 100;
}

struct made {
    struct token_list encoder, targets;
    int32_t token[LONGEST];
    size_t count;
};

static bool make(struct made *m, enum lm_kind kind, const struct lm_settings *s, size_t count, uint64_t seed,
                 size_t sentinels) {
    struct random r;
    struct lm_symbols symbols = symbols_of(sentinels);
    random_seed(&r, seed, 1);
    m->encoder.count = m->targets.count = 0;
    m->count = count;
    for (size_t i = 0; i < count; i++)
        m->token[i] = 2 + (int32_t)i;
    struct lm_text text = {.token = m->token, .count = count, .end = &count, .sentences = 1};
    return lm_objective_apply(kind, s, &symbols, &text, &r, &m->encoder, &m->targets, &e);
}

static void release(struct made *m) {
    token_list_free(&m->encoder);
    token_list_free(&m->targets);
}

// The text again from both sides: each sentinel of the encoder is replaced by what the targets have behind
// it.
static bool restores(const struct made *m) {
    size_t n = 0, next = 0;
    if (m->encoder.id[m->encoder.count - 1] != END || m->targets.id[m->targets.count - 1] != END)
        return false;
    for (size_t i = 0; i + 1 < m->encoder.count; i++) {
        if (!is_sentinel(m->encoder.id[i])) {
            if (n >= m->count || m->encoder.id[i] != m->token[n++])
                return false;
            continue;
        }
        if (m->encoder.id[i] != FIRST_SENTINEL + (int32_t)next++)
            return false;
        size_t at = 0, taken = 0;
        while (at < m->targets.count && m->targets.id[at] != m->encoder.id[i])
            at++;
        for (at++; at + 1 < m->targets.count && !is_sentinel(m->targets.id[at]); at++, taken++)
            if (n >= m->count || m->targets.id[at] != m->token[n++])
                return false;
        if (!taken)
            return false;
    }
    return n == m->count;
}

TEST(every_token_is_on_one_side) {
    struct lm_settings s = lm_settings_recipe(LM_SMALL);
    struct made m = {0};
    for (int kind = LM_SPANS; kind <= LM_SUFFIX; kind++)
        for (size_t count = LM_LEAST_TOKENS; count < LONGEST; count += 1 + count / 9)
            for (uint64_t seed = 0; seed < 20; seed++) {
                CHECK_OK(make(&m, (enum lm_kind)kind, &s, count, seed, 100));
                CHECK(restores(&m));
                CHECK(m.encoder.count + m.targets.count >= LM_LEAST_TOKENS + 2);
                s.max_tokens = count;
                CHECK(m.encoder.count <= lm_objective_longest(&s, false));
                CHECK(m.targets.count <= lm_objective_longest(&s, true));
            }
    release(&m);
}

TEST(spans_have_the_number_and_length_asked_for) {
    struct lm_settings s = lm_settings_recipe(LM_HUGGING_FACE);
    struct made m = {0};
    static const struct {
        double noise, mean;
        size_t count, taken, spans;
    } cases[] = {{0.15, 3, 100, 15, 5},
                 {0.5, 1, 60, 30, 30},
                 {0.15, 3, 8, 1, 1},
                 {0.9, 1, 50, 45, 5},
                 {0.3, 10, 50, 15, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.noise = cases[i].noise;
        s.mean_span = cases[i].mean;
        CHECK_OK(make(&m, LM_SPANS, &s, cases[i].count, 3, 100));
        CHECK(restores(&m));
        CHECK_SIZE(m.targets.count, cases[i].taken + cases[i].spans + 1);
        CHECK_SIZE(m.encoder.count, cases[i].count - cases[i].taken + cases[i].spans + 1);
    }
    // No more spans than sentinels.
    s.noise = 0.5;
    s.mean_span = 1;
    CHECK_OK(make(&m, LM_SPANS, &s, 100, 3, 7));
    CHECK(restores(&m) && m.targets.count == 50 + 7 + 1);
    CHECK(!make(&m, LM_SPANS, &s, 100, 3, 0));
    CHECK_HAS(e.text, "extra_id_0");
    release(&m);
}

// Each position is taken out equally often, ends included but for the effect that spans do not touch.
TEST(spans_lie_everywhere) {
    struct lm_settings s = lm_settings_recipe(LM_HUGGING_FACE);
    struct made m = {0};
    size_t taken[40] = {0}, first = 0, last = 0;
    enum { TRIES = 4000 };
    for (uint64_t seed = 0; seed < TRIES; seed++) {
        CHECK_OK(make(&m, LM_SPANS, &s, 40, seed, 100));
        for (size_t i = 0; i + 1 < m.targets.count; i++)
            if (!is_sentinel(m.targets.id[i]))
                taken[m.targets.id[i] - 2]++;
        first += is_sentinel(m.encoder.id[0]);
        last += is_sentinel(m.encoder.id[m.encoder.count - 2]);
    }
    for (size_t i = 3; i < 37; i++)
        CHECK_NEAR((double)taken[i] / TRIES, 0.15, 0.04);
    CHECK(first > TRIES / 50 && last > TRIES / 50);
    release(&m);
}

TEST(suffix_and_span_are_short) {
    struct lm_settings s = lm_settings_recipe(LM_SMALL);
    struct made m = {0};
    bool at_end = false, inside = false;
    size_t longest = 0;
    s.suffix_tokens = 5;
    for (uint64_t seed = 0; seed < 300; seed++) {
        CHECK_OK(make(&m, LM_SUFFIX, &s, 50, seed, 100));
        CHECK(restores(&m) && m.encoder.id[m.encoder.count - 2] == FIRST_SENTINEL);
        CHECK(m.targets.id[0] == FIRST_SENTINEL && m.targets.count <= 5 + 2);
        longest = m.targets.count > longest ? m.targets.count : longest;
        CHECK_OK(make(&m, LM_SPAN, &s, 50, seed, 100));
        CHECK(restores(&m) && m.targets.count <= 5 + 2 && m.targets.count >= 3);
        bool end = m.encoder.id[m.encoder.count - 2] == FIRST_SENTINEL;
        at_end |= end;
        inside |= !end;
    }
    CHECK(at_end && inside && longest == 7);
    release(&m);
}

TEST(prefix_cuts_in_two) {
    struct lm_settings s = lm_settings_recipe(LM_ADAPT);
    struct made m = {0};
    size_t cuts[11] = {0};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        CHECK_OK(make(&m, LM_PREFIX, &s, 10, seed, 0)); // needs no sentinel
        CHECK_SIZE(m.encoder.count + m.targets.count, 12);
        for (size_t i = 0; i + 1 < m.encoder.count; i++)
            CHECK(m.encoder.id[i] == m.token[i]);
        for (size_t i = 0; i + 1 < m.targets.count; i++)
            CHECK(m.targets.id[i] == m.token[m.encoder.count - 1 + i]);
        cuts[m.encoder.count - 1]++;
    }
    CHECK(cuts[0] == 0 && cuts[10] == 0);
    for (size_t i = 1; i < 10; i++)
        CHECK(cuts[i] > 60 && cuts[i] < 170);
    release(&m);
}

TEST(a_seed_gives_the_same_example) {
    struct lm_settings s = lm_settings_recipe(LM_SMALL);
    struct made a = {0}, b = {0};
    CHECK_OK(make(&a, LM_SPANS, &s, 100, 5, 100));
    CHECK_OK(make(&b, LM_SPANS, &s, 100, 5, 100));
    CHECK(a.encoder.count == b.encoder.count && memcmp(a.encoder.id, b.encoder.id, a.encoder.count * 4) == 0);
    CHECK_OK(make(&b, LM_SPANS, &s, 100, 6, 100));
    CHECK(memcmp(a.encoder.id, b.encoder.id, a.encoder.count * 4) != 0);
    release(&a);
    release(&b);
}

TEST(objectives_come_by_their_shares) {
    struct random r;
    size_t count[LM_KINDS] = {0};
    double mix[LM_KINDS] = {0.45, 0.1, 0.45, 0};
    random_seed(&r, 1, 1);
    for (size_t i = 0; i < 10000; i++)
        count[lm_objective_draw(mix, &r)]++;
    for (size_t k = 0; k < LM_KINDS; k++)
        CHECK_NEAR((double)count[k] / 10000, mix[k], 0.02);
}

// ---- settings ----

TEST(settings_go_through_text) {
    struct lm_settings s = lm_settings_recipe(LM_SMALL), back = lm_settings_recipe(LM_ADAPT);
    s.rate = 1.0 / 3;
    s.schedule = SCHEDULE_NOAM;
    s.optimizer = LM_ADAFACTOR;
    cJSON *json = lm_settings_json(&s);
    CHECK_OK(lm_settings_read(&back, json, &e));
    cJSON_Delete(json);
    CHECK(memcmp(&s, &back, sizeof s) == 0);
    for (size_t i = 0; i < lm_setting_count; i++) {
        char text[256];
        lm_settings_get(&s, i, text, sizeof text);
        CHECK_OK(lm_settings_set(&back, i, text, &e));
        CHECK(!lm_settings_set(&back, i, "-1", &e) && !lm_settings_set(&back, i, "", &e) &&
              !lm_settings_set(&back, i, "nan", &e));
        CHECK_HAS(e.text, lm_setting_table[i].name);
    }
    CHECK(memcmp(&s, &back, sizeof s) == 0);
}

TEST(mixtures) {
    struct lm_settings s = lm_settings_recipe(LM_SMALL);
    size_t i = 0;
    while (strcmp(lm_setting_table[i].name, "objective") != 0)
        i++;
    CHECK_OK(lm_settings_set(&s, i, "prefix=2,span=1", &e));
    CHECK(s.mix[LM_SPANS] == 0 && s.mix[LM_SPAN] == 1 && s.mix[LM_SUFFIX] == 0 && s.mix[LM_PREFIX] == 2);
    static const char *const wrong[] = {"spans",   "spans=",         "spans=x", "other=1",
                                        "spans=0", "spans=1;span=1", "spans=-1"};
    for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
        CHECK(!lm_settings_set(&s, i, wrong[w], &e));
        CHECK_HAS(e.text, "objective");
    }
    CHECK(s.mix[LM_PREFIX] == 2);
    s.batch_tokens = 100;
    CHECK(!lm_settings_check(&s, &e));
    CHECK_HAS(e.text, "batch-tokens");
    enum lm_recipe recipe;
    CHECK(lm_recipe_find("adapt", &recipe) && recipe == LM_ADAPT && !lm_recipe_find("none", &recipe));
}

// What was measured to learn; the reasons stand in lm_settings.h.
TEST(a_small_model_moves_q_less_and_takes_small_batches) {
    struct lm_settings s = lm_settings_recipe(LM_SMALL);
    CHECK(s.rate == 1e-3 && s.batch_tokens == 2048);
    CHECK_NEAR(s.query_rate, 1 / sqrt((double)s.d_kv), 0.005);
}

// ---- closing: on a real vocabulary, sentence by sentence ----

struct closing {
    struct tokenizer *tokenizer;
    struct lm_symbols symbols;
    struct token_list token, encoder, targets;
    size_t end[16], sentences;
};

static bool read_sentences(struct closing *c, const char *const *sentence, size_t count) {
    if (!c->tokenizer && !tokenizer_load(&c->tokenizer, "tests/share/models/sprout", &e))
        return false;
    lm_symbols_of(&c->symbols, c->tokenizer, START, tokenizer_eos(c->tokenizer));
    c->token.count = c->sentences = 0;
    for (size_t i = 0; i < count; i++) {
        if (!tokenizer_encode(c->tokenizer, sentence[i], strlen(sentence[i]), &c->token, &e))
            return false;
        c->end[c->sentences++] = c->token.count;
    }
    return true;
}

// Both sides as people read them, "encoder | targets".
static const char *made_of(struct closing *c, const struct lm_settings *s, uint64_t seed) {
    static char out[3000];
    struct random r;
    struct lm_text text = {c->token.id, c->token.count, c->end, c->sentences};
    random_seed(&r, seed, 1);
    c->encoder.count = c->targets.count = 0;
    if (!lm_objective_apply(LM_CLOSING, s, &c->symbols, &text, &r, &c->encoder, &c->targets, &e))
        return e.text;
    char *a = tokenizer_decode(c->tokenizer, c->encoder.id, c->encoder.count, &e);
    char *b = tokenizer_decode(c->tokenizer, c->targets.id, c->targets.count, &e);
    snprintf(out, sizeof out, "%s | %s", a ? a : e.text, b ? b : e.text);
    free(a);
    free(b);
    return out;
}

TEST(closing_takes_the_last_words_of_sentences) {
    struct closing c = {0};
    struct lm_settings s = lm_settings_recipe(LM_SMALL);
    static const char *const one[] = {"The answer is good."};
    CHECK_OK(read_sentences(&c, one, 1));
    CHECK_TEXT(made_of(&c, &s, 1), "The answer is<extra_id_0>.</s> | <extra_id_0> good</s>");
    // The last one alone; with others; or any one. The second ends in no word behind another one.
    static const char *const three[] = {"The film was good.", "Yes.", "I was happy."};
    CHECK_OK(read_sentences(&c, three, 3));
    for (uint64_t seed = 0; seed < 20; seed++)
        CHECK_TEXT(made_of(&c, &s, seed),
                   "The film was good. Yes. I was<extra_id_0>.</s> | <extra_id_0> happy</s>");
    s.closing_words = 4;
    s.closing_anywhere = 0.5;
    size_t first = 0, last = 0, both = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        const char *made = made_of(&c, &s, seed);
        if (strcmp(made, "The film was<extra_id_0>. Yes. I was happy.</s> | <extra_id_0> good</s>") == 0)
            first++;
        else if (strcmp(made, "The film was good. Yes. I was<extra_id_0>.</s> | <extra_id_0> happy</s>") == 0)
            last++;
        else {
            CHECK_TEXT(made, "The film was<extra_id_0>. Yes. I was<extra_id_1>.</s> | <extra_id_0> "
                             "good<extra_id_1> happy</s>");
            both++;
        }
    }
    CHECK(first > 20 && first < 60 && last > 90 && last < 140 && both > 110 && both < 190);
    // At most so many; and what has no last word becomes a suffix.
    s.closing_words = 1;
    for (uint64_t seed = 0; seed < 50; seed++)
        CHECK(!strstr(made_of(&c, &s, seed), "extra_id_1"));
    static const char *const none[] = {"Yes.", "No!"};
    CHECK_OK(read_sentences(&c, none, 2));
    CHECK_HAS(made_of(&c, &s, 1), "<extra_id_0></s> | <extra_id_0>");
    token_list_free(&c.token);
    token_list_free(&c.encoder);
    token_list_free(&c.targets);
    tokenizer_free(c.tokenizer);
}
