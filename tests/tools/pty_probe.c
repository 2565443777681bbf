// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a program under a pseudo-terminal and measures it as a person at the keyboard would see it.
//
//   pty_probe [--size 80x24] [--term xterm-256color] [--wait-for TEXT] [--first KEYS] [--keys "1 3=loss 4"]
//             [--count 400] [--rate 20] [--end KEYS|term|hup|segv|stop|kill] [--record FILE]
//             -- PROGRAM ARGUMENT...
//
// Measures the time from exec until TEXT shows (without --wait-for: until anything does), then presses the
// keys of --first once and those of --keys in turn, --count in all at --rate a second, each time waiting for
// what the program writes next, or, for KEY=TEXT, for output that has TEXT. Then it ends the program: by keys
// (default: Q), by a signal, or by Ctrl-Z, a look at the terminal, continuing it and SIGTERM. Afterwards it
// looks whether the modes of the terminal are as they were and the screen and the cursor were given back.
// FILE takes all that the program wrote.
//
// Prints one JSON object; exit status 1 if the program never drew or did not restore the terminal.
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "engine/base/clock.h"
#include "engine/base/utf8.h"
#include "tui/key.h"

enum { MOST_KEYS = 64, MOST_LATENCIES = 100000 };

struct press {
    char bytes[16];
    char text[64]; // wait for this; empty: for anything
};

struct options {
    int rows, columns, count, key_count;
    double rate;
    const char *term, *wait_for, *first, *end, *record;
    struct press key[MOST_KEYS];
    char **program;
};

// What the process that stands for the shell tells us.
struct report {
    char what; // 'b' began, 's' stopped, 'e' ended
    pid_t pid;
    int status;
    double time;
};

struct probe {
    struct options o;
    int master, slave, reports, orders;
    FILE *record; // NULL: not asked for
    struct termios before;
    pid_t shell, program;
    bool ended, stopped;
    int status;
    double began;
    // Output as text, without escape sequences; the newest part.
    char text[1 << 16];
    size_t length;
    char sequence[64]; // of an escape sequence under way
    size_t sequence_length;
    unsigned long long bytes;
    bool alternate, cursor_hidden, pastes; // what the sequences said last
    double latency[MOST_LATENCIES];
    int latencies, unanswered;
};

static void die(const char *what) {
    fprintf(stderr, "pty_probe: %s: %s\n", what, strerror(errno));
    exit(2);
}

// ---- the shell's part: a session, job control, reports ----

static void tell(int fd, char what, pid_t pid, int status) {
    struct report r = {what, pid, status, clock_seconds()};
    if (write(fd, &r, sizeof r) != sizeof r)
        _exit(3);
}

