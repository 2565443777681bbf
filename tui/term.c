// SPDX-License-Identifier: GPL-3.0-or-later
// Curses, and nothing but curses: modes, colours, cells, keys.
//
// Ctrl-C and Ctrl-Z arrive as keys, in order with the others; Ctrl-\ stays a signal, the way out when the
// program does not answer. What the roles of cells look like is the theme's (tui/theme.h).
#include "tui/term.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "tui/signals.h"
#include "tui/theme.h"

#define NCURSES_NOMACROS 1
#include <curses.h>

enum {
    // Codes for the marks around pasted text, beyond those that curses hands out by itself.
    CODE_PASTE = 3000,
    CODE_PASTE_END = 3001,
    MOST_SEQUENCE = 32,
    LOG_SHOWN = 4096,
};

static struct {
    int colors; // 0: none
    bool mouse;
    size_t escape_delay;
    enum background background;
    bool open, lost, utf8, pastes, redraw, cursor_shown;
    SCREEN *screen;
    struct termios original;
    // What gives the terminal back without curses, ready before anything can go wrong.
    char restoring[256];
    size_t restoring_length;
    int real_stderr, log;
    off_t log_from;
    char *log_path;     // owned; NULL for a file without a name
    struct cell *shown; // the last frame [rows * columns]
    int rows, columns;
    struct key waiting[MOST_SEQUENCE]; // keys read while looking whether a sequence goes on
    int waiting_count;
} term = {.real_stderr = -1, .log = -1};

// ---- theme ----

static attr_t attributes_of(unsigned look) {
    return (look & LOOK_BOLD ? A_BOLD : 0) | (look & LOOK_DIM ? A_DIM : 0) |
           (look & LOOK_UNDERLINE ? A_UNDERLINE : 0) | (look & LOOK_REVERSE ? A_REVERSE : 0);
}

// The pair N is colour N on the terminal's own background.
static void start_colors(bool wanted) {
    bool able = wanted && has_colors() && start_color() == OK && use_default_colors() == OK;
    term.colors = !able                                ? 0
                  : COLORS >= 256 && COLOR_PAIRS > 255 ? 256
                  : COLORS >= 8 && COLOR_PAIRS >= 8    ? 8
                                                       : 0;
    term.background = theme_background(getenv("COLORFGBG"));
    for (short c = 1; c < term.colors; c++)
        init_pair(c, c, -1);
}

// ---- stderr while the screen is up ----

static bool open_log(const char *path, struct error *e) {
    char name[] = "/tmp/prompter-stderr-XXXXXX";
    if (path) {
        term.log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (term.log < 0)
            return error_system(e, "%s: the log cannot be opened", path);
        term.log_path = mem_strdup(path, e);
        if (!term.log_path)
            return false;
    } else {
        term.log = mkostemp(name, O_CLOEXEC | O_APPEND);
        if (term.log < 0)
            return error_system(e, "%s: no temporary file for messages", name);
        unlink(name);
    }
    term.log_from = lseek(term.log, 0, SEEK_END);
    fflush(stderr);
    term.real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (term.real_stderr < 0 || dup2(term.log, STDERR_FILENO) < 0)
        return error_system(e, "standard error cannot be moved aside");
    return true;
}

static void write_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        length -= (size_t)n;
    }
}

// Async-signal-safe: also a crash shows what was said before it.
static void show_log(void) {
    char text[LOG_SHOWN];
    off_t end = lseek(term.log, 0, SEEK_END), from = term.log_from;
    if (end - from > LOG_SHOWN)
        from = end - LOG_SHOWN;
    ssize_t n = end > from ? pread(term.log, text, sizeof text, from) : 0;
    if (n > 0)
        write_all(STDERR_FILENO, text, (size_t)n);
    if (n > 0 && text[n - 1] != '\n')
        write_all(STDERR_FILENO, "\n", 1);
    if (n > 0 && from > term.log_from && term.log_path) {
        write_all(STDERR_FILENO, "(more in ", 9);
        write_all(STDERR_FILENO, term.log_path, strlen(term.log_path));
        write_all(STDERR_FILENO, ")\n", 2);
    }
}

static void close_log(void) {
    if (term.real_stderr >= 0) {
        fflush(stderr);
        dup2(term.real_stderr, STDERR_FILENO);
        close(term.real_stderr);
        term.real_stderr = -1;
    }
    if (term.log >= 0) {
        show_log();
        close(term.log);
        term.log = -1;
    }
    free(term.log_path);
    term.log_path = NULL;
}

// ---- opening and closing ----

