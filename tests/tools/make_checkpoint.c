// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a T5 checkpoint with random weights in Hugging Face layout, of any shape: for benchmarks and tests.
//
// Weights are drawn piece by piece and streamed out, so memory stays small at any size. Each tensor has its
// own random stream (the seed and the tensor's number), so the values depend on seed and shape alone: not on
// --dtype (apart from rounding), --shards or the machine. Scales follow T5's initialisation, where every
// sublayer's output is of the order of its input; the head is scaled so that logits have a spread of about 1.
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/model/config.h"
#include "engine/model/safetensors.h"
#include "engine/model/tokenizer.h"

static const char usage[] =
    "usage: make_checkpoint OUT [--shape small|base|large|xl|xxl] [NAME=VALUE ...] [--dtype f32|f16|bf16]\n"
    "                       [--seed N] [--spiece FILE] [--shards N] [--relu] [--tied]\n"
    "\n"
    "Writes the folder OUT: config.json, model.safetensors (or N shards and their index), spiece.model.\n"
    "  --shape   sizes of T5 v1.1 (default small); NAME=VALUE changes one of: vocab_size d_model d_kv d_ff\n"
    "            num_heads num_layers num_decoder_layers num_buckets max_distance; vocab_size is 32128\n"
    "            unless given\n"
    "  --dtype   how weights are stored (default f32)\n"
    "  --seed    a whole number (default 1)\n"
    "  --spiece  a SentencePiece model to copy; without vocab_size=, the vocabulary is its pieces and 100\n"
    "            sentinels, rounded up to a multiple of 128\n"
    "  --relu    the feed-forward of T5 v1.0;  --tied  the embedding is also the head, as in v1.0\n"
    "\n"
    "example: make_checkpoint /tmp/tiny --shape small num_layers=2 d_ff=256 --dtype bf16\n";

struct settings {
    const char *out, *spiece;
    struct t5_config config;
    enum dtype type;
    uint64_t seed;
    size_t shards;
    bool tied, vocabulary_given, decoder_given;
};

// ---- arguments ----

static bool read_number(const char *text, size_t most, size_t *out) {
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || n > most)
        return false;
    *out = (size_t)n;
    return true;
}

static bool set_shape(struct t5_config *c, const char *name) {
    static const struct {
        const char *name;
        size_t d_model, d_ff, heads, layers;
    } shapes[] = {{"small", 512, 1024, 6, 8},
                  {"base", 768, 2048, 12, 12},
                  {"large", 1024, 2816, 16, 24},
                  {"xl", 2048, 5120, 32, 24},
                  {"xxl", 4096, 10240, 64, 24}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(shapes[i].name, name) != 0)
            continue;
        c->d_model = shapes[i].d_model;
        c->d_ff = shapes[i].d_ff;
        c->num_heads = shapes[i].heads;
        c->num_layers = shapes[i].layers;
        c->d_kv = 64;
        return true;
    }
    return false;
}

// NAME=VALUE; false when the name or the number is not one.
static bool set_value(struct settings *s, const char *argument) {
    struct t5_config *c = &s->config;
    const struct {
        const char *name;
        size_t *place;
    } names[] = {{"vocab_size", &c->vocab_size},
                 {"d_model", &c->d_model},
                 {"d_kv", &c->d_kv},
                 {"d_ff", &c->d_ff},
                 {"num_heads", &c->num_heads},
                 {"num_layers", &c->num_layers},
                 {"num_decoder_layers", &c->num_decoder_layers},
                 {"num_buckets", &c->num_buckets},
                 {"max_distance", &c->max_distance}};
    size_t length = strcspn(argument, "=");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) != length || strncmp(names[i].name, argument, length) != 0)
            continue;
        s->vocabulary_given |= names[i].place == &c->vocab_size;
        s->decoder_given |= names[i].place == &c->num_decoder_layers;
        return read_number(argument + length + 1, INT_MAX, names[i].place);
    }
    return false;
}

static bool set_dtype(struct settings *s, const char *name) {
    static const char *const names[] = {[DTYPE_F32] = "f32", [DTYPE_F16] = "f16", [DTYPE_BF16] = "bf16"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(names[i], name) == 0) {
            s->type = (enum dtype)i;
            return true;
        }
    }
    return false;
}

