/* SPDX-License-Identifier: BSD-2-Clause */
/* line.c - line.h by itself: who has the turn, in what order, and that nobody
 * is forgotten, whoever comes back, goes or is given up. */
#include "../line.h"

#include <etude_test.h>
#include <ucontext.h>

#include "t/lib/unit.h"

#define STACK 65536
#define MOST 6

/* ---- tasks that wait where they stand ------------------------------------*/

/* Each does what its script says, letter by letter, until it is given up; then
 * it leaves:
 *
 *     w W  enters with a byte, or a whole turn's; its name is noted
 *     r    rests, and is back at once
 *     y    lets the others run, at work
 *     s    the same, resting
 *     z    rests until nobody else can go on
 *     l    leaves */
struct task {
    et_req req; /* first, so that it is found by it */
    ucontext_t at;
    struct place place;
    const char *script;
    int32_t why; /* it is given up */
    et_token token;
    int is_ready, is_late, is_over;
    char name;
    char stack[STACK];
};

static struct {
    ucontext_t loop;
    struct task tasks[MOST];
    struct task *now, *ready[1024];
    size_t n_tasks, n_ready, at;
    et_token tokens;
    int is_full;
    struct line line;
    char noted[1024];
} m;

static void
make_ready(struct task *t)
{
    t->token = 0;
    m.ready[m.n_ready++ % 1024] = t;
}

static void
yield(struct task *t)
{
    swapcontext(&t->at, &m.loop);
}

static et_token
arm(et_req *r)
{
    return m.is_full ? 0 : (((struct task *)r)->token = ++m.tokens);
}

static int32_t
await(et_req *r, uint64_t ms)
{
    struct task *t = (struct task *)r;
    ck_assert(ms == UINT64_MAX);
    if (!t->why)
        yield(t);
    t->token = 0;
    return t->why;
}

static int32_t
resume(et_token token, int32_t rc)
{
    ck_assert_int_eq(rc, 0);
    for (size_t i = 0; i < m.n_tasks; i++)
        if (m.tasks[i].token == token) {
            make_ready(&m.tasks[i]);
            return 0;
        }
    return ET_ESTALE;
}

static const et_async async = {.size = sizeof async, .resume = resume};
static const et_task task = {.size = sizeof task, .arm = arm, .await = await};
static et_worker worker = {.async = &async, .task = &task};

static int32_t
step(struct task *t, char what)
{
    const size_t n = what == 'W' ? LINE_TURN : 1;
    int32_t rc = 0;
    if (what == 'w' || what == 'W') {
        rc = line_enter(&m.line, &t->place, &t->req, n);
        ck_assert(rc < 0 || m.line.at_work == &t->place);
        if (rc == 0)
            m.noted[strlen(m.noted)] = t->name;
    } else if (what == 'l') {
        line_leave(&m.line, &t->place, &t->req);
    } else {
        if (what != 'y')
            line_rest(&m.line, &t->place, &t->req);
        if (what == 'z')
            t->is_late = 1;
        else if (what != 'r')
            make_ready(t);
        if (what != 'r')
            yield(t);
    }
    return rc;
}

static void
run(void)
{
    struct task *t = m.now;
    for (const char *p = t->script; *p && !t->why; p++)
        if (step(t, *p) < 0)
            break;
    line_leave(&m.line, &t->place, &t->req);
    t->is_over = 1;
}

static struct task *
add(const char *script)
{
    struct task *t = &m.tasks[m.n_tasks];
    t->req.worker = &worker;
    t->script = script;
    t->name = (char)('a' + m.n_tasks++);
    getcontext(&t->at);
    t->at.uc_stack.ss_sp = t->stack;
    t->at.uc_stack.ss_size = sizeof t->stack;
    t->at.uc_link = &m.loop;
    makecontext(&t->at, run, 0);
    make_ready(t);
    return t;
}

static void
enter_all(void)
{
    while (m.at < m.n_ready) {
        m.now = m.ready[m.at++ % 1024];
        if (!m.now->is_over)
            swapcontext(&m.loop, &m.now->at);
    }
}

/* Of those that rest until nobody else can go on; false: there is none. */
static int
wake_one(void)
{
    for (size_t i = 0; i < m.n_tasks; i++)
        if (m.tasks[i].is_late) {
            m.tasks[i].is_late = 0;
            make_ready(&m.tasks[i]);
            return 1;
        }
    return 0;
}

/* Until all are over. */
static void
go(void)
{
    do
        enter_all();
    while (wake_one());
    for (size_t i = 0; i < m.n_tasks; i++)
        ck_assert_msg(m.tasks[i].is_over, "%c waits for ever", m.tasks[i].name);
    ck_assert_ptr_null(m.line.at_work);
    ck_assert_ptr_null(m.line.first);
}

