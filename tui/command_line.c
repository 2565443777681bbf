// SPDX-License-Identifier: GPL-3.0-or-later
// Readline through its callback interface: it reads from a queue of our own and draws nothing; what it holds
// is drawn with every frame.
#include "tui/command_line.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "tui/request.h"

// Readline does what a number before a key says, however large, and some of its keys take time in proportion
// to the square of the line.
enum { QUEUE_SIZE = 64, MOST_HISTORY_BYTES = 4 << 20, MOST_TIMES = 1000, MOST_LINE_BYTES = 1 << 14 };

static struct {
    bool started, open, changed, pasting;
    char queue[QUEUE_SIZE]; // bytes for readline
    size_t queue_begin, queue_end;
    char *finished;   // owned; a line that waits to be taken
    int scrolled;     // columns of the line left of the row
    char **candidate; // owned, of the last completion
    size_t candidates, candidate_capacity;
    bool show_candidates;
    char *history_path; // owned; NULL: none kept
    bool history_new;
    FILE *sink;                       // where readline would write
    const struct loop_client *client; // offers completions; may be NULL
} line;

// ---- what readline calls ----

static int next_byte(FILE *unused) {
    (void)unused;
    return line.queue_begin < line.queue_end ? (unsigned char)line.queue[line.queue_begin++] : EOF;
}

static int byte_waits(void) {
    return line.queue_begin < line.queue_end;
}

static void note_change(void) {
    line.changed = true;
}

static void drop_candidates(void) {
    for (size_t i = 0; i < line.candidates; i++)
        free(line.candidate[i]);
    line.candidates = 0;
}

static void add_candidate(void *word, const char *candidate) {
    if (strncmp(candidate, word, strlen(word)) != 0)
        return;
    if (!mem_grow(&line.candidate, &line.candidate_capacity, line.candidates + 1, sizeof *line.candidate,
                  NULL))
        return;
    char *copy = mem_strdup(candidate, NULL);
    if (copy)
        line.candidate[line.candidates++] = copy;
}

static char *next_candidate(const char *word, int state) {
    static size_t next;
    (void)word;
    if (state == 0)
        next = 0;
    return next < line.candidates ? strdup(line.candidate[next++]) : NULL; // readline frees it
}

static size_t first_letter(const char *text) {
    return strspn(text, " :");
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **complete(const char *word, int start, int end) {
    (void)end;
    char *writable = mem_strdup(word, NULL);
    rl_attempted_completion_over = 1; // never file names by readline's own opinion
    drop_candidates();
    if (!writable)
        return NULL;
    bool name = (size_t)start <= first_letter(rl_line_buffer);
    if (name)
        for (int r = REQUEST_NONE + 1; r < REQUEST_COUNT; r++)
            add_candidate(writable, request_info((enum request)r)->name);
    else if (line.client && line.client->completion.complete)
        line.client->completion.complete(line.client->context, rl_line_buffer, (size_t)start, add_candidate,
                                         writable);
    free(writable);
    if (line.candidates == 0)
        return NULL;
    qsort(line.candidate, line.candidates, sizeof *line.candidate, by_name);
    const char *only = line.candidates == 1 ? line.candidate[0] : NULL;
    // A folder goes on behind its slash; a name without arguments needs nothing behind it.
    rl_completion_suppress_append =
        only && (only[strlen(only) - 1] == '/' || (name && !request_info(request_find(only))->argument[0]));
    return rl_completion_matches(word, next_candidate);
}

static void show_candidates(char **match, int count, int longest) {
    (void)match, (void)count, (void)longest; // they are in line.candidate
    line.show_candidates = true;
    line.changed = true;
}

// The line without what is around it.
static char *copy_trimmed(const char *text) {
    text += first_letter(text);
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    return mem_strndup(text, length, NULL);
}

static void remember_line(const char *text) {
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!*text || (last && strcmp(last->line, text) == 0))
        return;
    add_history(text);
    line.history_new = true;
}

static void take_line(char *text) {
    rl_callback_handler_remove();
    line.open = false;
    line.changed = true;
    free(line.finished);
    line.finished = text ? copy_trimmed(text) : NULL;
    if (line.finished)
        remember_line(line.finished);
    free(text);
}

// ---- starting and stopping ----

