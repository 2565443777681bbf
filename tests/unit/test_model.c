// SPDX-License-Identifier: GPL-3.0-or-later
// Loading whole model folders: the goldens, shards, aliases, and what is wrong with a folder said precisely.
#include "check.h"

#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/model/model.h"
#include "engine/model/safetensors.h"
#include "torch_fixture.h"

static const char *const goldens[] = {"v11_f32",      "v11_full_bf16", "v11_f16",   "v10_f32_tied",
                                      "v10_defaults", "v11_long",      "v11_newcfg"};

TEST(goldens_load) {
    if (!check_shared("golden") || !file_is_folder(check_shared("golden")))
        SKIP("no shared golden folder");
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        struct error e = {0};
        struct model *m;
        char below[64];
        snprintf(below, sizeof below, "golden/%s", goldens[i]);
        CHECK_OK(model_load(&m, check_shared(below), &e));
        bool tied = strncmp(goldens[i], "v10", 3) == 0;
        CHECK((m->head == m->embedding) == tied);
        CHECK(m->config.gated == !tied);
        CHECK(m->config.scale_decoder_outputs == tied);
        if (strcmp(goldens[i], "v11_newcfg") == 0)
            CHECK_TEXT(m->embedding->name, "decoder.embed_tokens.weight");
        model_free(m);
    }
}

// ---- folders made here ----

enum { D = 8, INNER = 6, FF = 10, VOCABULARY = 12, BUCKETS = 32, HEADS = 2, MOST_TENSORS = 64 };

struct made {
    struct safetensors_item item[MOST_TENSORS];
    char name[MOST_TENSORS][128];
    size_t count;
    enum dtype type;
};
static float values[1024];

static void add(struct made *m, size_t rows, size_t columns, const char *stack, size_t layer,
                const char *name) {
    char *full = m->name[m->count];
    if (!stack)
        snprintf(full, 128, "%s", name);
    else if (layer == (size_t)-1)
        snprintf(full, 128, "%s.%s", stack, name);
    else
        snprintf(full, 128, "%s.block.0.layer.%zu.%s", stack, layer, name);
    m->item[m->count] = (struct safetensors_item){.name = full,
                                                  .type = m->type,
                                                  .dimensions = rows ? 2 : 1,
                                                  .shape = {rows ? rows : columns, columns},
                                                  .values = values + m->count};
    m->count++;
}

static void add_attention(struct made *m, const char *stack, size_t layer, const char *kind) {
    char name[64];
    for (const char *c = "qkvo"; *c; c++) {
        snprintf(name, sizeof name, "%s.%c.weight", kind, *c);
        add(m, *c == 'o' ? D : INNER, *c == 'o' ? INNER : D, stack, layer, name);
    }
    add(m, 0, D, stack, layer, "layer_norm.weight");
}

static void fill(struct made *m, bool gated, enum dtype type) {
    for (size_t i = 0; i < 1024; i++)
        values[i] = (float)(i % 256);
    m->count = 0;
    m->type = type;
    add(m, VOCABULARY, D, NULL, 0, "shared.weight");
    for (size_t s = 0; s < 2; s++) {
        const char *stack = s ? "decoder" : "encoder";
        add_attention(m, stack, 0, "SelfAttention");
        if (s)
            add_attention(m, stack, 1, "EncDecAttention");
        add(m, BUCKETS, HEADS, stack, 0, "SelfAttention.relative_attention_bias.weight");
        add(m, FF, D, stack, s + 1, gated ? "DenseReluDense.wi_0.weight" : "DenseReluDense.wi.weight");
        if (gated)
            add(m, FF, D, stack, s + 1, "DenseReluDense.wi_1.weight");
        add(m, D, FF, stack, s + 1, "DenseReluDense.wo.weight");
        add(m, 0, D, stack, s + 1, "layer_norm.weight");
        add(m, 0, D, stack, (size_t)-1, "final_layer_norm.weight");
    }
}

static struct safetensors_item *find(struct made *m, const char *name) {
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->name[i], name) == 0)
            return &m->item[i];
    abort();
}

static const char *path_of(const char *name) {
    static char ring[4][300];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], "%s/%s", check_folder(), name);
    return out;
}

static bool write_file(const char *name, const char *text) {
    return file_write_atomic(path_of(name), text, strlen(text), NULL);
}

static bool write_config(const char *feed_forward) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"vocab_size\": 12, \"d_model\": 8, \"d_kv\": 3, \"d_ff\": 10, \"num_heads\": 2, "
             "\"num_layers\": 1%s%s%s}",
             feed_forward ? ", \"feed_forward_proj\": \"" : "", feed_forward ? feed_forward : "",
             feed_forward ? "\"" : "");
    return write_file("config.json", text);
}