static bool set_option(struct settings *s, const char *option, const char *value) {
    size_t seed;
    if (strcmp(option, "--shape") == 0)
        return set_shape(&s->config, value);
    if (strcmp(option, "--dtype") == 0)
        return set_dtype(s, value);
    if (strcmp(option, "--shards") == 0)
        return read_number(value, 1000, &s->shards) && s->shards > 0;
    if (strcmp(option, "--spiece") == 0)
        return (s->spiece = value) != NULL;
    if (strcmp(option, "--seed") != 0 || !read_number(value, SIZE_MAX, &seed))
        return false;
    s->seed = seed;
    return true;
}

// Options and OUT. The first argument that is not understood, or NULL.
static const char *read_options(struct settings *s, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--relu") == 0) {
            s->config.gated = false;
        } else if (strcmp(a, "--tied") == 0) {
            s->tied = true;
        } else if (a[0] == '-') {
            if (i + 1 == argc || !set_option(s, a, argv[i + 1]))
                return a;
            i++;
        } else if (!s->out) {
            s->out = a;
        } else if (!strchr(a, '=')) {
            return a;
        }
    }
    return NULL;
}

// NAME=VALUE, after the options, so that it wins over --shape wherever it stands.
static const char *read_values(struct settings *s, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (a[0] == '-')
            i += strcmp(a, "--relu") != 0 && strcmp(a, "--tied") != 0;
        else if (a != s->out && !set_value(s, a))
            return a;
    }
    if (!s->decoder_given)
        s->config.num_decoder_layers = s->config.num_layers;
    return NULL;
}

// ---- the list of tensors ----

struct plan {
    struct safetensors_item *item;
    float *scale; // standard deviation; 0: all ones
    size_t items, capacity, scale_capacity;
    struct error *e;
    bool failed;
};

// rows 0: a vector.
__attribute__((format(printf, 5, 6))) static void plan_add(struct plan *p, size_t rows, size_t columns,
                                                           double scale, const char *format, ...) {
    char name[160];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (p->failed || !mem_grow(&p->item, &p->capacity, p->items + 1, sizeof *p->item, p->e) ||
        !mem_grow(&p->scale, &p->scale_capacity, p->items + 1, sizeof *p->scale, p->e)) {
        p->failed = true;
        return;
    }
    struct safetensors_item item = {.dimensions = rows ? 2 : 1, .shape = {rows ? rows : columns, columns}};
    item.name = mem_strdup(name, p->e);
    p->failed = !item.name;
    p->scale[p->items] = (float)scale;
    p->item[p->items++] = item;
}

static void plan_attention(struct plan *p, const struct t5_config *c, const char *layer, const char *kind) {
    size_t d = c->d_model, inner = c->num_heads * c->d_kv;
    double in = 1 / sqrt((double)d);
    plan_add(p, 0, d, 0, "%s.layer_norm.weight", layer);
    plan_add(p, inner, d, in / sqrt((double)c->d_kv), "%s.%s.q.weight", layer, kind);
    plan_add(p, inner, d, in, "%s.%s.k.weight", layer, kind);
    plan_add(p, inner, d, in, "%s.%s.v.weight", layer, kind);
    plan_add(p, d, inner, 1 / sqrt((double)inner), "%s.%s.o.weight", layer, kind);
}

static void plan_feed_forward(struct plan *p, const struct t5_config *c, const char *layer) {
    double in = 1 / sqrt((double)c->d_model);
    plan_add(p, 0, c->d_model, 0, "%s.layer_norm.weight", layer);
    plan_add(p, c->d_ff, c->d_model, in, "%s.DenseReluDense.%s.weight", layer, c->gated ? "wi_0" : "wi");
    if (c->gated)
        plan_add(p, c->d_ff, c->d_model, in, "%s.DenseReluDense.wi_1.weight", layer);
    plan_add(p, c->d_model, c->d_ff, 1 / sqrt((double)c->d_ff), "%s.DenseReluDense.wo.weight", layer);
}

static void plan_stack(struct plan *p, const struct t5_config *c, const char *stack, size_t blocks,
                       bool decoder) {
    char layer[80];
    for (size_t i = 0; i < blocks; i++) {
        snprintf(layer, sizeof layer, "%s.block.%zu.layer.0", stack, i);
        plan_attention(p, c, layer, "SelfAttention");
        if (i == 0)
            plan_add(p, c->num_buckets, c->num_heads, 1 / sqrt((double)c->d_model),
                     "%s.SelfAttention.relative_attention_bias.weight", layer);
        snprintf(layer, sizeof layer, "%s.block.%zu.layer.1", stack, i);
        if (decoder) {
            plan_attention(p, c, layer, "EncDecAttention");
            snprintf(layer, sizeof layer, "%s.block.%zu.layer.2", stack, i);
        }
        plan_feed_forward(p, c, layer);
    }
    plan_add(p, 0, c->d_model, 0, "%s.final_layer_norm.weight", stack);
}

