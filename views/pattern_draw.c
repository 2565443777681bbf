// SPDX-License-Identifier: GPL-3.0-or-later
// Drawing the Pattern screen: the template, the label words, and the example as the model gets it.
#include "pattern_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "parts.h"

// Soft slots in a row are drawn as [first]▒▒▒[last]; more than these in between are counted.
enum { MOST_BLOCKS = 24 };

// ---- template and label words ----

static bool count_line(void *context, const char *text, size_t length) {
    (void)text, (void)length;
    ++*(int *)context;
    return true;
}

static int wrapped_rows(const char *text, int columns) {
    int rows = 0;
    text_wrap(text, strlen(text), columns > 0 ? columns : 1, count_line, &rows);
    return rows;
}

static bool fits_beside(const char *message, int at, int columns) {
    int width = text_width(message, strlen(message));
    return at >= 0 && (at + 2 + width <= columns || at >= width + 1);
}

// Rows that draw_error takes, with the wrong place in column `at`.
static int error_rows(const char *message, int at, int columns) {
    return fits_beside(message, at, columns) ? 1 : 1 + wrapped_rows(message, columns);
}

static int error_column(const struct pattern_view *v, int columns) {
    return editor_column(v->template_editor, v->error_at, columns);
}

// The message under the wrong place: "   ^ message" or "message ^", or below the mark where it is longer.
static void draw_error(struct grid *g, struct area a, int row, int at, const char *message) {
    int width = text_width(message, strlen(message));
    grid_put(g, a, row, at, STYLE_BAD, "^");
    if (fits_beside(message, at, a.columns))
        grid_put(g, a, row, at + 2 + width <= a.columns ? at + 2 : at - width - 1, STYLE_BAD, message);
    else
        grid_put_wrapped(g, area_rows(a, row + 1, a.rows - row - 1), 0, STYLE_BAD, message);
}

static void draw_template(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    const char *text = editor_text(v->template_editor);
    char title[96], note[96] = "";
    bool here = v->panes.focus == PANE_TEMPLATE;
    snprintf(title, sizeof title, "template, %s%s", v->form_openprompt ? "OpenPrompt syntax" : "short form",
             pattern_template_edited(v, ws) ? ", edited" : "");
    for (size_t i = 0; ws && i < ws->task->templates; i++)
        if (strcmp(ws->task->template_text[i], text) == 0)
            snprintf(note, sizeof note, "suggestion %zu of %zu", i + 1, ws->task->templates);
    if (here && v->editing)
        snprintf(note, sizeof note, "%s", PATTERN_EDITING);
    struct area inside = grid_frame(g, a, here, title, note[0] ? note : NULL);
    struct area body = area_columns(inside, 1, inside.columns - 2);
    bool bad = ws && !v->template_good;
    int column = error_column(v, body.columns), below = 0, row;
    if (bad && body.rows > 1) {
        below = error_rows(v->template_error.text, column, body.columns);
        below = below < body.rows - 1 ? below : body.rows - 1;
    }
    editor_draw_gap(v->template_editor, g, body, here && v->editing, v->style, bad ? v->error_at : SIZE_MAX,
                    below, &row);
    if (below)
        draw_error(g, area_rows(body, row, below), 0, column, v->template_error.text);
}

// ---- the example ----

// Words of their own on lines as wide as the area; rows before `top` are passed over.
struct flow {
    struct grid *g;
    struct area a;
    int row, column, top;
};

static void flow_put(struct flow *f, enum style style, const char *text) {
    int width = text_width(text, strlen(text));
    if (f->column > 0 && f->column + width > f->a.columns) {
        f->row++;
        f->column = 0;
    }
    if (f->row >= f->top)
        grid_put_cut(f->g, f->a, f->row - f->top, f->column, f->a.columns - f->column, style, text);
    f->column += width + 1;
}

static bool is_soft(const struct rendered *r, size_t i) {
    return i < r->count && r->token[i].input < 0;
}

