// SPDX-License-Identifier: GPL-3.0-or-later
// Drawing the Pattern screen: the template, the label words, and the example as the model gets it.
#include "pattern_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

// Rows that draw_error takes, with the wrong place in column `at` (-1: no one place).
static int error_rows(const char *message, int at, int columns) {
    int width = text_width(message, strlen(message));
    bool beside = (at >= 0 && at + 2 + width <= columns) || at >= width + 1;
    return beside ? 1 : wrapped_rows(message, columns);
}

// The column of the template's error where the template is one row; -1 otherwise.
static int error_column(const struct pattern_view *v, int columns) {
    const char *text = editor_text(v->template_editor);
    size_t length = strlen(text), at = v->error_at < length ? v->error_at : length;
    bool one_row = !strchr(text, '\n') && text_width(text, length) < columns;
    return one_row ? text_width(text, at) : -1;
}

// The message, as near under the wrong place as it fits: "   ^ message" or "message ^".
static void draw_error(struct grid *g, struct area a, int row, int at, const char *message) {
    int width = text_width(message, strlen(message));
    if (at >= 0 && at + 2 + width <= a.columns) {
        grid_put(g, a, row, at, STYLE_BAD, "^");
        grid_put(g, a, row, at + 2, STYLE_BAD, message);
    } else if (at >= width + 1) {
        grid_put(g, a, row, at - width - 1, STYLE_BAD, message);
        grid_put(g, a, row, at, STYLE_BAD, "^");
    } else {
        grid_put_wrapped(g, area_rows(a, row, a.rows - row), 0, STYLE_BAD, message);
    }
}

static void draw_template(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    const char *text = editor_text(v->template_editor);
    char title[96], note[96] = "";
    bool here = v->focus == PANE_TEMPLATE;
    snprintf(title, sizeof title, "template, %s%s", v->form_openprompt ? "OpenPrompt syntax" : "short form",
             pattern_unsaved(v, w) ? ", edited" : "");
    for (size_t i = 0; ws && i < ws->task->templates; i++)
        if (strcmp(ws->task->template_text[i], text) == 0)
            snprintf(note, sizeof note, "suggestion %zu of %zu", i + 1, ws->task->templates);
    struct area inside = grid_frame(g, a, here, title, note[0] ? note : NULL);
    struct area body = area_columns(inside, 1, inside.columns - 2);
    bool bad = ws && !v->template_good;
    int column = error_column(v, body.columns), below = 0;
    if (bad && body.rows > 1) {
        below = error_rows(v->template_error.text, column, body.columns);
        below = below < body.rows - 1 ? below : body.rows - 1;
    }
    struct area lines = area_rows(body, 0, body.rows - below);
    int used =
        editor_draw(v->template_editor, g, lines, here && v->editing, v->style, bad ? v->error_at : SIZE_MAX);
    if (bad)
        draw_error(g, body, used < lines.rows ? used : body.rows - below, column, v->template_error.text);
}

static void word_text(const struct label_class *c, char *out, size_t size) {
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < c->words && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", c->word[i].text);
}

// Widths of the columns of names and words: as wide as their longest, within a third of the row.
static void class_columns(const struct pattern_view *v, const struct task *t, int columns, int *name,
                          int *words) {
    char text[256];
    *name = *words = 4;
    for (size_t i = 0; i < v->words.classes; i++) {
        int width = i < t->classes ? text_width(t->class_name[i], strlen(t->class_name[i])) : 0;
        *name = width > *name ? width : *name;
        word_text(&v->words.label[i], text, sizeof text);
        width = text_width(text, strlen(text));
        *words = width > *words ? width : *words;
    }
    *name = *name > columns / 3 ? columns / 3 : *name;
    *words = *words > columns / 3 ? columns / 3 : *words;
}

static void draw_class(const struct pattern_view *v, const struct workspace *ws, struct grid *g,
                       struct area a, int row, size_t label) {
    const struct label_class *c = &v->words.label[label];
    char text[256], piece[PART_PIECE];
    int name, words;
    class_columns(v, ws->task, a.columns, &name, &words);
    int column = name + words + 6;
    grid_put_cut(g, a, row, 0, name, STYLE_DIM, label < ws->task->classes ? ws->task->class_name[label] : "");
    word_text(c, text, sizeof text);
    grid_put_cut(g, a, row, name + 3, words, STYLE_STRONG, text);
    for (size_t i = 0; i < c->words; i++) {
        for (size_t p = 0; p < c->word[i].pieces; p++) {
            int32_t id = c->word[i].id[p];
            part_piece(piece, g, ws->tokenizer, id);
            snprintf(text, sizeof text, "%s (%d)", piece, (int)id);
            if (!part_fits(text, column, a.columns))
                return;
            column += grid_put(g, a, row, column, c->word[i].pieces > 1 ? STYLE_WARN : STYLE_LITERAL, piece);
            column += grid_printf(g, a, row, column, STYLE_DIM, " (%d)", (int)id) + 1;
        }
        if (i + 1 < c->words)
            column += grid_put(g, a, row, column, STYLE_DIM, part_symbol(g, SYMBOL_DOT)) + 1;
    }
}

