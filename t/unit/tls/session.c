/* SPDX-License-Identifier: BSD-2-Clause */
/* session.c - a session against OpenSSL's own client, in memory: bytes cut
 * anywhere, bytes that are wrong, what is agreed on, and what goes on later. */
/* tags: asan */
#include "tls/session.h"

#include "t/unit/tls/pair.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/str.h"
#include "tls/cert_self.h"

static struct diag diag;
static uint8_t has_early_data;

static struct context *
make_context(const char *name, uint8_t has_h2)
{
    struct cert_self_texts texts[2];
    const char *names[] = {name, "also.example"};
    const char *other[] = {"other.example"};
    struct context_pair pairs[2];
    struct context_spec spec = {.pairs = pairs,
                                .n_pairs = 2,
                                .has_h2 = has_h2,
                                .has_early_data = has_early_data,
                                .tickets = tickets};

    ck_assert_int_eq(cert_self_signed(names, 2, &texts[0]), 0);
    ck_assert_int_eq(cert_self_signed(other, 1, &texts[1]), 0);
    for (int i = 0; i < 2; i++)
        pairs[i] = (struct context_pair){.chain = str_from_z(texts[i].chain),
                                         .key = str_from_z(texts[i].key),
                                         .chain_path = "c",
                                         .key_path = "k"};
    return context_new(&spec, &diag);
}

static void
setup(void)
{
    diag_init(&diag);
    pair_setup();
    context = make_context("a.example", 1);
    ck_assert_ptr_nonnull(context);
}

static void
teardown(void)
{
    pair_teardown();
    diag_fini(&diag);
}

/* ---- a client and a server ------------------------------------------------*/

/* Until neither has anything to say: 1: both are through. */
static int
shake(struct pair *p, size_t step)
{
    int rc = -1;

    for (int i = 0; i < 20; i++) {
        rc = SSL_do_handshake(p->client);
        fetch(p, step);
        deliver(p);
    }
    return rc == 1 && p->server.is_shaken;
}

static void
client_writes(struct pair *p, const char *text, size_t step)
{
    ck_assert_int_eq(SSL_write(p->client, text, (int)strlen(text)),
                     (int)strlen(text));
    fetch(p, step);
}

/* Write all of text, and see that the client reads it. */
static void
server_writes(struct pair *p, const char *text, size_t n, uint64_t now_ms)
{
    static char got[1u << 20];
    size_t at = 0, read = 0;

    while (at < n) {
        const struct iovec iov = {(void *)(uintptr_t)(text + at), n - at};
        ssize_t k = session_write(&p->server, &iov, 1, now_ms);
        ck_assert_int_gt(k, 0);
        at += (size_t)k;
        deliver(p);
        while (read < at) {
            int m = SSL_read(p->client, got + read, (int)(sizeof got - read));
            ck_assert_int_gt(m, 0);
            read += (size_t)m;
        }
    }
    ck_assert_int_eq(memcmp(got, text, n), 0);
}

/* ---- what is agreed on ----------------------------------------------------*/

START_TEST(each_version_and_what_is_said_in_it)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (int i = 0; i < 2; i++) {
        struct pair p;
        open_pair(&p, "a.example");
        SSL_set_min_proto_version(p.client, versions[i]);
        SSL_set_max_proto_version(p.client, versions[i]);
        ck_assert(shake(&p, 65536));
        ck_assert_int_eq(SSL_version(p.client), versions[i]);
        ck_assert(!session_is_resumed(&p.server));
        client_writes(&p, "hello", 65536);
        ck_assert_uint_eq(p.n, 5);
        server_writes(&p, "good morning", 12, 1);
        close_pair(&p);
    }
}
END_TEST

START_TEST(older_versions_are_refused)
{
    struct pair p;

    open_pair(&p, "a.example");
    SSL_set_security_level(p.client, 0);
    SSL_set_min_proto_version(p.client, TLS1_VERSION);
    SSL_set_max_proto_version(p.client, TLS1_1_VERSION);
    ck_assert(!shake(&p, 65536));
    ck_assert_int_eq(p.step, SESSION_FAILED);
    close_pair(&p);
}
END_TEST

/* Split everywhere: SSL_do_handshake and reads go on with each byte. */
START_TEST(bytes_come_one_at_a_time)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (int i = 0; i < 2; i++) {
        struct pair p;
        open_pair(&p, "a.example");
        SSL_set_max_proto_version(p.client, versions[i]);
        ck_assert(shake(&p, 1));
        client_writes(&p, "hello, one byte at a time", 1);
        ck_assert_uint_eq(p.n, 25);
        ck_assert_int_eq(memcmp(p.text, "hello, one byte at a time", 25), 0);
        close_pair(&p);
    }
}
END_TEST