static bool term_name_begins(const char *begin) {
    const char *name = getenv("TERM");
    return name && strncmp(name, begin, strlen(begin)) == 0;
}

bool term_wants_ascii(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") != 0 || term_name_begins("linux") ||
           term_name_begins("dumb");
}

// Adds a string of the terminal's description, without its padding.
static void add_restoring(const char *text) {
    if (!text || text == (char *)-1)
        return;
    for (; *text; text++) {
        if (text[0] == '$' && text[1] == '<' && strchr(text, '>')) {
            text = strchr(text, '>');
            continue;
        }
        if (term.restoring_length < sizeof term.restoring)
            term.restoring[term.restoring_length++] = *text;
    }
}

static void prepare_restoring(void) {
    term.restoring_length = 0;
    if (term.pastes)
        add_restoring("\033[?2004l");
    if (term.mouse)
        add_restoring("\033[?1000l\033[?1006l");
    add_restoring(tigetstr("sgr0"));
    add_restoring(tigetstr("op"));
    add_restoring(tigetstr("rmkx"));
    add_restoring(tigetstr("rmcup"));
    add_restoring(tigetstr("cnorm"));
    add_restoring("\r");
}

static void say_pastes(bool on) {
    if (term.pastes && !term.lost)
        write_all(STDOUT_FILENO, on ? "\033[?2004h" : "\033[?2004l", 8);
}

// Presses alone: what a click is, or a drag, is nobody's business here.
void term_mouse(bool on) {
    if (on == term.mouse || !term.open || term.lost)
        return;
    term.mouse = on;
    mousemask(on ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
    mouseinterval(0);
    prepare_restoring();
}

// One byte at a time, no echo, nothing swallowed: Ctrl-S and Ctrl-V are keys as others.
static void set_modes(void) {
    struct termios t;
    raw();
    noecho();
    nonl();
    if (tcgetattr(STDIN_FILENO, &t) == 0) {
        t.c_lflag |= ISIG;
        t.c_lflag &= ~(tcflag_t)(IEXTEN | ICANON | ECHO);
        t.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR | ISTRIP);
        t.c_cc[VINTR] = t.c_cc[VSUSP] = _POSIX_VDISABLE;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
    }
    def_prog_mode();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(term.escape_delay ? (int)term.escape_delay : 25);
    leaveok(stdscr, FALSE);
    scrollok(stdscr, FALSE);
    typeahead(-1); // a frame is never left half drawn because a key came
    define_key("\033[200~", CODE_PASTE);
    define_key("\033[201~", CODE_PASTE_END);
}

bool term_open(const struct term_options *options, struct error *e) {
    const char *name = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(e, ERROR_INPUT,
                         "the workbench needs a terminal as standard input and output; "
                         "use --script to run it without one");
    if (tcgetattr(STDIN_FILENO, &term.original) != 0)
        return error_system(e, "the terminal's modes cannot be read");
    term.screen = newterm(NULL, stdout, stdin);
    if (!term.screen)
        return error_set(e, ERROR_INPUT,
                         "the terminal type \"%s\" is not known here; set TERM to one that is, e.g. "
                         "TERM=xterm-256color",
                         name ? name : "");
    term.open = true;
    term.lost = term.mouse = false;
    term.escape_delay = options->escape_delay;
    term.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    term.pastes = !term_name_begins("linux") && !term_name_begins("vt") && !term_name_begins("dumb");
    prepare_restoring();
    set_modes();
    start_colors(options->color);
    if (!open_log(options->log_path, e)) {
        term_close();
        return false;
    }
    say_pastes(true);
    curs_set(0);
    term.cursor_shown = false;
    term_resize();
    term_redraw();
    return true;
}

void term_close(void) {
    if (!term.open)
        return;
    term.open = false;
    if (!term.lost) {
        say_pastes(false);
        curs_set(1);
        endwin();
        tcsetattr(STDIN_FILENO, TCSADRAIN, &term.original);
    }
    delscreen(term.screen);
    term.screen = NULL;
    close_log();
    free(term.shown);
    term.shown = NULL;
    term.rows = term.columns = term.waiting_count = 0;
}

void term_restore(void) {
    if (!term.open)
        return;
    if (!term.lost) {
        write_all(STDOUT_FILENO, term.restoring, term.restoring_length);
        tcsetattr(STDIN_FILENO, TCSANOW, &term.original);
    }
    if (term.real_stderr >= 0) {
        dup2(term.real_stderr, STDERR_FILENO);
        show_log();
    }
}

void term_lost(void) {
    term.lost = true;
}