// One folder is used again and again: what another test left must go.
static bool write_model(const struct made *m, const char *feed_forward) {
    remove(path_of("model.safetensors.index.json"));
    return write_config(feed_forward) &&
           safetensors_write(path_of("model.safetensors"), m->item, m->count, NULL, 0, NULL);
}

static struct made made;

TEST(every_weight_lands_in_its_place) {
    for (int gated = 0; gated < 2; gated++) {
        struct error e = {0};
        struct model *m;
        fill(&made, gated, DTYPE_F32);
        CHECK(write_model(&made, gated ? "gated-gelu" : NULL));
        CHECK_OK(model_load(&m, check_folder(), &e));
        CHECK_SIZE(m->weights, made.count);
        CHECK_SIZE(m->encoder.blocks, 1);
        CHECK(!m->encoder.block[0].cross.q && m->decoder.block[0].cross.q);
        CHECK((m->encoder.block[0].feed_forward.wi_1 != NULL) == gated);
        CHECK(m->head == m->embedding);
        const struct {
            const struct weight *weight;
            const char *name;
        } places[] = {
            {m->embedding, "shared.weight"},
            {m->encoder.block[0].self.norm, "encoder.block.0.layer.0.layer_norm.weight"},
            {m->encoder.block[0].self.q, "encoder.block.0.layer.0.SelfAttention.q.weight"},
            {m->encoder.block[0].self.o, "encoder.block.0.layer.0.SelfAttention.o.weight"},
            {m->encoder.block[0].feed_forward.norm, "encoder.block.0.layer.1.layer_norm.weight"},
            {m->encoder.block[0].feed_forward.wi_0, gated
                                                        ? "encoder.block.0.layer.1.DenseReluDense.wi_0.weight"
                                                        : "encoder.block.0.layer.1.DenseReluDense.wi.weight"},
            {m->encoder.position_bias,
             "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"},
            {m->encoder.final_norm, "encoder.final_layer_norm.weight"},
            {m->decoder.block[0].self.k, "decoder.block.0.layer.0.SelfAttention.k.weight"},
            {m->decoder.block[0].cross.norm, "decoder.block.0.layer.1.layer_norm.weight"},
            {m->decoder.block[0].cross.v, "decoder.block.0.layer.1.EncDecAttention.v.weight"},
            {m->decoder.block[0].feed_forward.wo, "decoder.block.0.layer.2.DenseReluDense.wo.weight"},
            {m->decoder.position_bias,
             "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"},
            {m->decoder.final_norm, "decoder.final_layer_norm.weight"},
        };
        size_t parameters = 0;
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            const struct weight *w = places[i].weight;
            const struct safetensors_item *item = find(&made, places[i].name);
            CHECK_TEXT(w->name, places[i].name);
            CHECK_SIZE(w->rows, item->dimensions == 2 ? item->shape[0] : 1);
            CHECK_SIZE(w->columns, item->shape[item->dimensions - 1]);
            CHECK(w->dtype == DTYPE_F32 && !w->trained && !w->gradient);
            CHECK(memcmp(w->data, item->values, w->rows * w->columns * 4) == 0);
        }
        for (size_t i = 0; i < m->weights; i++)
            parameters += m->weight[i].rows * m->weight[i].columns;
        CHECK_SIZE(m->parameters, parameters);
        CHECK_SIZE(m->file_bytes, 4 * parameters);
        model_free(m);
    }
}

TEST(own_head_and_embedding_aliases) {
    static const char *const aliases[] = {"decoder.embed_tokens.weight", "encoder.embed_tokens.weight"};
    for (size_t i = 0; i < 2; i++) {
        struct error e = {0};
        struct model *m;
        fill(&made, false, DTYPE_BF16);
        snprintf(made.name[0], 128, "%s", aliases[i]);
        add(&made, VOCABULARY, D, NULL, 0, "lm_head.weight");
        add(&made, 3, 3, NULL, 0, "something.else");
        add(&made, 1, 1, "decoder", 0, "EncDecAttention.relative_attention_bias.weight"); // legacy, any shape
        CHECK(write_model(&made, NULL));
        CHECK_OK(model_load(&m, check_folder(), &e));
        CHECK_TEXT(m->embedding->name, aliases[i]);
        CHECK_TEXT(m->head->name, "lm_head.weight");
        CHECK_SIZE(m->weights, made.count - 2);
        float row[D];
        model_embedding_row(m, 11, row);
        for (size_t j = 0; j < D; j++)
            CHECK(row[j] == values[11 * D + j]);
        model_free(m);
    }
    struct error e = {0};
    struct model *m;
    fill(&made, false, DTYPE_F32);
    snprintf(made.name[0], 128, "lm_head.weight"); // a head alone is no embedding
    CHECK(write_model(&made, NULL));
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "\"shared.weight\" is missing; it should have the shape [12, 8]");
}