static int
is_shown(struct pair *p, const char *name)
{
    X509 *x = SSL_get1_peer_certificate(p->client);
    int rc = X509_check_host(x, name, 0, 0, NULL);

    X509_free(x);
    return rc == 1;
}

START_TEST(a_name_chooses_the_certificate)
{
    static const char *const names[][2] = {
        {"a.example", "a.example"},
        {"OTHER.example", "other.example"},
        {"nobody.example", "a.example"},
        {NULL, "a.example"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pair p;
        open_pair(&p, names[i][0]);
        ck_assert(shake(&p, 65536));
        ck_assert(is_shown(&p, names[i][1]));
        ck_assert_int_eq(session_name(&p.server).n > 0, names[i][0] != NULL);
        close_pair(&p);
    }
}
END_TEST

START_TEST(which_hosts_it_serves)
{
    struct pair p;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    ck_assert(session_serves(&p.server, str_lit("a.example")));
    ck_assert(session_serves(&p.server, str_lit("A.Example")));
    ck_assert(session_serves(&p.server, str_lit("also.example")));
    ck_assert(!session_serves(&p.server, str_lit("other.example")));
    ck_assert(session_serves(&p.server, str_lit("")));
    close_pair(&p);
    open_pair(&p, "nobody.example");
    ck_assert(shake(&p, 65536));
    ck_assert(session_serves(&p.server, str_lit("nobody.example")));
    ck_assert(session_serves(&p.server, str_lit("a.example")));
    ck_assert(!session_serves(&p.server, str_lit("other.example")));
    close_pair(&p);
    open_pair(&p, NULL);
    ck_assert(shake(&p, 65536));
    ck_assert(session_serves(&p.server, str_lit("anybody.example")));
    close_pair(&p);
}
END_TEST

START_TEST(a_protocol_is_chosen)
{
    static const struct {
        const char *offered, *chosen; /* NULL: none; "!": the handshake fails */
    } cases[] = {
        {NULL, NULL},
        {"\x08http/1.1", "http/1.1"},
        {"\x08http/1.1\x02h2", "h2"},
        {"\x02h3\x08http/1.1", "http/1.1"},
        {"\x02h3", "!"},
        {"\x03h2c", "!"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair p;
        open_pair(&p, "a.example");
        if (cases[i].offered)
            SSL_set_alpn_protos(p.client,
                                (const unsigned char *)cases[i].offered,
                                (unsigned)strlen(cases[i].offered));
        if (cases[i].chosen && *cases[i].chosen == '!') {
            ck_assert(!shake(&p, 65536));
            ck_assert_int_eq(p.step, SESSION_FAILED);
        } else {
            ck_assert(shake(&p, 65536));
            ck_assert(str_eq(session_protocol(&p.server),
                             str_from_z(cases[i].chosen)));
        }
        close_pair(&p);
    }
}
END_TEST

START_TEST(h2_is_not_offered_where_it_is_off)
{
    struct pair p;

    context_drop(context);
    context = make_context("a.example", 0);
    open_pair(&p, "a.example");
    SSL_set_alpn_protos(p.client, (const unsigned char *)"\x02h2\x08http/1.1",
                        12);
    ck_assert(shake(&p, 65536));
    ck_assert(str_eq(session_protocol(&p.server), str_lit("http/1.1")));
    close_pair(&p);
}
END_TEST

/* ---- what goes on later ---------------------------------------------------*/

/* One that resumes what was saved; how many times out of one. */
static int
resumes(int version)
{
    struct pair p;
    int rc;

    open_pair(&p, "a.example");
    SSL_set_max_proto_version(p.client, version);
    ck_assert(SSL_set_session(p.client, saved));
    ck_assert(shake(&p, 65536));
    client_writes(&p, "x", 65536);
    server_writes(&p, "y", 1, 1);
    rc = session_is_resumed(&p.server);
    SSL_set_shutdown(p.client, SSL_SENT_SHUTDOWN);
    close_pair(&p);
    return rc;
}

static void
save(int version)
{
    struct pair p;

    open_pair(&p, "a.example");
    SSL_set_max_proto_version(p.client, version);
    ck_assert(shake(&p, 65536));
    client_writes(&p, "x", 65536);
    server_writes(&p, "y", 1, 1);
    ck_assert_ptr_nonnull(saved);
    SSL_shutdown(p.client);
    close_pair(&p);
}

static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};

START_TEST(sessions_are_resumed)
{
    for (int i = 0; i < 2; i++) {
        save(both[i]);
        ck_assert(resumes(both[i]));
    }
}
END_TEST

/* A ticket of TLS 1.3 is for one time, and brings the next one. */
START_TEST(and_once_more)
{
    save(TLS1_3_VERSION);
    for (int i = 0; i < 5; i++) {
        SSL_SESSION *last = saved;
        ck_assert(resumes(TLS1_3_VERSION));
        ck_assert_ptr_ne(saved, last);
    }
}
END_TEST

/* Another context, with other certificates, as after a reload. */
START_TEST(by_another_context_with_the_same_keys)
{
    for (int i = 0; i < 2; i++) {
        save(both[i]);
        context_drop(context);
        context = make_context("a.example", 1);
        ck_assert(resumes(both[i]));
    }
}
END_TEST

START_TEST(by_keys_of_the_hour_before_and_not_of_long_ago)
{
    int64_t now = (int64_t)time(NULL);

    for (int i = 0; i < 2; i++) {
        struct ticket_key key;
        save(both[i]);
        now += TICKETS_OLD_HOURS * 3600;
        tickets_current(tickets, now, &key);
        ck_assert(resumes(both[i]));
        save(both[i]);
        now += (TICKETS_OLD_HOURS + 1) * 3600;
        tickets_current(tickets, now, &key);
        ck_assert(!resumes(both[i]));
    }
}
END_TEST

START_TEST(with_other_keys_the_handshake_is_a_full_one)
{
    for (int i = 0; i < 2; i++) {
        save(both[i]);
        context_drop(context);
        tickets_drop(tickets);
        tickets = tickets_new((int64_t)time(NULL));
        context = make_context("a.example", 1);
        ck_assert(!resumes(both[i]));
    }
}
END_TEST

START_TEST(without_keys_there_are_no_tickets)
{
    for (int i = 0; i < 2; i++) {
        struct tickets *kept = tickets;
        struct pair p;
        context_drop(context);
        tickets = NULL;
        context = make_context("a.example", 1);
        tickets = kept;
        open_pair(&p, "a.example");
        SSL_set_max_proto_version(p.client, both[i]);
        ck_assert(shake(&p, 65536));
        client_writes(&p, "x", 65536);
        server_writes(&p, "y", 1, 1);
        ck_assert(!saved || !SSL_SESSION_has_ticket(saved));
        close_pair(&p);
    }
}
END_TEST

/* ---- before the handshake is over
 * ------------------------------------------*/

/* A client that goes on with what was saved, and writes at once. */
static void
open_early(struct pair *p, const char *text)
{
    size_t n;

    open_pair(p, "a.example");
    ck_assert(SSL_set_session(p->client, saved));
    ck_assert_uint_gt(SSL_SESSION_get_max_early_data(saved), 0);
    ck_assert_int_eq(SSL_write_early_data(p->client, text, strlen(text), &n),
                     1);
}

START_TEST(early_text_is_read_and_answered_early)
{
    struct pair p;
    char got[16];

    has_early_data = 1;
    context_drop(context);
    context = make_context("a.example", 1);
    save(TLS1_3_VERSION);
    for (size_t step = 1; step < 4096; step = step * 5 + 1) {
        open_early(&p, "early");
        fetch(&p, step);
        ck_assert_uint_eq(p.n, 5);
        ck_assert_int_eq(memcmp(p.text, "early", 5), 0);
        ck_assert(p.server.is_early && !p.server.is_shaken);
        ck_assert_int_eq(
            session_write(&p.server, &(struct iovec){"answer", 6}, 1, 1), 6);
        ck_assert(shake(&p, step));
        ck_assert_int_eq(SSL_read(p.client, got, sizeof got), 6);
        ck_assert_int_eq(SSL_get_early_data_status(p.client),
                         SSL_EARLY_DATA_ACCEPTED);
        client_writes(&p, " late", step);
        ck_assert_uint_eq(p.n, 10);
        server_writes(&p, "another", 7, 1);
        SSL_set_shutdown(p.client, SSL_SENT_SHUTDOWN);
        close_pair(&p);
    }
}
END_TEST

/* The handshake is made all the same. */
START_TEST(where_it_is_off_it_is_passed_over)
{
    struct pair p;

    has_early_data = 1;
    context_drop(context);
    context = make_context("a.example", 1);
    save(TLS1_3_VERSION);
    has_early_data = 0;
    context_drop(context);
    context = make_context("a.example", 1);
    open_early(&p, "early");
    ck_assert(shake(&p, 65536));
    ck_assert_uint_eq(p.n, 0);
    ck_assert_int_eq(SSL_get_early_data_status(p.client),
                     SSL_EARLY_DATA_REJECTED);
    client_writes(&p, "late", 65536);
    ck_assert_uint_eq(p.n, 4);
    close_pair(&p);
    save(TLS1_3_VERSION);
    ck_assert_uint_eq(SSL_SESSION_get_max_early_data(saved), 0);
}
END_TEST

/* ---- bytes that are wrong -------------------------------------------------*/

START_TEST(garbage_is_refused)
{
    char bytes[4096];

    for (unsigned seed = 1; seed < 400; seed++) {
        struct pair p;
        unsigned x = seed;
        open_pair(&p, NULL);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)((x = x * 1103515245 + 12345) >> 16);
        if (seed % 2)
            memcpy(bytes, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
        give(&p, bytes, sizeof bytes);
        ck_assert_int_ne(p.step, SESSION_DONE);
        close_pair(&p);
    }
}
END_TEST

/* Each byte of the client's first flight is changed once: whatever comes of it,
 * nobody is let in by less than a handshake. */
START_TEST(a_hello_with_any_byte_changed)
{
    char hello[2048];
    long n;
    struct pair p;
    char *bytes;

    open_pair(&p, "a.example");
    SSL_do_handshake(p.client);
    n = BIO_get_mem_data(p.from_client, &bytes);
    ck_assert_int_lt(n, (long)sizeof hello);
    memcpy(hello, bytes, (size_t)n);
    close_pair(&p);
    for (long i = 0; i < n; i++) {
        open_pair(&p, NULL);
        hello[i] ^= 0x41;
        give(&p, hello, (size_t)n);
        hello[i] ^= 0x41;
        ck_assert_int_ne(p.step, SESSION_DONE);
        close_pair(&p);
    }
}
END_TEST

START_TEST(a_changed_record_ends_it)
{
    for (int i = 0; i < 2; i++) {
        struct pair p;
        char *bytes;
        long n;
        open_pair(&p, "a.example");
        SSL_set_max_proto_version(p.client, both[i]);
        ck_assert(shake(&p, 65536));
        SSL_write(p.client, "hello", 5);
        n = BIO_get_mem_data(p.from_client, &bytes);
        bytes[n - 1] ^= 1;
        give(&p, bytes, (size_t)n);
        ck_assert_int_eq(p.is_ended, -1);
        ck_assert_uint_eq(p.n, 0);
        ck_assert_int_eq(
            session_write(&p.server, &(struct iovec){"x", 1}, 1, 1), -EPROTO);
        deliver(&p); /* the alert */
        ck_assert_int_le(SSL_read(p.client, bytes, 1), 0);
        ck_assert_int_eq(SSL_get_error(p.client, -1), SSL_ERROR_SSL);
        close_pair(&p);
    }
}
END_TEST

START_TEST(renegotiation_is_refused)
{
    struct pair p;

    open_pair(&p, "a.example");
    SSL_set_max_proto_version(p.client, TLS1_2_VERSION);
    ck_assert(shake(&p, 65536));
    ck_assert_int_eq(SSL_renegotiate(p.client), 1);
    SSL_do_handshake(p.client);
    fetch(&p, 65536);
    deliver(&p);
    ck_assert_int_ne(SSL_do_handshake(p.client), 1);
    ck_assert_int_eq(SSL_get_error(p.client, -1), SSL_ERROR_SSL);
    close_pair(&p);
}
END_TEST

START_TEST(a_new_key_is_taken_and_given)
{
    struct pair p;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
        client_writes(&p, "x", 7);
        server_writes(&p, "after", 5, 1);
    }
    ck_assert_uint_eq(p.n, 10);
    close_pair(&p);
}
END_TEST