// Soft slots from `i` on that count upwards: [v0]▒▒▒[v19]. Returns how many positions were drawn.
static size_t flow_soft(struct flow *f, const struct rendered *r, size_t i) {
    char text[160];
    size_t run = 1, used = 0;
    int32_t first = T5_SOFT(r->token[i].input); // the same formula leads back
    while (is_soft(r, i + run) && r->token[i + run].input == T5_SOFT(first + (int32_t)run))
        run++;
    if (run <= 2) {
        snprintf(text, sizeof text, "[v%d]", (int)first);
        flow_put(f, STYLE_SOFT, text);
        return 1;
    }
    used = (size_t)snprintf(text, sizeof text, "[v%d]", (int)first);
    size_t between = run - 2, blocks = between > MOST_BLOCKS ? 6 : between;
    const char *block = part_symbol(f->g, SYMBOL_BLOCK);
    for (size_t b = 0; b < blocks; b++) {
        if (between > MOST_BLOCKS && b == blocks / 2)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu",
                                     part_symbol(f->g, SYMBOL_TIMES), between);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", block);
    }
    snprintf(text + used, sizeof text - used, "[v%d]", (int)(first + (int32_t)run - 1));
    flow_put(f, STYLE_SOFT, text);
    return run;
}

// The whole rendering; what the budget took away stands between marks, dimmed.
static void flow_example(struct flow *f, const struct pattern_view *v, const struct workspace *ws) {
    const struct rendered *r = &v->whole, *kept = &v->shown;
    size_t left[TEMPLATE_MOST_PARTS + 1] = {0};
    bool cutting = false;
    char piece[PART_PIECE];
    for (size_t i = 0; i < kept->count; i++)
        if (kept->token[i].part <= TEMPLATE_MOST_PARTS)
            left[kept->token[i].part]++;
    for (size_t i = 0; i < r->count;) {
        const struct rendered_token *t = &r->token[i];
        if (is_soft(r, i)) {
            i += flow_soft(f, r, i);
            continue;
        }
        bool cut = t->part <= TEMPLATE_MOST_PARTS && left[t->part] == 0;
        if (t->part <= TEMPLATE_MOST_PARTS && left[t->part] > 0)
            left[t->part]--;
        if (cut != cutting)
            flow_put(f, STYLE_WARN, part_symbol(f->g, cut ? SYMBOL_CUT_BEGIN : SYMBOL_CUT_END));
        cutting = cut;
        part_piece(piece, f->g, ws->tokenizer, t->input);
        int kind = t->part < v->template.parts ? (int)v->template.part[t->part].kind : PART_SPECIAL;
        flow_put(f, cut ? STYLE_DIM : t->mask ? STYLE_MASK : pattern_kind_style(kind), piece);
        i++;
    }
    if (cutting)
        flow_put(f, STYLE_WARN, part_symbol(f->g, SYMBOL_CUT_END));
}

// The words that are asked for, as many as fit: "▁bad or ▁poor", "▁bad or 2 more", "▁bad +2".
static void target_text(const struct pattern_view *v, const struct workspace *ws, const struct grid *g,
                        size_t label, bool whole_vocabulary, int columns, char *out, size_t size) {
    const struct label_class *c = &v->words.label[label];
    size_t count = whole_vocabulary ? 1 : c->words, used = 0;
    out[0] = 0;
    for (size_t i = 0; i < count; i++) {
        char piece[PART_PIECE], more[32] = "", next[PART_PIECE + 48];
        part_piece(piece, g, ws->tokenizer, c->word[i].pieces ? c->word[i].id[0] : 0);
        if (i + 1 < count)
            snprintf(more, sizeof more, " or %zu more", count - i - 1);
        snprintf(next, sizeof next, "%s%s%s", i ? " or " : "", piece, more);
        bool room = used + strlen(next) + 16 < size &&
                    text_width(out, used) + text_width(next, strlen(next)) <= columns;
        if (i > 0 && !room) {
            snprintf(more, sizeof more, " or %zu more", count - i);
            if (text_width(out, used) + (int)strlen(more) > columns)
                snprintf(more, sizeof more, " +%zu", count - i);
            snprintf(out + used, size - used, "%s", more);
            return;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " or " : "", piece);
    }
}