TEST(each_missing_tensor_is_named_with_its_shape) {
    fill(&made, true, DTYPE_F16);
    size_t all = made.count;
    for (size_t i = 0; i < all; i++) {
        struct error e = {0};
        struct model *m;
        char wanted[256];
        fill(&made, true, DTYPE_F16);
        struct safetensors_item gone = made.item[i];
        gone.dimensions == 2
            ? snprintf(wanted, sizeof wanted, "\"%s\" is missing; it should have the shape [%zu, %zu]",
                       gone.name, gone.shape[0], gone.shape[1])
            : snprintf(wanted, sizeof wanted, "\"%s\" is missing; it should have the shape [%zu]", gone.name,
                       gone.shape[0]);
        made.item[i] = made.item[--made.count];
        CHECK(write_model(&made, "gated-gelu"));
        CHECK(!model_load(&m, check_folder(), &e));
        CHECK(!m);
        CHECK_HAS(e.text, wanted);
        CHECK_HAS(e.text, path_of("model.safetensors"));
    }
}

TEST(misshaped_tensors_are_named_with_both_shapes) {
    static const struct {
        const char *name;
        size_t dimensions, shape[3];
        const char *message;
    } bad[] = {
        {"shared.weight", 2, {8, 12}, "has the shape [8, 12]; by config.json it should be [12, 8]"},
        {"encoder.final_layer_norm.weight",
         2,
         {1, 8},
         "has the shape [1, 8]; by config.json it should be [8]"},
        {"decoder.block.0.layer.1.EncDecAttention.o.weight",
         2,
         {6, 8},
         "[6, 8]; by config.json it should be [8, 6]"},
        {"decoder.block.0.layer.0.SelfAttention.q.weight",
         1,
         {48},
         "has the shape [48]; by config.json it should be [6, 8]"},
        {"encoder.block.0.layer.1.DenseReluDense.wo.weight", 3, {1, 8, 10}, "has the shape [1, 8, 10]"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e = {0};
        struct model *m;
        fill(&made, false, DTYPE_F32);
        struct safetensors_item *item = find(&made, bad[i].name);
        item->dimensions = bad[i].dimensions;
        memcpy(item->shape, bad[i].shape, sizeof bad[i].shape);
        CHECK(write_model(&made, NULL));
        CHECK(!model_load(&m, check_folder(), &e));
        CHECK_HAS(e.text, bad[i].name);
        CHECK_HAS(e.text, bad[i].message);
    }
}

TEST(the_other_feed_forward_is_hinted_at) {
    struct error e = {0};
    struct model *m;
    fill(&made, true, DTYPE_F32);
    CHECK(write_model(&made, NULL));
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "DenseReluDense.wi.weight\" is missing");
    CHECK_HAS(e.text, "\"feed_forward_proj\" may be missing");
    fill(&made, false, DTYPE_F32);
    CHECK(write_model(&made, "gated-gelu"));
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "DenseReluDense.wi_0.weight\" is missing");
    CHECK_HAS(e.text, "\"feed_forward_proj\" may be wrong");
}

TEST(integers_are_no_weights) {
    struct error e = {0};
    struct model *m;
    fill(&made, false, DTYPE_F32);
    CHECK(write_model(&made, NULL));
    char *bytes;
    size_t length;
    CHECK_OK(file_read(path_of("model.safetensors"), 1 << 20, &bytes, &length, &e));
    char *type = strstr(bytes + 8, "\"F32\"");
    CHECK(type);
    memcpy(type, "\"I32\"", 5);
    CHECK_OK(file_write_atomic(path_of("model.safetensors"), bytes, length, &e));
    free(bytes);
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "\"shared.weight\" is of type I32; F32, F16 and BF16");
}