/* Whether it asks for ours or not, each is counted once. */
START_TEST(new_keys_are_counted)
{
    struct pair p;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    ck_assert_uint_eq(session_take_updates(&p.server), 0);
    for (int i = 0; i < 10; i++) {
        SSL_key_update(p.client, i % 2 ? SSL_KEY_UPDATE_REQUESTED
                                       : SSL_KEY_UPDATE_NOT_REQUESTED);
        client_writes(&p, "x", 65536);
        server_writes(&p, "y", 1, 1);
    }
    ck_assert_uint_eq(session_take_updates(&p.server), 10);
    client_writes(&p, "x", 65536);
    ck_assert_uint_eq(session_take_updates(&p.server), 0);
    close_pair(&p);
}
END_TEST

/* In one piece: what is behind too many of them is nobody's. */
START_TEST(new_keys_have_an_end)
{
    struct pair p;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    for (uint32_t i = 0; i < SESSION_UPDATES_MAX - 1; i++) {
        SSL_key_update(p.client, SSL_KEY_UPDATE_NOT_REQUESTED);
        ck_assert_int_eq(SSL_do_handshake(p.client), 1);
    }
    client_writes(&p, "text", 65536);
    ck_assert_uint_eq(p.n, 4);
    SSL_key_update(p.client, SSL_KEY_UPDATE_NOT_REQUESTED);
    client_writes(&p, "more", 65536);
    ck_assert_uint_eq(p.n, 4);
    ck_assert_uint_eq(session_take_updates(&p.server), SESSION_UPDATES_MAX);
    close_pair(&p);
}
END_TEST