static size_t warning_lines(const struct pattern_view *v) {
    size_t lines = 0;
    for (const char *at = v->warnings; at && *at; at += strcspn(at, "\n"), at += *at == '\n')
        lines++;
    return lines;
}

// One line each, or wrapped where there is room for two.
static void draw_warnings(const struct pattern_view *v, struct grid *g, struct area a, int row) {
    char line[300];
    bool room = a.rows - row >= 2 * (int)warning_lines(v);
    for (const char *at = v->warnings; at && *at && row < a.rows;) {
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "! %.*s", (int)(length < 280 ? length : 280), at);
        if (room) {
            row += grid_put_wrapped(g, a, row, STYLE_WARN, line);
        } else {
            grid_put_cut(g, a, row++, 0, a.columns, STYLE_WARN, line);
        }
        at += length + (at[length] == '\n');
    }
}

static bool several_pieces(const struct verbalizer *words) {
    for (size_t c = 0; c < words->classes; c++)
        for (size_t i = 0; i < words->label[c].words; i++)
            if (words->label[c].word[i].pieces > 1)
                return true;
    return false;
}

static void draw_words(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    bool here = v->focus == PANE_WORDS;
    char note[64] = "";
    if (ws && v->words_good && several_pieces(&v->words))
        snprintf(note, sizeof note, "scored by their pieces: %s", word_pieces_name(v->words.pieces));
    struct area inside = grid_frame(g, a, here, "label words", note[0] ? note : NULL);
    struct area body = area_columns(inside, 1, inside.columns - 2);
    editor_draw(v->words_editor, g, area_rows(body, 0, body.rows > 1 ? 1 : body.rows), here && v->editing,
                NULL, SIZE_MAX);
    int row = 1;
    if (!ws)
        return;
    if (!v->words_good) {
        draw_error(g, body, row, -1, v->words_error.text);
        return;
    }
    int warnings = (int)warning_lines(v), room = body.rows - row;
    int classes = (int)v->words.classes, shown = room - warnings >= classes ? classes : room - (warnings > 0);
    for (int i = 0; i < shown && i < classes; i++)
        draw_class(v, ws, g, body, row + i, (size_t)i);
    draw_warnings(v, g, body, row + (shown > 0 ? shown < classes ? shown : classes : 0));
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

static void target_text(const struct pattern_view *v, const struct workspace *ws, const struct grid *g,
                        size_t label, bool whole_vocabulary, char *out, size_t size) {
    const struct label_class *c = &v->words.label[label];
    char piece[PART_PIECE];
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < (whole_vocabulary ? 1 : c->words) && used < size; i++) {
        part_piece(piece, g, ws->tokenizer, c->word[i].pieces ? c->word[i].id[0] : 0);
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
    if (v->words_good && example && example->label < v->words.classes)
        target_text(v, ws, g, example->label, whole, target, sizeof target);
    int second =
        10 + (text_width(sentinel, strlen(sentinel)) > 9 ? text_width(sentinel, strlen(sentinel)) : 9) + 2;
    grid_put(g, a, 0, 0, STYLE_DIM, "decoder");
    grid_put(g, a, 0, 10, STYLE_SPECIAL, start);
    grid_put(g, a, 0, second, STYLE_MASK, sentinel);
    if (a.rows < 2) { // in one line
        char all[300];
        snprintf(all, sizeof all, "%s %s", part_symbol(g, SYMBOL_ARROW), target);
        int from = second + text_width(sentinel, strlen(sentinel)) + 1;
        grid_put_cut(g, a, 0, from, a.columns - from, STYLE_STRONG, all);
        return;
    }
    grid_put(g, a, 1, 0, STYLE_DIM, "target");
    grid_put(g, a, 1, 10, whole ? STYLE_MASK : STYLE_DIM, whole ? sentinel : "(no loss)");
    int column = second + grid_put_cut(g, a, 1, second, a.columns - second, STYLE_STRONG, target);
    grid_put_cut(g, a, 1, column + 2, a.columns - column - 2, STYLE_DIM,
                 whole ? "loss over the whole vocabulary" : "loss over the label words");
}

static void draw_cut_line(const struct pattern_view *v, struct grid *g, struct area a, int row,
                          size_t budget) {
    char text[256];
    size_t used =
        (size_t)snprintf(text, sizeof text, "! over the budget of %zu by %zu:", budget, v->shown.cut);
    for (size_t p = 0; p < v->shown.parts && p < v->template.parts && used < sizeof text; p++)
        if (v->shown.part_cut && v->shown.part_cut[p] > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, " %zu from %s", v->shown.part_cut[p],
                                     v->template.part[p].text ? v->template.part[p].text : "options");
    grid_put_cut(g, a, row, 0, a.columns, STYLE_WARN, text);
}

// Pieces of the example's own text that the model's vocabulary does not have.
static size_t unknown_pieces(const struct pattern_view *v, const struct workspace *ws) {
    size_t count = 0;
    for (size_t i = 0; i < v->shown.count; i++)
        count += v->shown.token[i].input == tokenizer_unk(ws->tokenizer);
    return count;
}

static void draw_unknown_line(struct grid *g, struct area a, int row, size_t count) {
    char text[128];
    snprintf(text, sizeof text, "! %zu piece%s unknown to this model: it cannot read that text", count,
             count == 1 ? " is" : "s are");
    grid_put_cut(g, a, row, 0, a.columns, STYLE_WARN, text);
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
    const char *label = x && x->label < ws->task->classes ? ws->task->class_name[x->label] : "no label";
    snprintf(out, size, "%s example %zu of %zu: %.60s", train ? "train" : "dev",
             train ? v->example + 1 : v->example - ws->split->train_count + 1,
             train ? ws->split->train_count : ws->split->dev_count, label);
}

static void draw_example_body(struct pattern_view *v, const struct workbench *w, struct grid *g,
                              struct area body) {
    const struct workspace *ws = workbench_workspace(w);
    int foot = body.rows >= 5 ? 2 : body.rows >= 3 ? 1 : 0, cut = v->shown.cut > 0 && body.rows >= 4;
    size_t unknown = unknown_pieces(v, ws);
    int legend = body.rows >= 11, warned = unknown > 0 && body.rows >= 6;
    struct area flow =
        area_rows(body, 0, body.rows - foot - cut - warned - 2 * legend - (body.rows >= 8 && foot));
    struct flow measure = {g, area_rows(flow, 0, 0), 0, 0, 0};
    flow_example(&measure, v, ws);
    v->example_rows = flow.rows;
    v->example_lines = measure.row + 1;
    int last = v->example_lines > flow.rows ? v->example_lines - flow.rows : 0;
    struct flow f = {g, flow, 0, 0, (int)v->scroll < last ? (int)v->scroll : last};
    flow_example(&f, v, ws);
    if (cut)
        draw_cut_line(v, g, body, body.rows - foot - cut - 2 * legend, workbench_settings(w)->budget);
    if (warned)
        draw_unknown_line(g, body, body.rows - foot - cut - warned - 2 * legend, unknown);
    if (foot)
        draw_decoder(v, w, g, area_rows(body, body.rows - foot - 2 * legend, foot));
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
    struct area inside = grid_frame(g, a, v->focus == PANE_EXAMPLE, title, note[0] ? note : NULL);
    struct area body = area_columns(inside, 1, inside.columns - 2);
    if (!ws)
        grid_put_cut(g, body, 0, 0, body.columns, STYLE_DIM, "the example through the template goes here");
    else if (v->rendered_good)
        draw_example_body(v, w, g, body);
    else if (!v->template_good)
        grid_put_cut(g, body, 0, 0, body.columns, STYLE_DIM,
                     "mend the template to see the example through it");
    else
        grid_put_wrapped(g, body, 0, STYLE_BAD,
                         v->render_error.text[0] ? v->render_error.text : "there are no examples");
}

// ---- the whole ----

static void draw_one(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a,
                     size_t pane) {
    if (pane == PANE_TEMPLATE)
        draw_template(v, w, g, a);
    else if (pane == PANE_WORDS)
        draw_words(v, w, g, a);
    else
        draw_example(v, w, g, a);
}

void pattern_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct pattern_view *v = state;
    const struct workspace *ws = workbench_workspace(w);
    (void)now;
    if (v->zoom) {
        draw_one(v, w, g, a, v->focus);
        return;
    }
    bool beside = a.columns >= 110;
    struct area left = beside ? area_columns(a, 0, a.columns / 2) : a;
    int width = left.columns - 4,
        text = text_width(editor_text(v->template_editor), strlen(editor_text(v->template_editor)));
    int lines = width > 0 ? 1 + text / width : 1, classes = ws ? (int)ws->task->classes : 1;
    int most = a.rows / 3;
    int top = 2 + lines, words = 3 + classes + (v->words_good ? (int)warning_lines(v) : 0);
    if (ws && !v->template_good) // the message matters more than the example, which cannot be shown now
        top += error_rows(v->template_error.text, error_column(v, width), width);
    if (ws && !v->words_good && error_rows(v->words_error.text, -1, width) > classes)
        words = 3 + error_rows(v->words_error.text, -1, width);
    top = top < 3 + (a.rows >= 18) ? 3 + (a.rows >= 18) : top > most ? most : top;
    words = words < 4 ? 4 : words > most && !beside ? most : words;
    if (beside)
        words = a.rows - top;
    draw_template(v, w, g, area_rows(left, 0, top));
    draw_words(v, w, g, area_rows(left, top, words));
    if (beside)
        draw_example(v, w, g, area_columns(a, left.columns, a.columns - left.columns));
    else
        draw_example(v, w, g, area_rows(a, top + words, a.rows - top - words));
}