// The decoder's two positions and what is asked of each.
static void draw_decoder(const struct pattern_view *v, const struct workbench *w, struct grid *g,
                         struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    const struct example *example = pattern_example_now(v, ws);
    bool whole = workbench_settings(w)->loss == LOSS_PAPER_CODE;
    char start[PART_PIECE], sentinel[PART_PIECE], target[256] = "?";
    part_piece(start, g, ws->tokenizer, ws->config.decoder_start_id);
    part_piece(sentinel, g, ws->tokenizer, tokenizer_sentinel(ws->tokenizer, 0));
    int second =
        10 + (text_width(sentinel, strlen(sentinel)) > 9 ? text_width(sentinel, strlen(sentinel)) : 9) + 2;
    if (v->words_good && example && example->label < v->words.classes)
        target_text(v, ws, g, example->label, whole, a.columns - second, target, sizeof target);
    grid_put(g, a, 0, 0, STYLE_DIM, "decoder");
    if (a.rows < 2) { // in one line
        char all[300];
        snprintf(all, sizeof all, "%s %s", part_symbol(g, SYMBOL_ARROW), target);
        int column = 8 + grid_put(g, a, 0, 8, STYLE_SPECIAL, start) + 1;
        column += grid_put_cut(g, a, 0, column, a.columns - column, STYLE_MASK, sentinel) + 1;
        grid_put_cut(g, a, 0, column, a.columns - column, STYLE_STRONG, all);
        return;
    }
    grid_put(g, a, 0, 10, STYLE_SPECIAL, start);
    grid_put(g, a, 0, second, STYLE_MASK, sentinel);
    grid_put(g, a, 1, 0, STYLE_DIM, "target");
    grid_put(g, a, 1, 10, whole ? STYLE_MASK : STYLE_DIM, whole ? sentinel : "(no loss)");
    int column = second + grid_put_cut(g, a, 1, second, a.columns - second, STYLE_STRONG, target) + 2;
    const char *loss = whole ? "loss over the whole vocabulary" : "loss over the label words";
    if (part_fits(loss, column, a.columns))
        grid_put(g, a, 1, column, STYLE_DIM, loss);
    else
        grid_put_cut(g, a, 2, 10, a.columns - 10, STYLE_DIM, loss);
}

static void cut_text(const struct pattern_view *v, size_t budget, char *out, size_t size) {
    size_t used = (size_t)snprintf(out, size, "! over the budget of %zu by %zu:", budget, v->shown.cut);
    for (size_t p = 0; p < v->shown.parts && p < v->template.parts && used < size; p++)
        if (v->shown.part_cut && v->shown.part_cut[p] > 0)
            used += (size_t)snprintf(out + used, size - used, " %zu from %s", v->shown.part_cut[p],
                                     v->template.part[p].text ? v->template.part[p].text : "options");
}

// Pieces of the example's own text that the model's vocabulary does not have.
static size_t unknown_pieces(const struct pattern_view *v, const struct workspace *ws) {
    size_t count = 0;
    for (size_t i = 0; i < v->shown.count; i++)
        count += v->shown.token[i].input == tokenizer_unk(ws->tokenizer);
    return count;
}

// What there is to warn about, a line each.
static void example_warnings(const struct pattern_view *v, const struct workbench *w, struct buffer *out) {
    char text[256];
    size_t unknown = unknown_pieces(v, workbench_workspace(w));
    if (unknown > 0)
        buffer_printf(out, "! %zu piece%s unknown to this model: it cannot read that text", unknown,
                      unknown == 1 ? " is" : "s are");
    if (v->shown.cut > 0) {
        cut_text(v, workbench_settings(w)->budget, text, sizeof text);
        buffer_printf(out, "%s%s", out->length ? "\n" : "", text);
    }
}