/* A client that wants keys for ever and reads nothing: what waits for it is
 * bounded. */
START_TEST(output_is_bounded)
{
    struct pair p;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    for (int i = 0; i < 100000 && !p.is_ended; i++) {
        SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED);
        client_writes(&p, "x", 65536);
        p.n = 0;
        if (session_write(&p.server, &(struct iovec){"y", 1}, 1, 1) < 0)
            break;
    }
    ck_assert_uint_le(blocks.out_bytes, FLOW_BLOCKS * FLOW_BLOCK_BYTES);
    ck_assert(p.server.is_broken);
    close_pair(&p);
}
END_TEST

/* ---- the end --------------------------------------------------------------*/

START_TEST(each_side_says_that_it_is_done)
{
    struct pair p;
    char c;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    client_writes(&p, "last", 65536);
    SSL_shutdown(p.client);
    fetch(&p, 65536);
    ck_assert_uint_eq(p.n, 4);
    ck_assert_int_eq(p.is_ended, 1);
    server_writes(&p, "answer", 6, 1);
    session_close(&p.server);
    deliver(&p);
    ck_assert_int_eq(SSL_read(p.client, &c, 1), 0);
    ck_assert_int_eq(SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
    close_pair(&p);
}
END_TEST

START_TEST(nothing_is_said_before_it_is_shaken)
{
    struct pair p;

    open_pair(&p, NULL);
    session_close(&p.server);
    ck_assert_int_eq(session_write(&p.server, &(struct iovec){"x", 1}, 1, 1),
                     -EPROTO);
    ck_assert_uint_eq(deliver(&p), 0);
    close_pair(&p);
}
END_TEST

/* ---- sizes ----------------------------------------------------------------*/

/* Lengths of the records in the output, and they are sent. */
static uint32_t
records(struct pair *p, size_t *lengths, uint32_t cap)
{
    static unsigned char all[FLOW_BLOCKS * FLOW_BLOCK_BYTES];
    struct iovec iov[FLOW_BLOCKS];
    uint32_t n = flow_output(&p->server.flow, iov), n_records = 0;
    size_t end = 0;

    for (uint32_t i = 0; i < n; i++) {
        memcpy(all + end, iov[i].iov_base, iov[i].iov_len);
        end += iov[i].iov_len;
    }
    flow_sent(&p->server.flow, end);
    for (size_t at = 0; at < end && n_records < cap;) {
        lengths[n_records] = (size_t)all[at + 3] << 8 | all[at + 4];
        at += 5 + lengths[n_records++];
    }
    return n_records;
}

START_TEST(records_are_small_after_a_pause)
{
    static char text[65536];
    const struct iovec iov = {text, sizeof text};
    size_t lengths[64];
    struct pair p;
    uint32_t n;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    for (uint64_t now = 5000; now <= 5000 + 2 * SESSION_PAUSE_MS;
         now += SESSION_PAUSE_MS + 1) {
        ck_assert_int_eq(session_write(&p.server, &iov, 1, now),
                         SESSION_WRITE_MAX);
        n = records(&p, lengths, 64);
        ck_assert_uint_eq(n, 12 + 3);
        for (uint32_t i = 0; i < 12; i++)
            ck_assert_uint_le(lengths[i] + 5, 1400);
        ck_assert_uint_ge(lengths[12], SESSION_RECORD_MAX);
        /* at once, it goes on with large ones */
        ck_assert_int_eq(session_write(&p.server, &iov, 1, now + 1),
                         SESSION_WRITE_MAX);
        ck_assert_uint_eq(records(&p, lengths, 64), 4);
    }
    close_pair(&p);
}
END_TEST

START_TEST(small_pieces_share_a_record)
{
    struct iovec iov[] = {{"head ", 5}, {"", 0}, {"and ", 4}, {"body", 4}};
    size_t lengths[8];
    struct pair p;
    char got[32];

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    ck_assert_int_eq(session_write(&p.server, iov, 4, 1), 13);
    deliver(&p);
    ck_assert_int_eq(SSL_read(p.client, got, sizeof got), 13);
    ck_assert_int_eq(memcmp(got, "head and body", 13), 0);
    ck_assert_int_eq(session_write(&p.server, iov, 4, 1), 13);
    ck_assert_uint_eq(records(&p, lengths, 8), 1);
    close_pair(&p);
}
END_TEST

START_TEST(a_megabyte_arrives_whole)
{
    static char text[1000003];
    struct pair p;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7 + i / 251);
    for (int i = 0; i < 2; i++) {
        open_pair(&p, "a.example");
        SSL_set_max_proto_version(p.client, both[i]);
        ck_assert(shake(&p, 65536));
        server_writes(&p, text, sizeof text, 1);
        close_pair(&p);
    }
}
END_TEST