static void be_shell(struct probe *p, int reports, int orders) {
    char order;
    signal(SIGTTOU, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    login_tty(p->slave);
    double began = clock_seconds();
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        tcsetpgrp(0, getpid());
        signal(SIGTTOU, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        setenv("TERM", p->o.term, 1);
        unsetenv("LINES");
        unsetenv("COLUMNS");
        execvp(p->o.program[0], p->o.program);
        _exit(127);
    }
    setpgid(child, child);
    struct report r = {'b', child, 0, began};
    if (write(reports, &r, sizeof r) != sizeof r)
        _exit(3);
    for (int status; waitpid(child, &status, WUNTRACED) == child;) {
        tcsetpgrp(0, getpgrp());
        tell(reports, WIFSTOPPED(status) ? 's' : 'e', child, status);
        if (!WIFSTOPPED(status))
            _exit(0);
        if (read(orders, &order, 1) != 1)
            _exit(0);
        tcsetpgrp(0, child);
        kill(-child, SIGCONT);
    }
    _exit(0);
}

static void start(struct probe *p) {
    struct winsize size = {.ws_row = (unsigned short)p->o.rows, .ws_col = (unsigned short)p->o.columns};
    int reports[2], orders[2];
    if (openpty(&p->master, &p->slave, NULL, NULL, &size) != 0 || pipe2(reports, O_CLOEXEC) != 0 ||
        pipe2(orders, O_CLOEXEC) != 0)
        die("no pseudo-terminal");
    fcntl(p->master, F_SETFD, FD_CLOEXEC);
    tcgetattr(p->slave, &p->before);
    p->shell = fork();
    if (p->shell < 0)
        die("fork");
    if (p->shell == 0) {
        close(p->master);
        be_shell(p, reports[1], orders[0]);
    }
    close(reports[1]);
    close(orders[0]);
    p->reports = reports[0];
    p->orders = orders[1];
}

// ---- what the program writes ----

static void end_sequence(struct probe *p) {
    static const struct {
        const char *text;
        int which;
        bool on;
    } KNOWN[] = {
        {"[?1049h", 0, true}, {"[?1049l", 0, false}, {"[?47h", 0, true},
        {"[?47l", 0, false},  {"[?25l", 1, true},    {"[?25h", 1, false},
        {"[?2004h", 2, true}, {"[?2004l", 2, false}, {"[?12;25h", 1, false},
    };
    p->sequence[p->sequence_length] = '\0';
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (strcmp(p->sequence, KNOWN[i].text) == 0) {
            bool *flag = KNOWN[i].which == 0   ? &p->alternate
                         : KNOWN[i].which == 1 ? &p->cursor_hidden
                                               : &p->pastes;
            *flag = KNOWN[i].on;
        }
    // Colours change inside of a word, other sequences move the cursor away from it.
    if (p->sequence_length > 0 && p->sequence[p->sequence_length - 1] != 'm' && p->sequence[0] == '[')
        p->text[p->length++] = '\n';
    p->sequence_length = 0;
}

static void add_output(struct probe *p, const char *bytes, size_t count) {
    static bool inside;
    p->bytes += count;
    if (p->record)
        fwrite(bytes, 1, count, p->record);
    for (size_t i = 0; i < count; i++) {
        char c = bytes[i];
        if (p->length >= sizeof p->text - 2) {
            memmove(p->text, p->text + sizeof p->text / 2, p->length - sizeof p->text / 2);
            p->length -= sizeof p->text / 2;
        }
        if (c == 27) {
            inside = true;
            p->sequence_length = 0;
        } else if (inside) {
            if (p->sequence_length < sizeof p->sequence - 1)
                p->sequence[p->sequence_length++] = c;
            bool opener = p->sequence_length == 1 && strchr("[()#]", c);
            bool final = p->sequence[0] == '[' ? c >= 0x40 && c <= 0x7e : true;
            if (!opener && final) {
                inside = false;
                end_sequence(p);
            }
        } else if (c != 14 && c != 15) {
            p->text[p->length++] = c;
        }
    }
    p->text[p->length] = '\0';
}

static void take_report(struct probe *p) {
    struct report r;
    if (read(p->reports, &r, sizeof r) != sizeof r) {
        p->ended = true;
        return;
    }
    if (r.what == 'b') {
        p->program = r.pid;
        p->began = r.time;
    }
    p->stopped = r.what == 's';
    p->ended |= r.what == 'e';
    p->status = r.status;
}

// Waits until the time for output or news of the program; true when there was output.
static bool watch(struct probe *p, double until) {
    char bytes[16384];
    struct pollfd fd[2] = {{.fd = p->master, .events = POLLIN},
                           {.fd = p->ended ? -1 : p->reports, .events = POLLIN}};
    double left = until - clock_seconds();
    struct timespec t = {.tv_sec = left > 0 ? (time_t)left : 0,
                         .tv_nsec = left > 0 ? (long)((left - (double)(time_t)left) * 1e9) : 0};
    if (ppoll(fd, 2, &t, NULL) <= 0)
        return false;
    bool got = false;
    if (fd[0].revents & POLLIN) {
        ssize_t n = read(p->master, bytes, sizeof bytes);
        if (n > 0)
            add_output(p, bytes, (size_t)n);
        got = n > 0;
    }
    if (fd[1].revents)
        take_report(p);
    return got;
}

static void forget_output(struct probe *p) {
    p->length = 0;
    p->text[0] = '\0';
}

// True when the text (empty: anything) came before the time.
static bool wait_text(struct probe *p, const char *text, double until) {
    while (clock_seconds() < until && !p->ended) {
        bool got = watch(p, until);
        if (got && (!*text || strstr(p->text, text)))
            return true;
    }
    return false;
}

static void drain(struct probe *p, double seconds) {
    double until = clock_seconds() + seconds;
    while (clock_seconds() < until && !p->ended)
        watch(p, until);
}

// ---- keys ----

static bool key_bytes(const char *name, size_t length, char *out) {
    static const char *const BYTES[] = {
        [KEY_CODE_ENTER] = "\r",         [KEY_CODE_TAB] = "\t",
        [KEY_CODE_SHIFT_TAB] = "\033[Z", [KEY_CODE_ESCAPE] = "\033",
        [KEY_CODE_BACKSPACE] = "\x7f",   [KEY_CODE_DELETE] = "\033[3~",
        [KEY_CODE_UP] = "\033OA",        [KEY_CODE_DOWN] = "\033OB",
        [KEY_CODE_RIGHT] = "\033OC",     [KEY_CODE_LEFT] = "\033OD",
        [KEY_CODE_HOME] = "\033OH",      [KEY_CODE_END] = "\033OF",
        [KEY_CODE_PAGE_UP] = "\033[5~",  [KEY_CODE_PAGE_DOWN] = "\033[6~",
    };
    struct key k;
    if (!key_parse(&k, name, length))
        return false;
    if (k.code == KEY_CODE_CHARACTER && k.control) {
        out[0] = (char)(k.character & 0x1f);
        out[1] = '\0';
    } else if (k.code == KEY_CODE_CHARACTER) {
        out[utf8_encode(k.character, out)] = '\0';
    } else if ((size_t)k.code < sizeof BYTES / sizeof *BYTES && BYTES[k.code]) {
        strcpy(out, BYTES[k.code]);
    } else {
        return false;
    }
    return true;
}

static int parse_keys(const char *text, struct press *out) {
    int count = 0;
    while (*text && count < MOST_KEYS) {
        size_t length = strcspn(text, " ");
        const char *equals = length > 1 ? memchr(text + 1, '=', length - 1) : NULL;
        size_t name = equals ? (size_t)(equals - text) : length;
        if (length > 0) {
            out[count] = (struct press){0};
            if (!key_bytes(text, name, out[count].bytes)) {
                fprintf(stderr, "pty_probe: \"%.*s\" is no key\n", (int)name, text);
                exit(2);
            }
            if (equals)
                snprintf(out[count].text, sizeof out[count].text, "%.*s", (int)(length - name - 1),
                         equals + 1);
            count++;
        }
        text += length + (text[length] == ' ');
    }
    return count;
}

static void send_bytes(struct probe *p, const char *bytes) {
    if (write(p->master, bytes, strlen(bytes)) < 0 && errno != EIO)
        die("the terminal takes no keys");
}

static void press_first(struct probe *p) {
    struct press key[MOST_KEYS];
    int count = parse_keys(p->o.first, key);
    for (int i = 0; i < count; i++) {
        send_bytes(p, key[i].bytes);
        drain(p, 0.2);
    }
}

static void measure_keys(struct probe *p) {
    for (int i = 0; i < p->o.count && p->o.key_count > 0 && !p->ended; i++) {
        const struct press *k = &p->o.key[i % p->o.key_count];
        double now = clock_seconds();
        while (watch(p, now)) { // what was written before the key is no answer to it
        }
        forget_output(p);
        now = clock_seconds();
        send_bytes(p, k->bytes);
        if (!wait_text(p, k->text, now + 2))
            p->unanswered++;
        else if (p->latencies < MOST_LATENCIES)
            p->latency[p->latencies++] = clock_seconds() - now;
        // Not in step with anything that beats regularly.
        double pause = 1 / p->o.rate * (0.8 + 0.4 * (double)(i * 7919 % 101) / 101);
        double left = now + pause - clock_seconds();
        if (left > 0)
            drain(p, left);
    }
}

// ---- the end ----

static const char *why_not_restored(const struct probe *p) {
    struct termios now;
    if (tcgetattr(p->slave, &now) != 0)
        return "the modes cannot be read";
    if (now.c_lflag != p->before.c_lflag || now.c_iflag != p->before.c_iflag ||
        now.c_oflag != p->before.c_oflag || now.c_cflag != p->before.c_cflag ||
        memcmp(now.c_cc, p->before.c_cc, sizeof now.c_cc) != 0)
        return "the modes are not as they were";
    if (p->alternate)
        return "the alternate screen is still shown";
    if (p->cursor_hidden)
        return "the cursor is hidden";
    if (p->pastes)
        return "bracketed paste is still on";
    return NULL;
}

static void wait_end(struct probe *p, double seconds) {
    double until = clock_seconds() + seconds;
    while (!p->ended && clock_seconds() < until)
        watch(p, until);
    double rest = clock_seconds() + 0.1; // what is still on its way
    while (watch(p, rest)) {
    }
}

// Ctrl-Z; the terminal must be the shell's again; then on.
static const char *stop_and_continue(struct probe *p) {
    double until = clock_seconds() + 5;
    bool alternate = p->alternate; // not every terminal has one
    send_bytes(p, "\x1a");
    while (!p->stopped && !p->ended && clock_seconds() < until)
        watch(p, until);
    if (!p->stopped)
        return "Ctrl-Z did not stop it";
    drain(p, 0.1);
    const char *why = why_not_restored(p);
    forget_output(p);
    if (write(p->orders, "c", 1) != 1)
        return "it cannot be continued";
    p->stopped = false;
    // It need not be the screen of the beginning: the alternate screen again, and text on it.
    until = clock_seconds() + 5;
    while (!(p->alternate == alternate && p->length > 40) && !p->ended && clock_seconds() < until)
        watch(p, until);
    return p->length > 40 ? why : "it did not draw again when continued";
}

static const char *end_program(struct probe *p) {
    static const struct {
        const char *name;
        int signal;
    } SIGNALS[] = {
        {"term", SIGTERM}, {"hup", SIGHUP}, {"segv", SIGSEGV}, {"kill", SIGKILL}, {"stop", SIGTERM}};
    const char *why = NULL;
    int number = 0;
    if (strcmp(p->o.end, "stop") == 0)
        why = stop_and_continue(p);
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        if (strcmp(p->o.end, SIGNALS[i].name) == 0)
            number = SIGNALS[i].signal;
    if (number) {
        kill(p->program, number);
    } else {
        struct press key[MOST_KEYS];
        int count = parse_keys(p->o.end, key);
        for (int i = 0; i < count; i++) {
            send_bytes(p, key[i].bytes);
            drain(p, 0.1);
        }
    }
    wait_end(p, 10);
    if (!p->ended) {
        kill(p->program, SIGKILL);
        wait_end(p, 2);
        return "it did not end within ten seconds";
    }
    return why ? why : why_not_restored(p);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct probe *p, double share) {
    if (p->latencies == 0)
        return 0;
    int at = (int)(share * p->latencies);
    return 1000 * p->latency[at < p->latencies ? at : p->latencies - 1];
}

// ---- arguments ----

static void usage(void) {
    fprintf(stderr, "usage: pty_probe [--size 80x24] [--term NAME] [--wait-for TEXT] [--first KEYS]\n"
                    "                 [--keys \"1 3=TEXT 4\"] [--count N] [--rate PER-SECOND]\n"
                    "                 [--end KEYS|term|hup|segv|stop|kill] [--record FILE]\n"
                    "                 -- PROGRAM ARGUMENT...\n");
    exit(2);
}

static void read_arguments(struct options *o, int argc, char **argv) {
    *o = (struct options){.rows = 24,
                          .columns = 80,
                          .count = 400,
                          .rate = 20,
                          .term = "xterm-256color",
                          .wait_for = "",
                          .first = "",
                          .end = "Q"};
    int i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--size") == 0 && sscanf(value, "%dx%d", &o->columns, &o->rows) == 2)
            continue;
        if (strcmp(name, "--term") == 0)
            o->term = value;
        else if (strcmp(name, "--wait-for") == 0)
            o->wait_for = value;
        else if (strcmp(name, "--first") == 0)
            o->first = value;
        else if (strcmp(name, "--end") == 0)
            o->end = value;
        else if (strcmp(name, "--record") == 0)
            o->record = value;
        else if (strcmp(name, "--keys") == 0)
            o->key_count = parse_keys(value, o->key);
        else if (strcmp(name, "--count") == 0)
            o->count = atoi(value);
        else if (strcmp(name, "--rate") == 0 && atof(value) > 0)
            o->rate = atof(value);
        else
            usage();
    }
    if (i + 1 >= argc)
        usage();
    o->program = argv + i + 1;
}