TEST(unaligned_data_are_copied) {
    struct error e = {0};
    struct model *m;
    fill(&made, false, DTYPE_F32);
    CHECK(write_model(&made, NULL));
    char *bytes;
    size_t length;
    uint64_t header;
    CHECK_OK(file_read(path_of("model.safetensors"), 1 << 20, &bytes, &length, &e));
    struct buffer b = {0}; // the same file with one more space at the end of the header
    memcpy(&header, bytes, 8);
    header++;
    buffer_add(&b, &header, 8);
    buffer_add(&b, bytes + 8, (size_t)header - 1);
    buffer_add_char(&b, ' ');
    buffer_add(&b, bytes + 8 + header - 1, length - 8 - (size_t)header + 1);
    CHECK_OK(file_write_atomic(path_of("model.safetensors"), b.data, b.length, &e));
    free(bytes);
    buffer_free(&b);
    CHECK_OK(model_load(&m, check_folder(), &e));
    for (size_t i = 0; i < m->weights; i++) {
        const struct weight *w = &m->weight[i];
        CHECK((uintptr_t)w->data % 4 == 0);
        CHECK(memcmp(w->data, find(&made, w->name)->values, w->rows * w->columns * 4) == 0);
    }
    model_free(m);
}

TEST(trainable_models_own_floats_and_gradients) {
    for (enum dtype type = DTYPE_F32; type <= DTYPE_BF16; type++) {
        struct error e = {0};
        struct model *m;
        fill(&made, true, type);
        CHECK(write_model(&made, "gated-gelu"));
        CHECK_OK(model_load(&m, check_folder(), &e));
        CHECK_SIZE(m->file_bytes, m->parameters * dtype_size(type));
        CHECK_OK(model_make_trainable(m, &e));
        CHECK_OK(model_make_trainable(m, &e)); // again: nothing changes
        for (size_t i = 0; i < m->weights; i++) {
            struct weight *w = &m->weight[i];
            size_t count = w->rows * w->columns;
            CHECK(w->dtype == DTYPE_F32 && w->data == w->trained && w->gradient);
            CHECK((uintptr_t)w->trained % 64 == 0 && (uintptr_t)w->gradient % 64 == 0);
            CHECK(memcmp(w->trained, find(&made, w->name)->values, count * 4) == 0);
            for (size_t j = 0; j < count; j++) {
                CHECK(w->gradient[j] == 0);
                w->gradient[j] = 1;
            }
        }
        model_clear_gradients(m);
        for (size_t i = 0; i < m->weights; i++)
            for (size_t j = 0; j < m->weight[i].rows * m->weight[i].columns; j++)
                CHECK(m->weight[i].gradient[j] == 0);
        model_free(m);
    }
}

// ---- shards ----

// Two shards and their index, with `extra` at the end of the weight_map.
static bool write_shards(const struct made *m, const char *extra) {
    struct buffer index = {0};
    size_t half = m->count / 2;
    remove(path_of("model.safetensors"));
    buffer_add_text(&index, "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {");
    for (size_t i = 0; i < m->count; i++)
        buffer_printf(&index, "%s\"%s\": \"%s\"", i ? ", " : "", m->item[i].name,
                      i < half ? "a.safetensors" : "b.safetensors");
    buffer_printf(&index, "%s}}", extra);
    bool ok = write_config(NULL) && write_file("model.safetensors.index.json", index.data) &&
              safetensors_write(path_of("a.safetensors"), m->item, half, NULL, 0, NULL) &&
              safetensors_write(path_of("b.safetensors"), m->item + half, m->count - half, NULL, 0, NULL);
    buffer_free(&index);
    return ok;
}

TEST(shards_load_as_one) {
    struct error e = {0};
    struct model *m;
    fill(&made, false, DTYPE_F32);
    CHECK(write_shards(&made, ""));
    CHECK_OK(model_load(&m, check_folder(), &e));
    CHECK_SIZE(m->weights, made.count);
    for (size_t i = 0; i < m->weights; i++)
        CHECK(memcmp(m->weight[i].data, find(&made, m->weight[i].name)->values,
                     m->weight[i].rows * m->weight[i].columns * 4) == 0);
    model_free(m);
}

TEST(wrong_indexes_are_named) {
    static const struct {
        const char *extra, *part;
    } bad[] = {
        {", \"x\": \"../a.safetensors\"", "the file of \"x\" is \"../a.safetensors\", which is not inside"},
        {", \"x\": \"/etc/passwd\"", "not inside the folder"},
        {", \"x\": \"\"", "not inside the folder"},
        {", \"x\": 4", "should be a string, but is a number"},
        {", \"x\": \"c.safetensors\"", "c.safetensors is missing; model.safetensors.index.json names it"},
        {", \"x\": \"a.safetensors\"", "says that \"x\" is in a.safetensors, but it is not"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e = {0};
        struct model *m;
        fill(&made, false, DTYPE_F32);
        CHECK(write_shards(&made, bad[i].extra));
        CHECK(!model_load(&m, check_folder(), &e));
        CHECK_HAS(e.text, bad[i].part);
    }
    struct error e = {0};
    struct model *m;
    CHECK(write_file("model.safetensors.index.json", "{\"weights\": {}}"));
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "\"weight_map\" is missing");
    CHECK(write_file("model.safetensors.index.json", "{\"weight_map\": {}}"));
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "\"shared.weight\" is missing");
}

