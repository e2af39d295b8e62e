/* SPDX-License-Identifier: BSD-2-Clause */
/* gained.h - what the contract has gained since the last golden folder, in the
 * form of its layout.h; moved into that of the next one when it is made.
 *
 * Plugins use it from the day it is in core/abi: rows are added here, and never
 * changed. */
/* clang-format off */

/* 1.1 */
FIELD(et_http, answer_field, 200, 8)
FIELD(et_http, watch, 208, 8)
FIELD(et_http, answer_body, 216, 8)
FIELD(et_http, repeat, 224, 8)
VALUE(ET_N_ANSWER_BYTES, 7)
VALUE(ET_N_REPEATED, 8)
VALUE(ET_METRIC_INSTANCE_GAUGE, 4)
VALUE(ET_N_MAY_FILTER, 9)