static void set_up_readline(void) {
    rl_readline_name = "prompter";
    rl_catch_signals = rl_catch_sigwinch = rl_change_environment = 0;
    rl_prep_term_function = NULL;
    rl_deprep_term_function = NULL;
    rl_getc_function = next_byte;
    rl_input_available_hook = byte_waits;
    rl_redisplay_function = note_change;
    rl_completion_display_matches_hook = show_candidates;
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = " ";
    rl_outstream = line.sink;
    rl_instream = line.sink;
    rl_initialize();
    static const char *const SETTINGS[][2] = {
        {"editing-mode", "emacs"},
        {"bell-style", "none"},
        {"enable-bracketed-paste", "off"},
        {"show-all-if-ambiguous", "on"},
        {"blink-matching-paren", "off"},
        {"echo-control-characters", "off"},
        {"completion-query-items", "-1"},
        {"page-completions", "off"},
        {"menu-complete-display-prefix", "off"},
        {"input-meta", "on"},
        {"output-meta", "on"},
        {"convert-meta", "off"},
        {"mark-modified-lines", "off"},
        {"enable-active-region", "off"},
        {"completion-prefix-display-length", "0"},
        {"revert-all-at-newline", "on"},
    };
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        rl_variable_bind(SETTINGS[i][0], SETTINGS[i][1]);
    rl_bind_keyseq("\\e[3~", rl_delete);
    rl_bind_keyseq("\\e[1;5D", rl_backward_word);
    rl_bind_keyseq("\\e[1;5C", rl_forward_word);
    rl_bind_keyseq("\\e[5~", rl_history_search_backward);
    rl_bind_keyseq("\\e[6~", rl_history_search_forward);
}

static bool read_history_file(const char *path, struct error *e) {
    char *text = NULL;
    size_t length;
    if (!file_exists(path))
        return true;
    if (!file_read(path, MOST_HISTORY_BYTES, &text, &length, e))
        return error_context(e, "the history of commands");
    for (char *at = text, *end; at < text + length; at = end + 1) {
        end = memchr(at, '\n', (size_t)(text + length - at));
        if (!end)
            end = text + length;
        *end = '\0';
        if (*at && end - at <= MOST_LINE_BYTES && utf8_valid(at, strlen(at), NULL))
            add_history(at);
    }
    free(text);
    return true;
}

bool command_line_start(const struct loop_client *client, const char *history_path, struct error *e) {
    if (line.started)
        command_line_stop(NULL);
    line.client = client;
    line.history_new = false;
    line.sink = fopen("/dev/null", "r+e");
    if (!line.sink)
        return error_system(e, "/dev/null cannot be opened for the command line");
    line.started = true;
    set_up_readline();
    using_history();
    stifle_history(COMMAND_HISTORY);
    if (history_path) {
        line.history_path = mem_strdup(history_path, e);
        if (!line.history_path || !read_history_file(history_path, e)) {
            // A history that cannot be read is not written over.
            free(line.history_path);
            line.history_path = NULL;
            return false;
        }
    }
    return true;
}

static bool write_history_file(struct error *e) {
    struct buffer b = {0};
    bool ok = false;
    char *folder = path_folder(line.history_path, e);
    HIST_ENTRY **entry = history_list();
    for (; entry && *entry; entry++) {
        buffer_add_text(&b, (*entry)->line);
        buffer_add_char(&b, '\n');
    }
    ok = folder && buffer_ok(&b, e) && file_make_folders(folder, e) &&
         file_write_atomic(line.history_path, b.data, b.length, e);
    if (!ok)
        error_context(e, "the history of commands");
    buffer_free(&b);
    free(folder);
    return ok;
}

// With the undo lists of lines that were changed, which clear_history leaves. (rl_clear_history frees them
// too, but leaves pointers to its freed entries behind, which the next search follows: readline 8.2.)
static void forget_history(void) {
    for (HIST_ENTRY **entry = history_list(); entry && *entry; entry++) {
        if (!(*entry)->data)
            continue;
        rl_undo_list = (*entry)->data;
        rl_free_undo_list();
        (*entry)->data = NULL;
    }
    clear_history();
}

bool command_line_stop(struct error *e) {
    bool ok = true;
    if (!line.started)
        return true;
    command_line_close();
    if (line.history_path && line.history_new)
        ok = write_history_file(e);
    forget_history();
    drop_candidates();
    free(line.candidate);
    free(line.history_path);
    free(line.finished);
    rl_outstream = rl_instream = NULL;
    fclose(line.sink);
    memset(&line, 0, sizeof line);
    return ok;
}

// ---- open, keys, close ----

bool command_line_is_open(void) {
    return line.open;
}

char *command_line_take(void) {
    char *finished = line.finished;
    line.finished = NULL;
    return finished;
}

bool command_line_changed(void) {
    bool changed = line.changed;
    line.changed = false;
    return changed;
}