// Tensors first .. last-1 as PyTorch keeps them.
static bool write_torch(const struct made *m, const char *name, size_t first, size_t last) {
    struct torch_item item[MOST_TENSORS];
    struct buffer b = {0};
    for (size_t i = first; i < last; i++) {
        const struct safetensors_item *s = &m->item[i];
        size_t columns = s->dimensions == 2 ? s->shape[1] : 1, stored = s->shape[0] * columns;
        item[i] = (struct torch_item){.name = s->name,
                                      .storage = "FloatStorage",
                                      .dimensions = s->dimensions,
                                      .shape = {s->shape[0], s->shape[1]},
                                      .stride = {columns, 1},
                                      .stored = stored,
                                      .data = s->values,
                                      .bytes = stored * 4};
    }
    if (first)
        torch_row(&b, item + first, last - first, '\x88'); // which does not align its data
    else
        torch_zip(&b, item, last);
    bool ok = !b.failed && file_write_atomic(path_of(name), b.data, b.length, NULL);
    buffer_free(&b);
    return ok;
}

static bool weights_are(const struct model *m) {
    bool same = m->weights == made.count;
    for (size_t i = 0; same && i < m->weights; i++)
        same = (uintptr_t)m->weight[i].data % 4 == 0 &&
               memcmp(m->weight[i].data, find(&made, m->weight[i].name)->values,
                      m->weight[i].rows * m->weight[i].columns * 4) == 0;
    return same;
}

TEST(folders_with_pytorch_weights_only) {
    struct error e = {0};
    struct model *m;
    remove(path_of("model.safetensors"));
    remove(path_of("model.safetensors.index.json"));
    fill(&made, false, DTYPE_F32);
    CHECK(write_config(NULL));
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "holds no weights: model.safetensors or pytorch_model.bin");
    CHECK(write_torch(&made, "pytorch_model.bin", 0, made.count));
    CHECK_OK(model_load(&m, check_folder(), &e));
    CHECK(weights_are(m));
    model_free(m);
    CHECK(write_torch(&made, "pytorch_model.bin", 1, made.count)); // without the embedding
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "pytorch_model.bin: the tensor \"shared.weight\" is missing");
    CHECK(write_file("pytorch_model.bin", "PK"));
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "pytorch_model.bin: this is no file of torch.save");
    CHECK(remove(path_of("pytorch_model.bin")) == 0);
    CHECK(!model_load(&m, "/no/such/folder", &e));
    CHECK_HAS(e.text, "/no/such/folder is no folder");
    model_free(NULL);
}

TEST(shards_of_pytorch_weights) {
    struct error e = {0};
    struct model *m;
    struct buffer index = {0};
    fill(&made, true, DTYPE_F32);
    buffer_add_text(&index, "{\"weight_map\": {");
    for (size_t i = 0; i < made.count; i++)
        buffer_printf(&index, "%s\"%s\": \"pytorch_model-0000%d-of-00002.bin\"", i ? ", " : "",
                      made.item[i].name, i < 5 ? 1 : 2);
    buffer_add_text(&index, "}}");
    CHECK(write_config("gated-gelu") && write_file("pytorch_model.bin.index.json", index.data));
    buffer_free(&index);
    CHECK(write_torch(&made, "pytorch_model-00001-of-00002.bin", 0, 5));
    CHECK(!model_load(&m, check_folder(), &e));
    CHECK_HAS(e.text, "pytorch_model-00002-of-00002.bin is missing; pytorch_model.bin.index.json names it");
    CHECK(write_torch(&made, "pytorch_model-00002-of-00002.bin", 5, made.count));
    CHECK_OK(model_load(&m, check_folder(), &e));
    CHECK(weights_are(m));
    model_free(m);
    CHECK(remove(path_of("pytorch_model.bin.index.json")) == 0);
}

TEST(sprout_loads) {
    struct error e = {0};
    struct model *m;
    CHECK_OK(model_load(&m, "tests/share/models/sprout", &e));
    CHECK_SIZE(m->config.vocab_size, 1276);
    CHECK(m->head != m->embedding && m->embedding->dtype == DTYPE_BF16);
    model_free(m);
}