void term_suspend(void) {
    say_pastes(false);
    curs_set(1);
    endwin();
    tcsetattr(STDIN_FILENO, TCSADRAIN, &term.original);
    signals_stop();
    term_resume();
}

void term_resume(void) {
    // Beside what the modes were when we began, the shell may have changed them for good meanwhile.
    reset_prog_mode();
    curs_set(0);
    term.cursor_shown = false;
    say_pastes(true);
    term_resize();
    term_redraw();
}

// ---- the screen ----

int term_fd(void) {
    return STDIN_FILENO;
}

void term_size(int *rows, int *columns) {
    getmaxyx(stdscr, *rows, *columns);
}

void term_resize(void) {
    struct winsize w;
    int rows, columns;
    if (term.lost || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0)
        return;
    term_size(&rows, &columns);
    if (rows != w.ws_row || columns != w.ws_col) {
        resizeterm(w.ws_row, w.ws_col);
        term_redraw();
    }
}

void term_redraw(void) {
    term.redraw = true;
}

// Joiners and variation selectors make some terminals draw two characters as one, or a narrow one wide,
// against the widths that we and curses count with. Without them every terminal draws what was counted.
static bool is_sent(uint32_t mark) {
    return mark != 0x200c && mark != 0x200d && !(mark >= 0xfe00 && mark <= 0xfe0f) &&
           !(mark >= 0xe0100 && mark <= 0xe01ef);
}

static void show_cell(int row, int column, const struct cell *c) {
    wchar_t text[2 + CELL_MARKS] = {(wchar_t)c->character};
    int length = 1;
    struct look look = theme_look((enum style)c->style, term.colors, term.background);
    short pair = look.colour > 0 ? look.colour : 0;
    attr_t attributes = attributes_of(look.attributes);
    cchar_t out;
    if (!term.utf8 && c->character > 0x7e) {
        // A terminal without UTF-8: as many question marks as columns.
        for (int i = 0; i < c->width; i++) {
            setcchar(&out, L"?", attributes, pair, NULL);
            mvadd_wch(row, column + i, &out);
        }
        return;
    }
    for (int i = 0; i < CELL_MARKS && c->mark[i]; i++)
        if (is_sent(c->mark[i]))
            text[length++] = (wchar_t)c->mark[i];
    if (setcchar(&out, text, attributes, pair, NULL) != OK) {
        text[1] = L'\0';
        if (setcchar(&out, text, attributes, pair, NULL) != OK)
            setcchar(&out, L" ", attributes, pair, NULL);
    }
    mvadd_wch(row, column, &out);
}

// Room for a copy of the frame; false: no memory, everything is then compared by curses alone.
static bool fit_shown(const struct grid *g) {
    if (term.shown && term.rows == g->rows && term.columns == g->columns)
        return true;
    free(term.shown);
    term.shown = mem_calloc((size_t)g->rows * (size_t)g->columns, sizeof *term.shown, NULL);
    term.rows = g->rows;
    term.columns = g->columns;
    return term.shown != NULL;
}

void term_show(const struct grid *g) {
    int rows, columns;
    if (!term.open || term.lost)
        return;
    term_size(&rows, &columns);
    bool copied = fit_shown(g);
    if (term.redraw) {
        clearok(curscr, TRUE);
        werase(stdscr);
    }
    for (int y = 0; y < g->rows && y < rows; y++) {
        const struct cell *now = &g->cell[(size_t)y * (size_t)g->columns];
        size_t size = (size_t)g->columns * sizeof *now;
        struct cell *before = copied ? &term.shown[(size_t)y * (size_t)g->columns] : NULL;
        if (!term.redraw && before && memcmp(now, before, size) == 0)
            continue;
        for (int x = 0; x < g->columns && x < columns; x++)
            if (now[x].width > 0)
                show_cell(y, x, &now[x]);
        if (before)
            memcpy(before, now, size);
    }
    term.redraw = false;
    bool cursor = g->cursor_row >= 0 && g->cursor_row < rows && g->cursor_column < columns;
    if (cursor != term.cursor_shown) {
        curs_set(cursor);
        term.cursor_shown = cursor;
    }
    if (cursor)
        wmove(stdscr, g->cursor_row, g->cursor_column);
    wnoutrefresh(stdscr);
    doupdate();
}

// ---- keys ----

struct named_code {
    int code;
    struct key key;
};

