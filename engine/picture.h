// SPDX-License-Identifier: GPL-3.0-or-later
// Drawing up the picture of a prompt that the UI shows: vectors, norms, drift, nearest tokens.
#ifndef PROMPTER_ENGINE_PICTURE_H
#define PROMPTER_ENGINE_PICTURE_H

#include "engine/base/threads.h"
#include "engine/engine.h"

enum { PICTURE_NEAREST = 10 }; // nearest tokens kept for each vector and kind

struct picture_maker {       // belongs to the engine's thread; zero-initialise
    struct near_token *near; // of the last search, [slots, NEAR_KINDS, k]
    int32_t *start_near;     // [slots]
    size_t slots, k;
    double search_seconds; // what the last search cost
    double searched_at;    // when it ended
};
void picture_maker_free(struct picture_maker *p);
// Finds the start's nearest tokens; call when a run begins.
bool picture_begin(struct picture_maker *p, const struct run *run, const struct model *model,
                   const struct workspace *w, struct thread_pool *pool, struct error *e);
// Fills *io (reused, or made anew when NULL or of another size). The nearest tokens are searched when `must`,
// or when the last search was long enough ago that searching takes at most a tenth of the time; `now` is in
// seconds.
bool picture_make(struct picture_maker *p, struct prompt_picture **io, const struct run *run,
                  const struct model *model, const struct workspace *w, struct thread_pool *pool, bool must,
                  double now, struct error *e);

#endif