int main(int argc, char **argv) {
    static struct probe p;
    setlocale(LC_ALL, "");
    read_arguments(&p.o, argc, argv);
    if (p.o.record && !(p.record = fopen(p.o.record, "we")))
        die(p.o.record);
    start(&p);
    bool drew = wait_text(&p, p.o.wait_for, clock_seconds() + 60);
    double first = clock_seconds() - p.began;
    if (drew) {
        drain(&p, 0.2);
        press_first(&p);
        measure_keys(&p);
    }
    bool early = p.ended;
    const char *why = early ? "it ended by itself" : end_program(&p);
    qsort(p.latency, (size_t)p.latencies, sizeof *p.latency, compare);
    printf("{\"drew\": %s, \"first_frame_ms\": %.1f, \"keys\": %d, \"unanswered\": %d, \"p50_ms\": %.2f, "
           "\"p99_ms\": %.2f, \"max_ms\": %.2f, \"bytes\": %llu, \"exit_status\": %d, \"exit_signal\": %d, "
           "\"restored\": %s, \"why\": \"%s\"}\n",
           drew ? "true" : "false", first * 1000, p.latencies, p.unanswered, percentile(&p, 0.5),
           percentile(&p, 0.99), percentile(&p, 1), p.bytes, WIFEXITED(p.status) ? WEXITSTATUS(p.status) : -1,
           WIFSIGNALED(p.status) ? WTERMSIG(p.status) : 0, why ? "false" : "true", why ? why : "");
    if (!drew)
        fprintf(stderr, "pty_probe: \"%s\" never showed; the last output was:\n%s\n", p.o.wait_for, p.text);
    if (p.record && fclose(p.record) != 0)
        die(p.o.record);
    return !drew || why != NULL;
}