static bool plan_model(struct plan *p, const struct settings *s) {
    const struct t5_config *c = &s->config;
    plan_add(p, c->vocab_size, c->d_model, 1, "shared.weight");
    plan_stack(p, c, "encoder", c->num_layers, false);
    plan_stack(p, c, "decoder", c->num_decoder_layers, true);
    if (!s->tied)
        plan_add(p, c->vocab_size, c->d_model, 1 / sqrt((double)c->d_model), "lm_head.weight");
    for (size_t i = 0; i < p->items; i++)
        p->item[i].type = s->type;
    return !p->failed;
}

static void plan_free(struct plan *p) {
    for (size_t i = 0; i < p->items; i++)
        free((char *)(uintptr_t)p->item[i].name);
    free(p->item);
    free(p->scale);
}

// ---- values ----

// The sum of four uniforms of 16 bits each: near a normal, variance 4/12, no library function involved, so
// the same everywhere.
static float draw(struct random *r, float scale) {
    uint64_t x = random_next(r);
    int32_t sum = (int32_t)(x & 0xffff) + (int32_t)(x >> 16 & 0xffff) + (int32_t)(x >> 32 & 0xffff) +
                  (int32_t)(x >> 48);
    return (float)(2 * sum - 4 * 0xffff) * (scale * (0x1p-17f * 1.7320508f));
}

static bool write_values(struct safetensors_writer *w, const struct plan *p, size_t i, uint64_t seed,
                         struct error *e) {
    enum { CHUNK = 1 << 14 };
    float values[CHUNK];
    struct random r;
    random_seed(&r, seed, i);
    const struct safetensors_item *item = &p->item[i];
    size_t count = item->shape[0] * (item->dimensions == 2 ? item->shape[1] : 1);
    for (size_t done = 0, n; done < count; done += n) {
        n = count - done < CHUNK ? count - done : CHUNK;
        for (size_t j = 0; j < n; j++)
            values[j] = p->scale[i] > 0 ? draw(&r, p->scale[i]) : 1;
        if (!safetensors_writer_add(w, values, n, e))
            return false;
    }
    return true;
}

// ---- files ----

static bool write_shard(const struct settings *s, const struct plan *p, const char *name, size_t first,
                        size_t count, struct error *e) {
    struct safetensors_pair metadata = {"format", "pt"};
    struct safetensors_writer *w = NULL;
    char *path = path_join(s->out, name, e);
    bool ok = path && safetensors_writer_open(&w, path, p->item + first, count, &metadata, 1, e);
    for (size_t i = first; ok && i < first + count; i++)
        ok = write_values(w, p, i, s->seed, e);
    ok = ok && safetensors_writer_finish(w, e);
    safetensors_writer_close(w);
    free(path);
    return ok;
}

static bool write_text(const struct settings *s, const char *name, struct buffer *b, struct error *e) {
    char *path = path_join(s->out, name, e);
    bool ok = path && buffer_ok(b, e) && file_write_atomic(path, b->data, b->length, e);
    free(path);
    return ok;
}

static bool write_weights(const struct settings *s, const struct plan *p, struct error *e) {
    if (s->shards == 1)
        return write_shard(s, p, "model.safetensors", 0, p->items, e);
    struct buffer index = {0};
    bool ok = true;
    size_t shards = s->shards < p->items ? s->shards : p->items;
    buffer_add_text(&index, "{\n  \"metadata\": {},\n  \"weight_map\": {");
    for (size_t i = 0, first = 0; ok && i < shards; i++) {
        char name[64];
        size_t next = p->items * (i + 1) / shards;
        snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards);
        for (size_t j = first; j < next; j++)
            buffer_printf(&index, "%s\n    \"%s\": \"%s\"", j ? "," : "", p->item[j].name, name);
        ok = write_shard(s, p, name, first, next - first, e);
        first = next;
    }
    buffer_add_text(&index, "\n  }\n}\n");
    ok = ok && write_text(s, "model.safetensors.index.json", &index, e);
    buffer_free(&index);
    return ok;
}

