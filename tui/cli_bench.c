// SPDX-License-Identifier: GPL-3.0-or-later
// prompter bench: one tuning step on this machine, against the machine's own matrix products.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/tune/benchmark.h"
#include "tui/cli_options.h"

static void print_json(const struct benchmark_options *o, const struct benchmark_result *r) {
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "shape", o->shape);
    cJSON_AddStringToObject(j, "texts", o->texts);
    cJSON_AddStringToObject(j, "dtype", dtype_name(o->dtype));
    cJSON_AddStringToObject(j, "products", o->openblas ? "openblas" : "own");
    cJSON_AddNumberToObject(j, "threads", (double)r->threads);
    cJSON_AddNumberToObject(j, "step_s", r->step_s);
    cJSON_AddNumberToObject(j, "step_least_s", r->step_least_s);
    cJSON_AddNumberToObject(j, "evaluate_s", r->evaluate_s);
    cJSON_AddNumberToObject(j, "positions_per_s", r->positions_per_s);
    cJSON_AddNumberToObject(j, "sgemm_share", r->sgemm_share);
    cJSON_AddNumberToObject(j, "gflop", r->gflop);
    cJSON_AddNumberToObject(j, "step_gflops", r->step_gflops);
    cJSON_AddNumberToObject(j, "sgemm_gflops", r->sgemm_gflops);
    cJSON_AddStringToObject(j, "sgemm_core", r->sgemm_core);
    cJSON_AddNumberToObject(j, "peak_mb", r->peak_mb);
    cJSON_AddNumberToObject(j, "weights_mb", r->weights_mb);
    cJSON_AddNumberToObject(j, "workspace_mb", r->workspace_mb);
    struct error e = {0};
    char *text = json_print(j, false, &e);
    if (text)
        puts(text);
    free(text);
    cJSON_Delete(j);
}

static void print_text(const struct benchmark_options *o, const struct benchmark_result *r) {
    printf("T5-v1.1-%s, %s-like texts, batch %zu, %zu soft vectors, %s weights, %zu threads\n", o->shape,
           o->texts, o->batch, o->slots, dtype_name(o->dtype), r->threads);
    printf("  one tuning step       %8.3f s   (median; least %.3f s)\n", r->step_s, r->step_least_s);
    printf("  scoring a batch       %8.3f s\n", r->evaluate_s);
    printf("  positions a second    %8.0f\n", r->positions_per_s);
    printf("  arithmetic            %8.1f GFLOP a step, %.0f GFLOP/s\n", r->gflop, r->step_gflops);
    printf("  OpenBLAS sgemm        %8.0f GFLOP/s for the same products (%s kernels)\n", r->sgemm_gflops,
           r->sgemm_core);
    printf(
        "  share of sgemm        %8.0f %%  (time sgemm takes for the step's products / time of the step)\n",
        100 * r->sgemm_share);
    printf("  memory                %8.0f MB at the peak, %.0f MB of it weights, %.0f MB work space\n",
           r->peak_mb, r->weights_mb, r->workspace_mb);
}

static bool find_dtype(const char *name, enum dtype *out) {
    static const enum dtype all[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcasecmp(name, dtype_name(all[i])) == 0) {
            *out = all[i];
            return true;
        }
    return false;
}

static int run(int argc, char **argv) {
    struct benchmark_options o = benchmark_options_default();
    const char *dtype = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {.name = "shape",
         .argument = "NAME",
         .help = "small, base, large, xl or xxl (default small)",
         .text = &o.shape},
        {.name = "texts",
         .argument = "NAME",
         .help = "sst2 (about 25 tokens) or race (about 300)",
         .text = &o.texts},
        {.name = "batch", .argument = "N", .help = "examples a step (default 8)", .number = &o.batch},
        {.name = "vectors", .argument = "N", .help = "soft vectors (default 100)", .number = &o.slots},
        {.name = "steps", .argument = "N", .help = "steps to measure", .number = &o.steps},
        {.name = "dtype",
         .argument = "TYPE",
         .help = "of the weights: f32, f16, bf16 (default f32)",
         .text = &dtype},
        {.name = "openblas",
         .help = "OpenBLAS does the large products of the steps, too",
         .flag = &o.openblas},
        {.name = "threads",
         .argument = "N",
         .help = "threads to use (default: all processors)",
         .number = &o.threads},
        {.name = "json", .help = "print a JSON object", .flag = &json},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_bench, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    if (dtype && !find_dtype(dtype, &o.dtype)) {
        cli_complain("bench", "--dtype is f32, f16 or bf16");
        return CLI_USAGE;
    }
    struct error e = {0};
    struct benchmark_result r;
    if (!benchmark_run(&o, &r, &e)) {
        cli_complain("bench", e.text);
        return e.kind == ERROR_INPUT ? CLI_USAGE : CLI_FAILED;
    }
    if (json)
        print_json(&o, &r);
    else
        print_text(&o, &r);
    return cli_finish("bench", CLI_OK);
}

const struct cli_command cli_bench = {
    .name = "bench",
    .operands = "",
    .summary = "Measure tuning steps against this machine's matrix products.",
    .details = "Weights are random and of the named shape of T5 v1.1; only the soft prompt trains. The "
               "products of a step are\n"
               "timed by OpenBLAS in the same run, in turn with the steps, so that the ratio holds on a busy "
               "machine too.",
    .example = "  $ prompter bench --shape small --json",
    .run = run,
};