static const struct named_code CODES[] = {
    {KEY_SUSPEND, {.character = 'z', .control = true}}, // some descriptions have Ctrl-Z as a key of that name
    {KEY_ENTER, {.code = KEY_CODE_ENTER}},
    {KEY_BTAB, {.code = KEY_CODE_SHIFT_TAB}},
    {KEY_BACKSPACE, {.code = KEY_CODE_BACKSPACE}},
    {KEY_DC, {.code = KEY_CODE_DELETE}},
    {KEY_IC, {.code = KEY_CODE_INSERT}},
    {KEY_UP, {.code = KEY_CODE_UP}},
    {KEY_DOWN, {.code = KEY_CODE_DOWN}},
    {KEY_LEFT, {.code = KEY_CODE_LEFT}},
    {KEY_RIGHT, {.code = KEY_CODE_RIGHT}},
    {KEY_SR, {.code = KEY_CODE_UP}},
    {KEY_SF, {.code = KEY_CODE_DOWN}},
    {KEY_SLEFT, {.code = KEY_CODE_LEFT}},
    {KEY_SRIGHT, {.code = KEY_CODE_RIGHT}},
    {KEY_HOME, {.code = KEY_CODE_HOME}},
    {KEY_END, {.code = KEY_CODE_END}},
    {KEY_PPAGE, {.code = KEY_CODE_PAGE_UP}},
    {KEY_NPAGE, {.code = KEY_CODE_PAGE_DOWN}},
    {CODE_PASTE, {.code = KEY_CODE_PASTE}},
    {CODE_PASTE_END, {.code = KEY_CODE_PASTE_END}},
};

// xterm's way to say which of Shift (1), Alt (2), Ctrl (4) were held: their sum plus one.
static struct key with_modifiers(struct key k, int modifiers) {
    int held = modifiers > 0 ? modifiers - 1 : 0;
    k.alt = held & 2;
    k.control = held & 4;
    return k;
}

// Keys with modifiers have names like "kLFT5" in terminal descriptions.
static bool extended_key(struct key *out, const char *name) {
    static const struct {
        const char *name;
        enum key_code code;
    } EXTENDED[] = {
        {"kLFT", KEY_CODE_LEFT},  {"kRIT", KEY_CODE_RIGHT},   {"kUP", KEY_CODE_UP},
        {"kDN", KEY_CODE_DOWN},   {"kHOM", KEY_CODE_HOME},    {"kEND", KEY_CODE_END},
        {"kDC", KEY_CODE_DELETE}, {"kPRV", KEY_CODE_PAGE_UP}, {"kNXT", KEY_CODE_PAGE_DOWN},
        {"kIC", KEY_CODE_INSERT},
    };
    for (size_t i = 0; name && i < sizeof EXTENDED / sizeof *EXTENDED; i++) {
        size_t length = strlen(EXTENDED[i].name);
        if (strncmp(name, EXTENDED[i].name, length) == 0 && strlen(name) <= length + 1) {
            *out =
                with_modifiers((struct key){.code = EXTENDED[i].code}, name[length] ? name[length] - '0' : 2);
            return true;
        }
    }
    return false;
}

static bool code_key(struct key *out, int code) {
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
        if (CODES[i].code == code) {
            *out = CODES[i].key;
            return true;
        }
    if (code > KEY_F0 && code <= KEY_F(24)) {
        *out = (struct key){.code = KEY_CODE_FUNCTION, .character = (uint32_t)(code - KEY_F0)};
        return true;
    }
    return code > KEY_MAX && extended_key(out, keyname(code));
}

static struct key character_key(wint_t c) {
    if (c == '\r')
        return (struct key){.code = KEY_CODE_ENTER};
    if (c == '\t')
        return (struct key){.code = KEY_CODE_TAB};
    if (c == 0x7f || c == 8)
        return (struct key){.code = KEY_CODE_BACKSPACE};
    if (c == 27)
        return (struct key){.code = KEY_CODE_ESCAPE};
    if (c == 0)
        return (struct key){.character = ' ', .control = true};
    if (c < 27)
        return (struct key){.character = 'a' + c - 1, .control = true};
    if (c < 32)
        return (struct key){.character = 0x40 + c, .control = true};
    return (struct key){.character = c};
}

enum read_result { READ_NONE, READ_KEY, READ_IGNORED };

static enum read_result read_mouse(struct key *out) {
    MEVENT event;
    if (getmouse(&event) != OK)
        return READ_IGNORED;
    *out = (struct key){.code = KEY_CODE_MOUSE, .row = event.y, .column = event.x};
    if (event.bstate & BUTTON4_PRESSED)
        out->character = MOUSE_WHEEL_UP;
    else if (event.bstate & BUTTON5_PRESSED)
        out->character = MOUSE_WHEEL_DOWN;
    else if (event.bstate & BUTTON1_PRESSED)
        out->character = MOUSE_PRESS;
    else
        return READ_IGNORED;
    return READ_KEY;
}