static void draw_legend(struct grid *g, struct area a, int row) {
    static const struct {
        const char *name;
        enum style style;
    } kind[] = {{"literal", STYLE_LITERAL}, {"field", STYLE_FIELD},     {"[soft]", STYLE_SOFT},
                {"mask", STYLE_MASK},       {"special", STYLE_SPECIAL}, {NULL, STYLE_PLAIN}};
    int column = 0;
    for (size_t i = 0; kind[i].name; i++)
        column += grid_put(g, a, row, column, kind[i].style, kind[i].name) + 2;
}

static void example_title(const struct pattern_view *v, const struct workspace *ws, char *out, size_t size) {
    const struct example *x = pattern_example_now(v, ws);
    bool train = v->example < ws->split->train_count;
    if (!x) {
        snprintf(out, size, "example");
        return;
    }
    const char *label = x->label < ws->task->classes ? ws->task->class_name[x->label] : "no label";
    snprintf(out, size, "%s example %zu of %zu: %.60s", train ? "train" : "dev",
             train ? v->example + 1 : v->example - ws->split->train_count + 1,
             train ? ws->split->train_count : ws->split->dev_count, label);
}

static void draw_example_body(struct pattern_view *v, const struct workbench *w, struct grid *g,
                              struct area body) {
    const struct workspace *ws = workbench_workspace(w);
    struct buffer warnings = {0};
    int foot = body.rows >= 9 ? 3 : body.rows >= 5 ? 2 : body.rows >= 3 ? 1 : 0; // 3: the loss has a line
    int legend = body.rows >= 12 ? 2 : 0, warned = 0;
    example_warnings(v, w, &warnings);
    if (warnings.length && !warnings.failed && body.rows >= 4)
        warned = wrapped_rows(warnings.data, body.columns);
    int most = body.rows - foot - legend - 2; // the example keeps two rows
    warned = warned > most ? most : warned;
    warned = warned < 0 ? 0 : warned;
    struct flow measure = {g, area_rows(body, 0, 0), 0, 0, 0};
    flow_example(&measure, v, ws);
    int room = body.rows - warned - legend, lines = measure.row + 1;
    foot -= foot == 3 && lines > room - foot; // the example is worth more than that line
    struct area flow = area_rows(body, 0, room - foot - (lines < room - foot));
    v->example_rows = flow.rows;
    v->example_lines = lines;
    int last = v->example_lines > flow.rows ? v->example_lines - flow.rows : 0;
    struct flow f = {g, flow, 0, 0, (int)v->scroll < last ? (int)v->scroll : last};
    flow_example(&f, v, ws);
    if (warned)
        grid_put_wrapped(g, area_rows(body, body.rows - foot - warned - legend, warned), 0, STYLE_WARN,
                         warnings.data);
    buffer_free(&warnings);
    if (foot)
        draw_decoder(v, w, g, area_rows(body, body.rows - foot - legend, foot));
    if (legend)
        draw_legend(g, body, body.rows - 1);
}

static void draw_example(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    char title[128] = "example", note[96] = "";
    if (ws)
        example_title(v, ws, title, sizeof title);
    if (ws && v->rendered_good)
        snprintf(note, sizeof note, "%zu of %zu positions, %zu soft", v->shown.count,
                 workbench_settings(w)->budget, v->pattern.slots);
    struct area inside = grid_frame(g, a, v->panes.focus == PANE_EXAMPLE, title, note[0] ? note : NULL);
    struct area body = area_columns(inside, 1, inside.columns - 2);
    if (!ws)
        grid_put_wrapped(g, body, 0, STYLE_DIM, "the example through the template goes here");
    else if (v->rendered_good)
        draw_example_body(v, w, g, body);
    else if (!v->template_good)
        grid_put_wrapped(g, body, 0, STYLE_DIM, "mend the template to see the example through it");
    else
        grid_put_wrapped(g, body, 0, STYLE_BAD,
                         v->render_error.text[0] ? v->render_error.text : "there are no examples");
}

// ---- the whole ----

int pattern_text_rows(const struct editor *ed, int columns) {
    int rows = 0;
    for (const char *at = editor_text(ed);; at++) {
        size_t length = strcspn(at, "\n");
        rows += 1 + (columns > 0 ? text_width(at, length) / columns : 0);
        at += length;
        if (!*at)
            return rows;
    }
}

