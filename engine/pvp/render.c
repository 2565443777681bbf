// SPDX-License-Identifier: GPL-3.0-or-later
// Binding a template, and rendering examples: every part becomes stretches of ids, those too long are cut,
// and what is left is written down token by token.
#include "render.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/model/t5.h"
#include "pieces.h"
#include "post.h"

enum { DEFAULT_BUDGET = 512, MOST_MASKS = 100 };

// ---- binding ----

// Parts before which a text has not begun: soft slots and special tokens.
static bool is_text(const struct template_part *p) {
    return p->kind != PART_SOFT && p->kind != PART_SPECIAL;
}

static bool allocate(struct pattern *out, struct error *e) {
    size_t n = out->template.parts;
    out->part_field = mem_calloc(n, sizeof *out->part_field, e);
    out->part_slot = mem_calloc(n, sizeof *out->part_slot, e);
    out->part_positions = mem_calloc(n, sizeof *out->part_positions, e);
    out->part_ids = mem_calloc(n, sizeof *out->part_ids, e);
    return out->part_field && out->part_slot && out->part_positions && out->part_ids;
}

static bool bind_field(struct pattern *out, size_t i, struct error *e) {
    const char *name = out->template.part[i].text;
    out->part_field[i] = task_find_field(out->task, name);
    return out->part_field[i] != SIZE_MAX
               ? true
               : error_set(e, ERROR_INPUT, "the template names the field \"%s\", which the task \"%s\" lacks",
                           name, out->task->name);
}

static bool bind_special(struct pattern *out, size_t i, struct error *e) {
    const char *name = out->template.part[i].text;
    bool eos = strcmp(name, "<eos>") == 0;
    if (!eos && strcmp(name, "<pad>") != 0)
        return error_set(e, ERROR_INPUT, "T5 has no %s; take {special:%s} out of the template", name, name);
    return token_list_add(&out->part_ids[i],
                          eos ? tokenizer_eos(out->tokenizer) : tokenizer_pad(out->tokenizer), e);
}

// New slots, `words` giving the tokens they start from (NULL: none).
static bool add_slots(struct pattern *out, size_t *capacity, size_t count, const struct token_list *words,
                      struct error *e) {
    if (count > TEMPLATE_MOST_SOFT - out->slots)
        return error_set(e, ERROR_INPUT, "the template has more than %d soft vectors", TEMPLATE_MOST_SOFT);
    if (!mem_grow(&out->slot_start, capacity, out->slots + count, sizeof *out->slot_start, e))
        return false;
    for (size_t i = 0; i < count; i++)
        out->slot_start[out->slots++] = words ? words->id[i] : -1;
    return true;
}

static bool bind_soft(struct pattern *out, size_t i, size_t *capacity, bool joined, struct error *e) {
    const struct template_part *p = &out->template.part[i];
    struct token_list words = {0};
    for (size_t j = 0; p->soft_id && j < i; j++) {
        const struct template_part *first = &out->template.part[j];
        if (first->kind != PART_SOFT || first->soft_id != p->soft_id)
            continue;
        out->part_slot[i] = out->part_slot[j];
        out->part_positions[i] = out->part_positions[j];
        return true;
    }
    out->part_slot[i] = out->slots;
    out->part_positions[i] = p->duplicate;
    bool ok = true;
    if (p->text && (ok = pieces_encode(out->tokenizer, p->text, strlen(p->text), joined, &words, e))) {
        out->part_positions[i] = words.count;
        if (!words.count)
            ok = error_set(e, ERROR_INPUT, "the soft words \"%.100s\" are no pieces at all; write some words",
                           p->text);
    }
    ok = ok && add_slots(out, capacity,
                         p->text   ? words.count
                         : p->same ? 1
                                   : p->duplicate,
                         p->text ? &words : NULL, e);
    token_list_free(&words);
    return ok;
}

