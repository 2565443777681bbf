// SPDX-License-Identifier: GPL-3.0-or-later
// The checkpoint maker: what it writes loads, depends on the seed alone, and has sane scales.
#include "check.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer.h"

// BUILD/tests/make_checkpoint, seen from BUILD/tests/unit/test_make_checkpoint.
static const char *tool(void) {
    static char path[600];
    ssize_t n = readlink("/proc/self/exe", path, 500);
    char *slash = n > 0 ? (path[n] = '\0', strrchr(path, '/')) : NULL;
    if (!slash)
        return NULL;
    strcpy(slash, "/../make_checkpoint");
    return access(path, X_OK) == 0 ? path : NULL;
}

static const char *out_path(const char *name) {
    static char ring[4][300];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], "%s/%s", check_folder(), name);
    return out;
}

// Its exit status.
static int make(const char *name, const char *options) {
    char command[1500];
    snprintf(command, sizeof command, "'%s' '%s' %s 2>'%s'", tool(), out_path(name), options,
             out_path("stderr"));
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define SMALL "d_model=64 d_ff=96 num_heads=4 d_kv=16 num_layers=2 vocab_size=200"

TEST(every_kind_loads) {
    static const struct {
        const char *options;
        enum dtype type;
        bool gated, tied;
    } kinds[] = {
        {SMALL, DTYPE_F32, true, false},
        {SMALL " --dtype f16 --relu --tied --shards 5", DTYPE_F16, false, true},
        {SMALL " --dtype bf16 --relu num_decoder_layers=3 num_buckets=16 max_distance=50", DTYPE_BF16, false,
         false},
    };
    if (!tool())
        SKIP("make_checkpoint is not built");
    for (size_t i = 0; i < 3; i++) {
        struct error e = {0};
        struct model *m;
        CHECK_SIZE(make("m", kinds[i].options), 0);
        CHECK_OK(model_load(&m, out_path("m"), &e));
        CHECK(m->embedding->dtype == kinds[i].type && m->config.gated == kinds[i].gated);
        CHECK((m->head == m->embedding) == kinds[i].tied && m->config.scale_decoder_outputs == kinds[i].tied);
        CHECK_SIZE(m->decoder.blocks, i == 2 ? 3 : 2);
        CHECK_SIZE(m->config.num_buckets, i == 2 ? 16 : 32);
        CHECK_SIZE(m->config.max_distance, i == 2 ? 50 : 128);
        model_free(m);
    }
}

TEST(values_depend_on_the_seed_alone) {
    if (!tool())
        SKIP("make_checkpoint is not built");
    struct error e = {0};
    struct model *a, *b, *c;
    CHECK_SIZE(make("a", SMALL " --seed 5"), 0);
    CHECK_SIZE(make("b", SMALL " --shards 3 --seed 5"), 0);
    CHECK_SIZE(make("c", SMALL " --seed 6"), 0);
    CHECK_OK(model_load(&a, out_path("a"), &e));
    CHECK_OK(model_load(&b, out_path("b"), &e));
    CHECK_OK(model_load(&c, out_path("c"), &e));
    for (size_t i = 0; i < a->weights; i++) {
        const struct weight *w = &a->weight[i];
        size_t bytes = w->rows * w->columns * 4;
        CHECK(memcmp(w->data, b->weight[i].data, bytes) == 0);
        CHECK(strstr(w->name, "norm") || memcmp(w->data, c->weight[i].data, bytes) != 0);
        for (size_t j = 0; j < i; j++) // tensors have streams of their own
            CHECK(strstr(w->name, "norm") || memcmp(w->data, a->weight[j].data, 16) != 0);
    }
    model_free(a);
    model_free(b);
    model_free(c);
}

static double spread(const struct weight *w) {
    double sum = 0, squares = 0, n = (double)(w->rows * w->columns);
    for (size_t i = 0; i < w->rows * w->columns; i++) {
        double x = (double)((const float *)w->data)[i];
        sum += x;
        squares += x * x;
    }
    return sqrt(squares / n - sum / n * (sum / n));
}

TEST(weights_have_the_scales_of_t5) {
    if (!tool())
        SKIP("make_checkpoint is not built");
    struct error e = {0};
    struct model *m;
    CHECK_SIZE(make("a", SMALL), 0);
    CHECK_OK(model_load(&m, out_path("a"), &e));
    CHECK_NEAR(spread(m->embedding), 1, 0.05);
    CHECK_NEAR(spread(m->head), 1 / sqrt(64), 0.01);
    CHECK_NEAR(spread(m->decoder.block[1].self.q), 1 / sqrt(64 * 16), 0.003);
    CHECK_NEAR(spread(m->decoder.block[1].cross.k), 1 / sqrt(64), 0.01);
    CHECK_NEAR(spread(m->encoder.block[1].self.o), 1 / sqrt(64), 0.01);
    CHECK_NEAR(spread(m->encoder.block[0].feed_forward.wo), 1 / sqrt(96), 0.01);
    CHECK(((const float *)m->encoder.final_norm->data)[63] == 1);
    model_free(m);
}

TEST(the_tokenizer_decides_the_vocabulary) {
    if (!tool())
        SKIP("make_checkpoint is not built");
    struct error e = {0};
    struct model *m;
    struct tokenizer *t;
    CHECK_SIZE(make("s", "--spiece tests/share/models/sprout/spiece.model d_model=8 num_layers=1 d_ff=8"), 0);
    CHECK_OK(model_load(&m, out_path("s"), &e));
    CHECK_OK(tokenizer_load(&t, out_path("s"), &e));
    CHECK_SIZE(m->config.vocab_size, 1280);
    CHECK_SIZE(tokenizer_ids(t), 1276);
    tokenizer_free(t);
    model_free(m);
    CHECK_SIZE(make("s", "--spiece tests/share/models/sprout/spiece.model vocab_size=1000"), 1);
}

TEST(bad_arguments_show_the_usage) {
    if (!tool())
        SKIP("make_checkpoint is not built");
    static const char *const bad[] = {"--shape tiny",   "--shape",     "d_modell=3", "d_model=x",
                                      "d_model=-1",     "--dtype f64", "--shards 0", "--seed",
                                      "--frobnicate 1", "another"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e = {0};
        char *said;
        size_t length;
        CHECK_SIZE(make("bad", bad[i]), 2);
        CHECK_OK(file_read(out_path("stderr"), 1 << 16, &said, &length, &e));
        CHECK_HAS(said, "usage: make_checkpoint");
        free(said);
        CHECK(!file_exists(out_path("bad")));
    }
    CHECK_SIZE(make("bad", "d_model=0"), 1);
    CHECK(!file_exists(out_path("bad")));
}