static void
begin(void)
{
    memset(&m, 0, sizeof m);
}

static void
noted(const char *text)
{
    go();
    ck_assert_str_eq(m.noted, text);
}

/* ---- tests ---------------------------------------------------------------*/

START_TEST(one_after_the_other)
{
    add("wywywl");
    add("wywyw");
    add("wswl");
    noted("aaabbbcc");
    begin();
    add("wlwlw"); /* whoever is alone waits for nobody */
    noted("aaa");
    ck_assert_uint_eq(m.tokens, 0);
}
END_TEST

START_TEST(who_comes_back_in_time_keeps_the_turn)
{
    add("wywrwrwywl");
    add("wl");
    noted("aaaaab");
}
END_TEST

START_TEST(who_rests_has_others_begin_and_is_next)
{
    add("wyswyw");
    add("wyyw");
    add("w");
    noted("abbaac");
    begin();
    add("wywzw"); /* its client is slow: it keeps nobody */
    add("wyw");
    add("wyw");
    noted("aabbcca");
    begin();
    add("Wsw"); /* but its turn is over */
    add("w");
    add("w");
    noted("abca");
}
END_TEST

START_TEST(a_turn_is_over_if_somebody_waits)
{
    add("WyWyWyWl");
    add("wl");
    noted("abaaa");
    begin();
    add("WyWyWl");
    add("WyWyWl");
    add("wyw");
    noted("abccabab");
    begin();
    add("WyWyWl");
    noted("aaa");
}
END_TEST

START_TEST(who_is_given_up_has_no_turn_and_keeps_nobody)
{
    static const int32_t whys[] = {ET_ECANCEL, ET_ERETIRE, ET_ETIME};
    for (size_t i = 0; i < 3; i++) {
        struct task *b;
        begin();
        add("wyyyywl");
        b = add("w");
        add("w");
        enter_all();
        begin();
        add("wzw");
        b = add("wywyw");
        add("w");
        b->why = whys[i]; /* before it has begun */
        noted("aca");
    }
}
END_TEST

/* One waits behind a, which is then given up together with b, the first. */
START_TEST(given_up_when_it_has_just_been_called)
{
    struct task *b;
    add("wyzl");
    b = add("w");
    add("w");
    add("w");
    /* a is at work, b and c and d wait */
    m.now = m.ready[m.at++];
    swapcontext(&m.loop, &m.now->at);
    for (int i = 0; i < 3; i++) {
        m.now = m.ready[m.at++];
        swapcontext(&m.loop, &m.now->at);
    }
    m.now = m.ready[m.at++]; /* a rests, and so b is called */
    swapcontext(&m.loop, &m.now->at);
    ck_assert_uint_eq(m.n_ready, m.at + 1);
    b->why = ET_ECANCEL;
    noted("acd");
}
END_TEST

START_TEST(where_no_more_may_wait_nobody_does)
{
    struct task *b;
    add("wyyl");
    m.is_full = 1;
    b = add("w");
    noted("a");
    ck_assert_ptr_null(b->place.next);
}
END_TEST

/* Whatever they do, and whoever is given up: all come to their end. */
START_TEST(in_any_order)
{
    static const char letters[] = "wwwWysszl";
    char scripts[MOST][24];
    unsigned x = 1;
    for (int turn = 0; turn < 3000; turn++) {
        begin();
        for (size_t i = 0; i < MOST; i++) {
            size_t n = 0;
            while (n < sizeof scripts[i] - 1)
                scripts[i][n++] =
                    letters[((x = x * 1103515245u + 12345u) >> 16) % 9];
            scripts[i][n] = '\0';
            add(scripts[i]);
        }
        for (size_t k = 0; k < 20 && m.at < m.n_ready; k++) {
            m.now = m.ready[m.at++];
            if (!m.now->is_over)
                swapcontext(&m.loop, &m.now->at);
        }
        for (size_t i = 0; i < MOST; i += 2) {
            m.tasks[i].why = ET_ECANCEL;
            if (m.tasks[i].token)
                make_ready(&m.tasks[i]);
        }
        go();
    }
}
END_TEST

UNIT_MAIN_IN(begin, NULL, line, one_after_the_other,
             who_comes_back_in_time_keeps_the_turn,
             who_rests_has_others_begin_and_is_next,
             a_turn_is_over_if_somebody_waits,
             who_is_given_up_has_no_turn_and_keeps_nobody,
             given_up_when_it_has_just_been_called,
             where_no_more_may_wait_nobody_does, in_any_order)