static bool bind_parts(struct pattern *out, struct error *e) {
    size_t capacity = 0, masks = 0;
    bool begun = false;
    for (size_t i = 0; i < out->template.parts; i++) {
        const struct template_part *p = &out->template.part[i];
        bool joined = begun && !p->space_before, ok = true;
        begun |= is_text(p);
        if (p->kind == PART_FIELD)
            ok = bind_field(out, i, e);
        else if (p->kind == PART_SPECIAL)
            ok = bind_special(out, i, e);
        else if (p->kind == PART_SOFT)
            ok = bind_soft(out, i, &capacity, joined, e);
        else if (p->kind == PART_TEXT)
            ok = pieces_encode(out->tokenizer, p->text, strlen(p->text), joined, &out->part_ids[i], e);
        else if (p->kind == PART_OPTIONS && !out->task->option_columns)
            ok = error_set(e, ERROR_INPUT,
                           "the template has {options}, but the task \"%s\" is no multiple choice",
                           out->task->name);
        masks += p->kind == PART_MASK;
        if (!ok)
            return false;
    }
    return masks <= MOST_MASKS ||
           error_set(e, ERROR_INPUT, "the template has %zu masks; T5 knows %d", masks, MOST_MASKS);
}

bool pattern_bind(struct pattern *out, const struct template *t, const struct task *task,
                  const struct tokenizer *tokenizer, struct error *e) {
    *out = (struct pattern){.task = task, .tokenizer = tokenizer};
    if (template_copy(&out->template, t, e) && allocate(out, e) && bind_parts(out, e))
        return true;
    pattern_free(out);
    return false;
}

void pattern_free(struct pattern *p) {
    for (size_t i = 0; p->part_ids && i < p->template.parts; i++)
        token_list_free(&p->part_ids[i]);
    free(p->part_ids);
    free(p->part_positions);
    free(p->part_slot);
    free(p->part_field);
    free(p->slot_start);
    template_free(&p->template);
    memset(p, 0, sizeof *p);
}

// ---- rendering ----

// Ids of one origin that stand or are cut together.
struct stretch {
    size_t part, begin, count; // in job.ids
    size_t keep;
    bool shortenable;
};

struct job {
    const struct pattern *pattern;
    struct token_list ids; // input values: token ids and T5_SOFT(slot)
    struct stretch *stretch;
    size_t stretches, capacity;
};

// Everything added to job.ids since `begin` belongs to the part.
static bool add_stretch(struct job *j, size_t part, size_t begin, bool shortenable, struct error *e) {
    if (!mem_grow(&j->stretch, &j->capacity, j->stretches + 1, sizeof *j->stretch, e))
        return false;
    size_t count = j->ids.count - begin;
    j->stretch[j->stretches++] = (struct stretch){part, begin, count, count, shortenable};
    return true;
}

static bool add_text(struct job *j, size_t part, const char *text, bool joined, bool shortenable,
                     struct error *e) {
    size_t begin = j->ids.count;
    return pieces_encode(j->pattern->tokenizer, text, strlen(text), joined, &j->ids, e) &&
           add_stretch(j, part, begin, shortenable, e);
}

static bool add_field(struct job *j, size_t part, const char *text, bool joined, struct error *e) {
    const struct template_part *p = &j->pattern->template.part[part];
    if (!p->posts)
        return add_text(j, part, text, joined, p->shortenable, e);
    char *changed = post_apply(text, p->post, p->posts, e);
    bool ok = changed && add_text(j, part, changed, joined, p->shortenable, e);
    free(changed);
    return ok;
}

static bool add_options(struct job *j, size_t part, const struct example *x, bool joined, struct error *e) {
    const struct template_part *p = &j->pattern->template.part[part];
    for (size_t i = 0; i < x->options; i++) {
        const char label[] = {(char)('A' + (int)i), '.', 0};
        if (!add_text(j, part, label, joined && i == 0, false, e) ||
            !add_text(j, part, x->option[i], false, p->shortenable, e))
            return false;
    }
    return true;
}

static bool add_soft(struct job *j, size_t part, struct error *e) {
    const struct pattern *p = j->pattern;
    size_t begin = j->ids.count;
    for (size_t i = 0; i < p->part_positions[part]; i++) {
        size_t slot = p->part_slot[part] + (p->template.part[part].same ? 0 : i);
        if (!token_list_add(&j->ids, T5_SOFT(slot), e))
            return false;
    }
    return add_stretch(j, part, begin, false, e);
}

static bool add_ready(struct job *j, size_t part, struct error *e) {
    const struct token_list *ids = &j->pattern->part_ids[part];
    size_t begin = j->ids.count;
    for (size_t i = 0; i < ids->count; i++)
        if (!token_list_add(&j->ids, ids->id[i], e))
            return false;
    return add_stretch(j, part, begin, j->pattern->template.part[part].shortenable, e);
}