static enum read_result read_plain(struct key *out) {
    wint_t c;
    int kind = get_wch(&c);
    if (kind == ERR)
        return READ_NONE;
    if (kind == KEY_CODE_YES && c == KEY_MOUSE)
        return read_mouse(out);
    if (kind == KEY_CODE_YES)
        return code_key(out, (int)c) ? READ_KEY : READ_IGNORED;
    *out = character_key(c);
    return READ_KEY;
}

// The key that a sequence "ESC [ numbers final" means.
static bool sequence_key(struct key *out, int first, int second, uint32_t final) {
    static const struct {
        uint32_t final;
        int number;
        enum key_code code;
    } SEQUENCES[] = {
        {'A', 0, KEY_CODE_UP},        {'B', 0, KEY_CODE_DOWN},        {'C', 0, KEY_CODE_RIGHT},
        {'D', 0, KEY_CODE_LEFT},      {'H', 0, KEY_CODE_HOME},        {'F', 0, KEY_CODE_END},
        {'Z', 0, KEY_CODE_SHIFT_TAB}, {'~', 1, KEY_CODE_HOME},        {'~', 2, KEY_CODE_INSERT},
        {'~', 3, KEY_CODE_DELETE},    {'~', 4, KEY_CODE_END},         {'~', 5, KEY_CODE_PAGE_UP},
        {'~', 6, KEY_CODE_PAGE_DOWN}, {'~', 7, KEY_CODE_HOME},        {'~', 8, KEY_CODE_END},
        {'~', 200, KEY_CODE_PASTE},   {'~', 201, KEY_CODE_PASTE_END}, {'M', 0, KEY_CODE_ENTER},
    };
    for (size_t i = 0; i < sizeof SEQUENCES / sizeof *SEQUENCES; i++)
        if (SEQUENCES[i].final == final && (final != '~' || SEQUENCES[i].number == first)) {
            *out = with_modifiers((struct key){.code = SEQUENCES[i].code}, second);
            return true;
        }
    if (final >= 'P' && final <= 'S') {
        *out = with_modifiers((struct key){.code = KEY_CODE_FUNCTION, .character = final - 'P' + 1}, second);
        return true;
    }
    return false;
}

// After "ESC [" or "ESC O", where the terminal's description does not know the sequence: reads it to its end,
// so that its rest is not taken for typing.
static enum read_result read_sequence(struct key *out, bool alone_is_alt, uint32_t opener) {
    int number[2] = {0, 0}, at = 0;
    for (int i = 0; i < MOST_SEQUENCE; i++) {
        struct key k;
        enum read_result r = read_plain(&k);
        if (r == READ_NONE && i == 0 && alone_is_alt) {
            *out = (struct key){.character = opener, .alt = true};
            return READ_KEY;
        }
        if (r != READ_KEY || k.code != KEY_CODE_CHARACTER || k.control)
            return READ_IGNORED;
        if (k.character >= '0' && k.character <= '9') {
            if (number[at] < 10000)
                number[at] = number[at] * 10 + (int)(k.character - '0');
        } else if (k.character == ';') {
            at = 1;
        } else if (k.character >= 0x40 && k.character <= 0x7e) {
            return sequence_key(out, number[0], number[1], k.character) ? READ_KEY : READ_IGNORED;
        }
    }
    return READ_IGNORED;
}

static enum read_result read_key(struct key *out) {
    if (term.waiting_count > 0) {
        *out = term.waiting[0];
        memmove(term.waiting, term.waiting + 1, (size_t)--term.waiting_count * sizeof *term.waiting);
        return READ_KEY;
    }
    enum read_result r = read_plain(out);
    if (r != READ_KEY || out->code != KEY_CODE_ESCAPE)
        return r;
    struct key next;
    r = read_plain(&next);
    if (r == READ_NONE)
        return READ_KEY; // Esc by itself
    if (r == READ_IGNORED)
        return READ_IGNORED;
    if (next.code == KEY_CODE_ESCAPE || next.code == KEY_CODE_PASTE || next.code == KEY_CODE_PASTE_END) {
        term.waiting[term.waiting_count++] = next;
        return READ_KEY;
    }
    if (next.code == KEY_CODE_CHARACTER && !next.control && (next.character == '[' || next.character == 'O'))
        return read_sequence(out, true, next.character);
    next.alt = true;
    *out = next;
    return READ_KEY;
}

bool term_key(struct key *out) {
    enum read_result r;
    if (!term.open || term.lost)
        return false;
    do
        r = read_key(out);
    while (r == READ_IGNORED);
    return r == READ_KEY;
}
