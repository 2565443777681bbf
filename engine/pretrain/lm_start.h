// SPDX-License-Identifier: GPL-3.0-or-later
// The weights that a model from nothing begins with.
//
// Normal, mean 0, as transformers' T5 (T5PreTrainedModel._init_weights) with these standard deviations:
//   q                 (d_model d_kv)^-1/2: the scaling of attention by 1/sqrt(d_kv), which T5 leaves out of
//   the
//                     product, is in here
//   k, v              d_model^-1/2          o            (heads d_kv)^-1/2
//   wi, wi_0, wi_1    d_model^-1/2          wo           d_ff^-1/2
//   position bias     d_model^-1/2          norms        all 1
//   embedding         embedding_sd          head         head_sd, or d_model^-1/2 for 0
// transformers has 1 for both of the last line; small models learn better from 0.3 and the second form, where
// the first loss is about ln(vocabulary).
//
// local_heads = b > 0 adds b to the position bias of some heads, so that they look at one place from the
// start: head 0, 4, ... at the position before, 1, 5, ... at the one behind (decoder: two before), 2, 6, ...
// at the position itself; every fourth stays as drawn. The small-model recipe takes 3.
//
// Three more settings let a model find a word of its input again from the start, which otherwise takes very
// many steps (the idea of starting attention where trained models end up is that of Trockman and Kolter,
// Mimetic Initialization of Self-Attention Layers, ICML 2023; how it is done here is our own):
//   match_heads = l > 0   q = l/d_kv k in the encoder's heads 2, 3, 6, 7, ... and in every second head of the
//                         decoder's cross-attention: the same vector elsewhere gets the logit l, others about
//                         0 +- l/sqrt(d_kv); to a position itself these heads get -l/2 (instead of the local
//                         bias). In the decoder a sentinel so finds its place in the text
//   copy_heads = s > 0    o = s times v transposed in the encoder's self-attention and the cross-attention:
//                         what a head reads it gives on in its own direction. An untied head starts as the
//                         embedding, at the head's deviation
//   branch_sd             times the deviations of o and wo above, so that a token is still itself behind the
//                         last layer
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_START_H
#define PROMPTER_ENGINE_PRETRAIN_LM_START_H

#include "engine/base/error.h"
#include "engine/model/model.h"
#include "engine/pretrain/lm_settings.h"

// The configuration of the settings' shape (T5 v1.1: gated) with so many ids.
struct t5_config lm_start_config(const struct lm_settings *s, size_t vocab_size);
// Every weight depends on the seed and on its own place alone.
bool lm_start_model(struct model **out, const struct t5_config *c, const struct lm_settings *s,
                    struct error *e);

#endif