static void config_text(const struct settings *s, struct buffer *b) {
    const struct t5_config *c = &s->config;
    buffer_printf(b,
                  "{\n  \"architectures\": [\"T5ForConditionalGeneration\"],\n  \"model_type\": \"t5\",\n"
                  "  \"vocab_size\": %zu,\n  \"d_model\": %zu,\n  \"d_kv\": %zu,\n  \"d_ff\": %zu,\n"
                  "  \"num_heads\": %zu,\n  \"num_layers\": %zu,\n  \"num_decoder_layers\": %zu,\n",
                  c->vocab_size, c->d_model, c->d_kv, c->d_ff, c->num_heads, c->num_layers,
                  c->num_decoder_layers);
    buffer_printf(b,
                  "  \"relative_attention_num_buckets\": %zu,\n  \"relative_attention_max_distance\": %zu,\n"
                  "  \"feed_forward_proj\": \"%s\",\n  \"tie_word_embeddings\": %s,\n"
                  "  \"layer_norm_epsilon\": 1e-06,\n  \"pad_token_id\": 0,\n  \"eos_token_id\": 1,\n"
                  "  \"decoder_start_token_id\": 0,\n  \"is_encoder_decoder\": true\n}\n",
                  c->num_buckets, c->max_distance, c->gated ? "gated-gelu" : "relu",
                  s->tied ? "true" : "false");
}

static bool copy_spiece(const struct settings *s, struct error *e) {
    char *bytes = NULL, *path = path_join(s->out, "spiece.model", e);
    size_t length;
    bool ok = path && file_read(s->spiece, (size_t)1 << 30, &bytes, &length, e) &&
              file_write_atomic(path, bytes, length, e);
    free(bytes);
    free(path);
    return ok;
}

static bool fit_vocabulary(struct settings *s, struct error *e) {
    struct tokenizer *t;
    if (!tokenizer_load(&t, s->spiece, e))
        return false;
    size_t ids = tokenizer_ids(t);
    tokenizer_free(t);
    if (!s->vocabulary_given)
        s->config.vocab_size = (ids + 127) / 128 * 128;
    if (s->config.vocab_size < ids)
        return error_set(e, ERROR_INPUT, "vocab_size=%zu is less than the %zu ids of %s",
                         s->config.vocab_size, ids, s->spiece);
    return true;
}

// A folder that held other weights before must not keep any that would be read in place of these.
static bool remove_other_weights(const struct settings *s, struct error *e) {
    char *path = path_join(s->out, s->shards == 1 ? "model.safetensors.index.json" : "model.safetensors", e);
    bool ok = path != NULL;
    if (ok && remove(path) != 0 && errno != ENOENT)
        ok = error_system(e, "cannot remove the old %s", path);
    free(path);
    return ok;
}

static bool make(struct settings *s, struct error *e) {
    struct plan plan = {.e = e};
    struct buffer config = {0};
    struct t5_config checked;
    bool ok = false;
    if (s->spiece && !fit_vocabulary(s, e))
        goto done;
    config_text(s, &config);
    if (!buffer_ok(&config, e) || !t5_config_parse(&checked, config.data, config.length, e) ||
        !file_make_folders(s->out, e) || !remove_other_weights(s, e) || !plan_model(&plan, s))
        goto done;
    ok = write_weights(s, &plan, e) && (!s->spiece || copy_spiece(s, e)) &&
         write_text(s, "config.json", &config, e);
done:
    plan_free(&plan);
    buffer_free(&config);
    return ok;
}

int main(int argc, char **argv) {
    struct error e = {0};
    struct settings s = {.seed = 1, .shards = 1};
    s.config = (struct t5_config){.vocab_size = 32128, .gated = true, .num_buckets = 32, .max_distance = 128};
    set_shape(&s.config, "small");
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    const char *wrong = read_options(&s, argc, argv);
    if (!wrong && s.out)
        wrong = read_values(&s, argc, argv);
    if (wrong)
        fprintf(stderr, "make_checkpoint: \"%s\" is not understood, or its value is not\n\n", wrong);
    if (wrong || !s.out) {
        fputs(usage, stderr);
        return 2;
    }
    if (!make(&s, &e)) {
        fprintf(stderr, "make_checkpoint: %s\n", e.text);
        return 1;
    }
    return 0;
}
