-- SPDX-License-Identifier: BSD-2-Clause
-- For wrk: a POST of 1 KiB.
wrk.method = "POST"
wrk.body = string.rep("x", 1024)