static bool add_parts(struct job *j, const struct example *x, struct error *e) {
    const struct pattern *pattern = j->pattern;
    size_t masks = 0;
    bool begun = false, ok = true;
    for (size_t i = 0; ok && i < pattern->template.parts; i++) {
        const struct template_part *p = &pattern->template.part[i];
        bool joined = begun && !p->space_before;
        begun |= is_text(p);
        switch (p->kind) {
        case PART_TEXT:
        case PART_SPECIAL:
            ok = add_ready(j, i, e);
            break;
        case PART_FIELD:
            ok = add_field(j, i, x->field[pattern->part_field[i]], joined, e);
            break;
        case PART_OPTIONS:
            ok = add_options(j, i, x, joined, e);
            break;
        case PART_MASK:
            ok = token_list_add(&j->ids, tokenizer_sentinel(pattern->tokenizer, masks++), e) &&
                 add_stretch(j, i, j->ids.count - 1, false, e);
            break;
        case PART_SOFT:
            ok = add_soft(j, i, e);
            break;
        }
    }
    return ok;
}

// Takes `over` ids from the ends of the longest shortenable stretches, one at a time.
static void cut(struct job *j, size_t over) {
    for (; over; over--) {
        struct stretch *longest = NULL;
        for (size_t i = 0; i < j->stretches; i++)
            if (j->stretch[i].shortenable && j->stretch[i].keep &&
                (!longest || j->stretch[i].keep >= longest->keep))
                longest = &j->stretch[i];
        assert(longest);
        longest->keep--;
    }
}

static bool fit(struct job *j, const struct render_options *options, struct error *e) {
    size_t budget = options->budget ? options->budget : DEFAULT_BUDGET, soft = 0;
    size_t total = j->ids.count + options->end_mark, fixed = total;
    for (size_t i = 0; i < j->stretches; i++) {
        if (j->stretch[i].shortenable)
            fixed -= j->stretch[i].count;
        if (j->pattern->template.part[j->stretch[i].part].kind == PART_SOFT)
            soft += j->stretch[i].count;
    }
    if (fixed > budget)
        return error_set(
            e, ERROR_INPUT,
            "the pattern needs %zu positions (%zu of them soft) where nothing more can be cut, but the "
            "length limit is %zu; raise the limit, or make more fields shortenable",
            fixed, soft, budget);
    if (total > budget)
        cut(j, total - budget);
    return true;
}

static bool write_down(const struct job *j, bool end_mark, struct rendered *out, struct error *e) {
    const struct template *t = &j->pattern->template;
    size_t part_capacity = out->parts;
    out->count = out->cut = 0;
    out->mask = SIZE_MAX;
    if (!mem_grow(&out->token, &out->capacity, j->ids.count + 1, sizeof *out->token, e) ||
        !mem_grow(&out->part_cut, &part_capacity, t->parts, sizeof *out->part_cut, e))
        return false;
    out->parts = t->parts;
    memset(out->part_cut, 0, t->parts * sizeof *out->part_cut);
    for (size_t i = 0; i < j->stretches; i++) {
        const struct stretch *s = &j->stretch[i];
        bool mask = t->part[s->part].kind == PART_MASK;
        if (mask && out->mask == SIZE_MAX)
            out->mask = out->count;
        out->part_cut[s->part] += s->count - s->keep;
        out->cut += s->count - s->keep;
        for (size_t k = 0; k < s->keep; k++)
            out->token[out->count++] =
                (struct rendered_token){j->ids.id[s->begin + k], (uint16_t)s->part, mask};
    }
    if (end_mark)
        out->token[out->count++] =
            (struct rendered_token){tokenizer_eos(j->pattern->tokenizer), (uint16_t)t->parts, false};
    return true;
}

bool pattern_render(const struct pattern *p, const struct example *example,
                    const struct render_options *options, struct rendered *out, struct error *e) {
    struct job j = {.pattern = p};
    bool ok = add_parts(&j, example, e) && fit(&j, options, e) && write_down(&j, options->end_mark, out, e);
    free(j.stretch);
    token_list_free(&j.ids);
    return ok;
}

void rendered_free(struct rendered *r) {
    free(r->token);
    free(r->part_cut);
    memset(r, 0, sizeof *r);
}
