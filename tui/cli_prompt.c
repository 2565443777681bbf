// SPDX-License-Identifier: GPL-3.0-or-later
// prompter nearest and prompter convert: prompts in files.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/nearest.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer.h"
#include "engine/tensor/gemm.h"
#include "sessions/prompt_file.h"
#include "sessions/session.h"
#include "tui/cli_options.h"
#include "tui/grid.h"

static const char *const kind_names[NEAR_KINDS] = {"cosine", "dot", "l2"};

struct found {
    struct prompt_matrix prompt;
    struct tokenizer *tokenizer;
    struct model *model;
    struct vocabulary_norms norms;
    struct near_token *near;
    struct thread_pool *pool;
    size_t k;
};

static double norm_of_row(const struct prompt_matrix *p, size_t row) {
    double sum = 0;
    for (size_t j = 0; j < p->columns; j++)
        sum += (double)p->value[row * p->columns + j] * p->value[row * p->columns + j];
    return sqrt(sum);
}

static bool find_all(struct found *f, const char *prompt_path, const char *model_folder, struct error *e) {
    if (!prompt_file_read(&f->prompt, prompt_path, e) || !model_load(&f->model, model_folder, e) ||
        !tokenizer_load(&f->tokenizer, model_folder, e))
        return false;
    if (f->prompt.columns != f->model->config.d_model)
        return error_set(
            e, ERROR_INPUT,
            "%s has vectors of %zu numbers, the model in %s has %zu: it was made for another model",
            prompt_path, f->prompt.columns, model_folder, f->model->config.d_model);
    gemm_prepare();
    if (!thread_pool_create(&f->pool, thread_count_available(), e) ||
        !vocabulary_norms_make(&f->norms, f->model, tokenizer_ids(f->tokenizer), e))
        return false;
    f->k = f->k < f->norms.ids ? f->k : f->norms.ids;
    f->near = mem_calloc(f->prompt.rows * NEAR_KINDS * f->k, sizeof *f->near, e);
    return f->near &&
           nearest_tokens(f->model, &f->norms, f->prompt.value, f->prompt.rows, f->k, f->pool, f->near, e);
}

static bool print_json_lines(const struct found *f, struct error *e) {
    bool ok = true;
    for (size_t v = 0; ok && v < f->prompt.rows; v++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "vector", (double)v);
        cJSON_AddNumberToObject(row, "norm", norm_of_row(&f->prompt, v));
        for (size_t kind = 0; kind < NEAR_KINDS; kind++) {
            cJSON *list = cJSON_AddArrayToObject(row, kind_names[kind]);
            for (size_t i = 0; i < f->k; i++) {
                const struct near_token *n = &f->near[(v * NEAR_KINDS + kind) * f->k + i];
                cJSON *item = cJSON_CreateObject();
                cJSON_AddNumberToObject(item, "id", n->id);
                cJSON_AddStringToObject(item, "piece", tokenizer_piece(f->tokenizer, n->id));
                cJSON_AddNumberToObject(item, "value", n->value);
                cJSON_AddItemToArray(list, item);
            }
        }
        char *text = json_print(row, false, e);
        ok = text != NULL;
        if (ok)
            puts(text);
        free(text);
        cJSON_Delete(row);
    }
    return ok;
}

static void print_table(const struct found *f, enum nearness kind) {
    printf("%6s %9s %5s  nearest by %s\n", "vector", "norm", "pct", kind_names[kind]);
    for (size_t v = 0; v < f->prompt.rows; v++) {
        double norm = norm_of_row(&f->prompt, v);
        printf("%6zu %9.4g %4.0f%%  ", v, norm, 100 * vocabulary_norms_percentile(&f->norms, norm));
        for (size_t i = 0; i < f->k; i++) {
            const struct near_token *n = &f->near[(v * NEAR_KINDS + kind) * f->k + i];
            const char *piece = tokenizer_piece(f->tokenizer, n->id);
            int wide = text_width(piece, strlen(piece));
            printf("%s %.3g%*s", piece, n->value, i + 1 < f->k ? (wide < 12 ? 14 - wide : 2) : 0, "");
        }
        putchar('\n');
    }
}