static void queue_text(const char *bytes) {
    for (; *bytes && line.queue_end < QUEUE_SIZE; bytes++)
        line.queue[line.queue_end++] = *bytes;
}

// Ctrl-X begins longer keys in readline, none of which is of use here, and within a search (Ctrl-R) the key
// that follows it crashes readline 8.2 in its callback interface. So it never gets there.
static bool begins_a_prefix(struct key k) {
    enum { CTRL_X = 'x' & 0x1f };
    return (k.control && (k.character | 0x20) == 'x') || k.character == CTRL_X;
}

static void queue_character(struct key k) {
    char bytes[4];
    if (begins_a_prefix(k))
        return;
    if (k.alt)
        queue_text("\033");
    if (k.control && k.character < 0x80) {
        if (line.queue_end < QUEUE_SIZE)
            line.queue[line.queue_end++] = (char)(k.character & 0x1f);
        return;
    }
    size_t length = utf8_encode(k.character, bytes);
    for (size_t i = 0; i < length && line.queue_end < QUEUE_SIZE; i++)
        line.queue[line.queue_end++] = bytes[i];
}

// The bytes that a terminal would have sent.
static void queue_key(struct key k) {
    static const char *const BYTES[] = {
        [KEY_CODE_ENTER] = "\r",          [KEY_CODE_TAB] = "\t",         [KEY_CODE_SHIFT_TAB] = "\033[Z",
        [KEY_CODE_BACKSPACE] = "\x7f",    [KEY_CODE_DELETE] = "\033[3~", [KEY_CODE_UP] = "\033[A",
        [KEY_CODE_DOWN] = "\033[B",       [KEY_CODE_RIGHT] = "\033[C",   [KEY_CODE_LEFT] = "\033[D",
        [KEY_CODE_HOME] = "\033[H",       [KEY_CODE_END] = "\033[F",     [KEY_CODE_PAGE_UP] = "\033[5~",
        [KEY_CODE_PAGE_DOWN] = "\033[6~",
    };
    bool words = k.control || k.alt;
    if (k.code == KEY_CODE_CHARACTER)
        queue_character(k);
    else if (words && (k.code == KEY_CODE_LEFT || k.code == KEY_CODE_RIGHT))
        queue_text(k.code == KEY_CODE_LEFT ? "\033[1;5D" : "\033[1;5C");
    else if (k.code == KEY_CODE_BACKSPACE && words)
        queue_text("\033\x7f"); // the word before
    else if ((size_t)k.code < sizeof BYTES / sizeof *BYTES && BYTES[k.code])
        queue_text(BYTES[k.code]);
}

// The next key would do it a million times, and negative times come as a sign kept elsewhere.
static void bound_number(void) {
    if (rl_numeric_arg <= MOST_TIMES)
        return;
    rl_numeric_arg = MOST_TIMES;
    if (RL_ISSTATE(RL_STATE_NUMERICARG))
        rl_message("(arg: at most %d) ", MOST_TIMES);
}

static void bound_line(void) {
    if (rl_end <= MOST_LINE_BYTES)
        return;
    rl_delete_text((int)utf8_boundary(rl_line_buffer, (size_t)rl_end, MOST_LINE_BYTES), rl_end);
    if (rl_point > rl_end)
        rl_point = rl_end;
    if (rl_mark > rl_end)
        rl_mark = rl_end;
}

static void feed_queue(void) {
    while (line.open && line.queue_begin < line.queue_end) {
        rl_callback_read_char();
        bound_number();
        bound_line();
    }
    line.queue_begin = line.queue_end = 0;
}

void command_line_close(void) {
    if (!line.open)
        return;
    line.queue_begin = line.queue_end = 0;
    if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG)) {
        queue_text("\x07"); // they give back the prompt only when they are aborted themselves
        feed_queue();
    }
    rl_free_undo_list();
    rl_free_line_state();
    rl_callback_sigcleanup(); // ends a search or a number that was being typed
    rl_callback_handler_remove();
    rl_point = rl_end = rl_mark = 0;
    rl_line_buffer[0] = '\0';
    line.open = false;
    line.changed = true;
}

void command_line_open(const char *begin) {
    if (!line.started)
        return;
    command_line_close();
    line.queue_begin = line.queue_end = 0;
    line.scrolled = 0;
    line.show_candidates = line.pasting = false;
    line.open = line.changed = true;
    rl_callback_handler_install(":", take_line);
    if (begin && *begin)
        rl_insert_text(begin);
}

static void end_search(void) {
    if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH)) {
        queue_text("\x05"); // to the end of what was found
        feed_queue();
    }
}

