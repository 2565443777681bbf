// SPDX-License-Identifier: GPL-3.0-or-later
// Dev curves as a picture for a paper: SVG with axes, round ticks and a legend; accuracy at the left, loss at
// the right. Curves differ by dashes and marks as well as by colour, so that they can be told apart in print
// without it. Colours are those of Okabe and Ito, "Color Universal Design" (2008).
#ifndef PROMPTER_SESSIONS_REPORT_SVG_H
#define PROMPTER_SESSIONS_REPORT_SVG_H

#include "report.h"

struct report_shown {
    const char *label;
    const struct report_curve *curve; // as report_run.evals
};
enum { REPORT_MOST_SHOWN = 12 };
// At most REPORT_MOST_SHOWN curves; an error when none has a point.
bool report_svg_print(struct buffer *out, const struct report_shown *shown, size_t count, struct error *e);

#endif