static int run_nearest(int argc, char **argv) {
    const char *model = NULL, *by = "cosine";
    size_t k = 5;
    bool json = false;
    const struct cli_option options[] = {
        {.name = "model",
         .argument = "DIR",
         .help = "the model the prompt was tuned on (needed)",
         .text = &model},
        {.name = "k", .argument = "N", .help = "tokens a vector, 1 to 20 (default 5)", .number = &k},
        {.name = "by", .argument = "KIND", .help = "cosine, dot or l2 (default cosine)", .text = &by},
        {.name = "json", .help = "one JSON object a vector, with all three kinds", .flag = &json},
    };
    size_t count, kind = 0;
    int status;
    if (!cli_parse(&cli_nearest, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    while (kind < NEAR_KINDS && strcmp(by, kind_names[kind]) != 0)
        kind++;
    if (!model || k < 1 || k > NEAR_MOST || kind == NEAR_KINDS) {
        cli_complain("nearest", !model                   ? "name the model with --model DIR"
                                : k < 1 || k > NEAR_MOST ? "--k is a number from 1 to 20"
                                                         : "--by is cosine, dot or l2");
        return CLI_USAGE;
    }
    struct error e = {0};
    struct found f = {.k = k};
    bool ok = find_all(&f, argv[0], model, &e);
    if (ok && json)
        ok = print_json_lines(&f, &e);
    else if (ok)
        print_table(&f, (enum nearness)kind);
    if (!ok)
        cli_complain("nearest", e.text);
    free(f.near);
    vocabulary_norms_free(&f.norms);
    thread_pool_free(f.pool);
    tokenizer_free(f.tokenizer);
    model_free(f.model);
    prompt_matrix_free(&f.prompt);
    return cli_finish("nearest", ok ? CLI_OK : CLI_FAILED);
}

static int run_convert(int argc, char **argv) {
    const char *model = NULL, *scale = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {.name = "model",
         .argument = "NAME",
         .help = "the model's name, written into a PEFT adapter",
         .text = &model},
        {.name = "times",
         .argument = "NUMBER",
         .help = "multiply by it (a prompt of PPT's official code: 100)",
         .text = &scale},
        {.name = "json", .help = "tell what was written as a JSON object", .flag = &json},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_convert, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    double times = 1;
    char *end = NULL;
    if (scale && (!isfinite(times = strtod(scale, &end)) || !*scale || *end)) {
        cli_complain("convert", "--times needs a number");
        return CLI_USAGE;
    }
    struct error e = {0};
    struct prompt_matrix p = {0};
    bool ok = prompt_file_read(&p, argv[0], &e);
    for (size_t i = 0; ok && i < p.rows * p.columns; i++)
        p.value[i] = (float)(p.value[i] * times);
    ok = ok && prompt_file_write(argv[1], &p, model, &e);
    if (!ok)
        cli_complain("convert", e.text);
    else
        printf(json ? "{\"vectors\": %zu, \"width\": %zu}\n" : "%zu vectors of %zu numbers\n", p.rows,
               p.columns);
    prompt_matrix_free(&p);
    return cli_finish("convert", ok ? CLI_OK : CLI_FAILED);
}

const struct cli_command cli_nearest = {
    .name = "nearest",
    .operands = "PROMPT",
    .summary = "Print the tokens nearest to each vector of a prompt file.",
    .example = "  $ prompter nearest sst2.npy --model t5-v1_1-lm100k-base --k 3",
    .least = 1,
    .most = 1,
    .run = run_nearest,
};
const struct cli_command cli_convert = {
    .name = "convert",
    .operands = "IN OUT",
    .summary = "Convert a prompt between formats, chosen by extension.",
    .details = "Reads .safetensors, .npy, PyTorch's .pt, .pth, .bin and .ckpt, of which it runs nothing, and "
               "folders with a\n"
               "PEFT adapter; writes .safetensors, .npy, and an adapter where OUT ends in a slash.",
    .example = "  $ prompter convert sst2.npy sst2.safetensors\n  100 vectors of 768 numbers\n"
               "  $ prompter convert prompt-1000.pt paper.safetensors --times 100",
    .least = 2,
    .most = 2,
    .run = run_convert,
};