static void insert_pasted(struct key k) {
    char bytes[5] = " ";
    if (k.code == KEY_CODE_CHARACTER && k.character >= ' ' && k.character != 0x7f && !k.control)
        bytes[utf8_encode(k.character, bytes)] = '\0';
    end_search();
    rl_insert_text(bytes);
    bound_line();
    line.changed = true;
}

void command_line_key(struct key k) {
    bool control_c = k.code == KEY_CODE_CHARACTER && k.control && k.character == 'c';
    if (!line.open)
        return;
    line.show_candidates = false;
    line.changed = true;
    if (k.code == KEY_CODE_PASTE || k.code == KEY_CODE_PASTE_END) {
        line.pasting = k.code == KEY_CODE_PASTE;
    } else if (line.pasting) {
        insert_pasted(k);
    } else if (k.code == KEY_CODE_ESCAPE && RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH)) {
        end_search();
    } else if (control_c || k.code == KEY_CODE_ESCAPE ||
               (k.code == KEY_CODE_BACKSPACE && rl_end == 0 && !RL_ISSTATE(RL_STATE_ISEARCH))) {
        command_line_close();
    } else {
        queue_key(k);
        feed_queue();
    }
}

// ---- drawing ----

static void draw_candidates(struct grid *g, struct area row) {
    int column = 0;
    grid_fill(g, row, STYLE_PLAIN, ' ');
    for (size_t i = 0; i < line.candidates; i++) {
        const char *text = line.candidate[i];
        int width = text_width(text, strlen(text)), left = row.columns - column;
        char more[32];
        snprintf(more, sizeof more, "… %zu more", line.candidates - i);
        bool last = i + 1 == line.candidates;
        if (column > 0 && width + (last ? 0 : 12) > left) {
            grid_put_cut(g, row, 0, column, left, STYLE_DIM, more);
            return;
        }
        column += grid_put_cut(g, row, 0, column, left, STYLE_ACCENT, text) + 2;
    }
}

// What the request being typed takes and does, at the right where there is room.
static void draw_hint(struct grid *g, struct area row, int used) {
    char name[64];
    size_t begin = first_letter(rl_line_buffer), length = strcspn(rl_line_buffer + begin, " ");
    if (length == 0 || length >= sizeof name || RL_ISSTATE(RL_STATE_ISEARCH))
        return;
    memcpy(name, rl_line_buffer + begin, length);
    name[length] = '\0';
    enum request r = request_find(name);
    if (r == REQUEST_NONE)
        return;
    char hint[256];
    const struct request_info *info = request_info(r);
    snprintf(hint, sizeof hint, "%s%s%s  %s", info->name, *info->argument ? " " : "", info->argument,
             info->help);
    if (used + 3 + text_width(hint, strlen(hint)) <= row.columns)
        grid_put_right(g, row, 0, row.columns, STYLE_DIM, hint);
}

void command_line_draw(struct grid *g) {
    if (!line.open || g->rows < 1)
        return;
    struct area row = area_rows(grid_area(g), g->rows - 1, 1);
    const char *prompt = rl_display_prompt ? rl_display_prompt : ":";
    int prompt_width = text_width(prompt, strlen(prompt));
    int width = prompt_width + text_width(rl_line_buffer, (size_t)rl_end);
    int cursor = prompt_width + text_width(rl_line_buffer, (size_t)rl_point);
    // Scrolled no further than needed, with the cursor off the edges, where a "…" says that there is more.
    int margin = row.columns > 8 ? 3 : 0;
    if (width < row.columns)
        line.scrolled = 0;
    if (cursor - line.scrolled > row.columns - 1 - (cursor < width ? margin : 0))
        line.scrolled = cursor - row.columns + 1 + (cursor < width ? margin : 0);
    if (cursor - line.scrolled < margin)
        line.scrolled = cursor > margin ? cursor - margin : 0;
    grid_fill(g, row, STYLE_PLAIN, ' ');
    grid_put(g, row, 0, -line.scrolled, STYLE_KEY, prompt);
    grid_put_bytes(g, row, 0, prompt_width - line.scrolled, STYLE_PLAIN, rl_line_buffer, (size_t)rl_end);
    draw_hint(g, row, width);
    if (line.scrolled > 0 && margin > 0)
        grid_put(g, row, 0, 0, STYLE_DIM, "…");
    if (width - line.scrolled > row.columns && margin > 0)
        grid_put(g, row, 0, row.columns - 1, STYLE_DIM, "…");
    grid_cursor(g, row, 0, cursor - line.scrolled);
    if (line.show_candidates && line.candidates > 0 && g->rows > 1)
        draw_candidates(g, area_rows(grid_area(g), g->rows - 2, 1));
}
