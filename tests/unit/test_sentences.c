// SPDX-License-Identifier: GPL-3.0-or-later
// Cutting paragraphs into sentences.
#include "check.h"
#include "engine/base/memory.h"
#include "engine/data/sentences.h"

#include <stdlib.h>

static bool add(void *context, const char *text, size_t length) {
    struct buffer *b = context;
    buffer_add_text(b, b->length ? "|" : "");
    buffer_add(b, text, length);
    return true;
}

static bool cuts(const char *text, const char *wanted) {
    struct buffer b = {0};
    sentences_split(text, strlen(text), add, &b);
    bool same = strcmp(b.data ? b.data : "", wanted) == 0;
    if (!same)
        fprintf(stderr, "got %s\n", b.data ? b.data : "");
    buffer_free(&b);
    return same;
}

TEST(english) {
    CHECK(cuts("It rained. We stayed in.  Nobody minded!", "It rained.|We stayed in.|Nobody minded!"));
    CHECK(cuts("Really?! Yes. ", "Really?!|Yes."));
    CHECK(cuts("He said \"Stop.\" Then he left.", "He said \"Stop.\"|Then he left."));
    CHECK(cuts("He said \"Stop.\" and left.", "He said \"Stop.\" and left."));
    CHECK(cuts("(It was late.) We went.", "(It was late.)|We went."));
    CHECK(cuts("Wait... what? 3.5 is more.", "Wait... what?|3.5 is more."));
    CHECK(cuts("one line\nanother line\r\nthird", "one line|another line|third"));
    CHECK(cuts("no end", "no end"));
    CHECK(cuts("", ""));
    CHECK(cuts(" \n\t ", ""));
}

TEST(abbreviations) {
    CHECK(cuts("Mr. Smith met Dr. Jones. They spoke.", "Mr. Smith met Dr. Jones.|They spoke."));
    CHECK(cuts("J. R. Smith came, e.g. Today. He left.", "J. R. Smith came, e.g. Today.|He left."));
    CHECK(cuts("The U.S. Army won. Peace came.", "The U.S. Army won.|Peace came."));
    CHECK(cuts("She said no. He left. See No. 5 there.", "She said no.|He left.|See No. 5 there."));
    CHECK(cuts("So did I. They went.", "So did I.|They went."));
    CHECK(cuts("About 3.14 and v1.2. Done.", "About 3.14 and v1.2.|Done."));
}

TEST(abbreviations_that_may_end) {
    CHECK(cuts("He lives in Washington, D.C. In 1993 he left.",
               "He lives in Washington, D.C.|In 1993 he left."));
    CHECK(cuts("Lines, rays, etc. A ray has an end, etc. and so on.",
               "Lines, rays, etc.|A ray has an end, etc. and so on."));
    CHECK(cuts("It opens at 9 a.m. Eastern time. It closes at 3 p.m. They rest.",
               "It opens at 9 a.m. Eastern time.|It closes at 3 p.m.|They rest."));
    CHECK(cuts("It fell to 0 °C. Ice formed.", "It fell to 0 °C.|Ice formed."));
    CHECK(cuts("In Baker v. Carr (c. 1962) it ruled. See ca. 2 others, i.e. \"those\".",
               "In Baker v. Carr (c. 1962) it ruled.|See ca. 2 others, i.e. \"those\"."));
    CHECK(cuts("1. Open it. 2. Close it.", "1. Open it.|2. Close it."));
}

TEST(text_of_tokens) {
    CHECK(cuts("it broke . the door would not close ! why ? i do n't know .",
               "it broke .|the door would not close !|why ?|i do n't know ."));
    CHECK(cuts("she asks \" is it far ? \" he nods . \" no . \" she goes .",
               "she asks \" is it far ? \"|he nods .|\" no . \"|she goes ."));
    CHECK(cuts("mr . smith ( who came . ) went , j . r . too . they left .",
               "mr . smith ( who came . ) went , j . r . too .|they left ."));
    CHECK(cuts("well . . . maybe ... or not .", "well . . . maybe ... or not ."));
}

TEST(chinese) {
    CHECK(cuts("蜂鸟很小。它能悬停！真的？是的。", "蜂鸟很小。|它能悬停！|真的？|是的。"));
    CHECK(cuts("他说：“走吧。”然后走了。", "他说：“走吧。”|然后走了。"));
    CHECK(cuts("约有3.5米长。好！！再见", "约有3.5米长。|好！！|再见"));
    CHECK(cuts("他问:“谁?”“我!”1971年……“好”", "他问:“谁?”|“我!”|1971年……|“好”"));
    CHECK(cuts("要求：1.解毒。2.防暑。", "要求：1.解毒。|2.防暑。"));
    CHECK(cuts("　　开头有空格。", "开头有空格。"));
}

TEST(a_sink_can_end_it) {
    const char *text = " \xc2\xa0 a b\xe3\x80\x80 ";
    size_t length = strlen(text);
    sentence_trim(&text, &length);
    CHECK(length == 3 && memcmp(text, "a b", 3) == 0);
}