/* Text that nobody reads is kept as it came. */
START_TEST(bytes_that_are_not_read_are_kept)
{
    struct pair p;
    char *bytes, got[4];
    long n;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    for (int i = 0; i < 3; i++)
        SSL_write(p.client, i == 0 ? "one" : i == 1 ? "two" : "six", 3);
    n = BIO_get_mem_data(p.from_client, &bytes);
    flow_feed(&p.server.flow, bytes, (size_t)n);
    ck_assert_int_eq(session_read(&p.server, got, 3), 3);
    ck_assert_int_eq(flow_keep(&p.server.flow), 0);
    memset(bytes, 0, (size_t)n);
    ck_assert_uint_gt(flow_unread(&p.server.flow), 0);
    ck_assert_int_eq(session_read(&p.server, got, 3), 3);
    ck_assert_int_eq(memcmp(got, "two", 3), 0);
    ck_assert_int_eq(session_read(&p.server, got, 3), 3);
    ck_assert_int_eq(memcmp(got, "six", 3), 0);
    ck_assert_int_eq(session_read(&p.server, got, 3), -EAGAIN);
    ck_assert_uint_eq(flow_unread(&p.server.flow), 0);
    close_pair(&p);
}
END_TEST

START_TEST(errors_of_others_are_not_ours)
{
    struct pair p;

    open_pair(&p, "a.example");
    ck_assert(shake(&p, 65536));
    ERR_put_error(ERR_LIB_USER, 0, 100, __FILE__, __LINE__);
    client_writes(&p, "hello", 1);
    ck_assert_int_eq(p.is_ended, 0);
    ck_assert_uint_eq(p.n, 5);
    close_pair(&p);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, session, each_version_and_what_is_said_in_it,
             older_versions_are_refused, bytes_come_one_at_a_time,
             a_name_chooses_the_certificate, which_hosts_it_serves,
             a_protocol_is_chosen, h2_is_not_offered_where_it_is_off,
             sessions_are_resumed, and_once_more,
             by_another_context_with_the_same_keys,
             by_keys_of_the_hour_before_and_not_of_long_ago,
             with_other_keys_the_handshake_is_a_full_one,
             without_keys_there_are_no_tickets,
             early_text_is_read_and_answered_early,
             where_it_is_off_it_is_passed_over, garbage_is_refused,
             a_hello_with_any_byte_changed, a_changed_record_ends_it,
             renegotiation_is_refused, a_new_key_is_taken_and_given,
             new_keys_are_counted, new_keys_have_an_end, output_is_bounded,
             each_side_says_that_it_is_done,
             nothing_is_said_before_it_is_shaken,
             records_are_small_after_a_pause, small_pieces_share_a_record,
             a_megabyte_arrives_whole, bytes_that_are_not_read_are_kept,
             errors_of_others_are_not_ours)