// Rows that the panes of the texts want, with their frames.
static int template_rows(const struct pattern_view *v, int columns) {
    int rows = 2 + pattern_text_rows(v->template_editor, columns);
    if (v->template_error.text[0] && !v->template_good)
        rows += error_rows(v->template_error.text, error_column(v, columns), columns);
    return rows;
}

static int words_rows(const struct pattern_view *v, int columns) {
    int rows = 2 + pattern_text_rows(v->words_editor, columns);
    if (v->words_good)
        return rows + pattern_words_lines(v, columns);
    return rows + (v->words_error.text[0] ? wrapped_rows(v->words_error.text, columns) : 1);
}

// The spec is made anew for every area: the panes of the texts are as high as these need, within a third of
// the screen, until somebody moves a border.
const struct pane_spec *pattern_panes(void *state, struct area a, struct panes **panes) {
    struct pattern_view *v = state;
    bool wide = a.columns >= 110;
    int width = (wide ? a.columns / 2 : a.columns) - 4;
    int text = template_rows(v, width), words = words_rows(v, width), most = a.rows / 3;
    text = text > most ? most : text;
    text = text < 3 + (a.rows >= 18) ? 3 + (a.rows >= 18) : text;
    words = words > most ? most : words < 4 ? 4 : words;
    if (v->list != LIST_NONE) // a list has the room of both, and somewhat more
        words = a.rows * 11 / 20 - text > words ? a.rows * 11 / 20 - text : words;
    int rest = a.rows - text > 0 ? a.rows - text : 1, rows = a.rows > 0 ? a.rows : 1;
    struct pane_split above = {PANE_ROWS, (double)text / rows, 3, 6, PANE_TEMPLATE, PANE_SPLIT(1)};
    struct pane_split between = {PANE_ROWS, (double)words / rest, 3, 3, PANE_WORDS, PANE_EXAMPLE};
    *panes = &v->panes;
    v->spec = (struct pane_spec){"pattern", v->split, PANE_COUNT - 1, PANE_COUNT, wide};
    if (wide) { // texts and example at the left, what the model says at the right
        above.second = PANE_SPLIT(2);
        v->split[0] = (struct pane_split){PANE_COLUMNS, 0.5, 40, 30, PANE_SPLIT(1), PANE_MASK};
        v->split[1] = above;
        v->split[2] = between;
        v->spec.name = "pattern-wide";
    } else {
        between.second = PANE_SPLIT(2);
        v->split[0] = above;
        v->split[1] = between;
        v->split[2] = (struct pane_split){PANE_COLUMNS, 0.55, 20, 20, PANE_EXAMPLE, PANE_MASK};
    }
    return &v->spec;
}

void pattern_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct pattern_view *v = state;
    struct area pane[PANES_MOST];
    struct panes *panes;
    (void)now;
    const struct pane_spec *spec = pattern_panes(v, a, &panes);
    struct panes shown = v->list == LIST_NONE ? v->panes : (struct panes){.focus = v->panes.focus};
    panes_layout(&shown, spec, a, pane);
    if (v->list != LIST_NONE) {
        struct area both = pane[PANE_TEMPLATE];
        both.rows += pane[PANE_WORDS].rows;
        pattern_draw_list(v, w, g, both);
        pane[PANE_TEMPLATE] = pane[PANE_WORDS] = (struct area){0};
    }
    if (panes_shown(pane[PANE_TEMPLATE]))
        draw_template(v, w, g, pane[PANE_TEMPLATE]);
    if (panes_shown(pane[PANE_WORDS]))
        pattern_draw_words(v, w, g, pane[PANE_WORDS]);
    if (panes_shown(pane[PANE_EXAMPLE]))
        draw_example(v, w, g, pane[PANE_EXAMPLE]);
    if (panes_shown(pane[PANE_MASK]))
        pattern_draw_mask(v, w, g, pane[PANE_MASK]);
}
