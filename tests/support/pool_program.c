/* SPDX-License-Identifier: MIT */
#include "support/pool_program.h"
#include "support/pool_host.h"

#define REQUESTS 96u
#define ALIVE_MAX 40u
#define OWNERS 512u
#define CHUNKS 64u
#define RUNNING_MAX 3u
#define RING_SIZE 256u
#define KEYS_MAX 5u
#define TENANT_MAX 3u
#define GRACE 100u
#define RETAIN 150u

enum state { PARKED, RUNNING, STOPPING, ENDED };

typedef struct request {
    berth_request_id id;
    berth_key key;
    uint64_t tenant;
    uint64_t left_at, ended_at;
    uint64_t due_at, due_order; /* BERTH_FOREVER: never */
    uint64_t idle_order;        /* 0 = it gives way to nobody */
    uint32_t keyed, streams, state, fixed, gone, admitted, announced, owned, owner_count;
    uint32_t kind;
    uint32_t size[CHUNKS];
    uint32_t count, cursor, kept;
} request;

typedef struct owner {
    berth_owner_id id;
    uint32_t request;
    uint32_t ordinal; /* of the owners of that request, from 1 */
} owner;

static struct {
    pool_host *host;
    request requests[REQUESTS];
    owner owners[OWNERS];
    uint32_t request_count, owner_count;
    uint64_t now, orders;
    uint64_t gone_total, expired_total, evicted_total, refused_total;
    uint32_t retain_from;
    const uint8_t *at, *end;
} m;

static uint32_t next_byte(void) {
    return m.at < m.end ? *m.at++ : 0;
}

/* ---- The model ---- */

static uint8_t spoken(uint32_t index, uint32_t sequence) {
    return (uint8_t)(index * 31 + sequence * 7 + 1);
}

static uint32_t inside(void) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < m.request_count; i++)
        count += m.requests[i].state == RUNNING || m.requests[i].state == STOPPING;
    return count;
}

/* In order of arrival, which is that of the array. */
static void admit(void) {
    for (uint32_t i = 0; i < m.request_count && inside() < RUNNING_MAX; i++)
        if (m.requests[i].state == PARKED) {
            m.requests[i].state = RUNNING;
            m.requests[i].admitted = 1;
        }
}

static void time_it(request *r) {
    if (!r->keyed || r->gone) return;
    uint64_t from = r->left_at;
    r->due_at = BERTH_FOREVER;
    if (r->fixed && (m.retain_from == BERTH_RETAIN_END || r->ended_at > from)) from = r->ended_at;
    if (!r->owned) {
        r->due_at = from + (r->fixed ? RETAIN : GRACE);
        r->due_order = m.orders++;
    }
    if (!r->owned && r->fixed) {
        if (r->idle_order == 0) r->idle_order = ++m.orders;
    } else {
        r->idle_order = 0;
    }
}

static void fix(request *r, uint32_t kind) {
    r->fixed = 1;
    r->kind = kind;
    r->ended_at = m.now;
    time_it(r);
}

static void cancel(request *r) {
    r->state = r->state == PARKED ? ENDED : STOPPING;
    fix(r, BERTH_OUTCOME_CANCELLED);
}

static void forget(request *r) {
    r->gone = 1;
    r->owned = 0;
    r->idle_order = 0;
    r->due_at = BERTH_FOREVER;
}

static request *first_due(uint64_t until) {
    request *first = NULL;
    for (uint32_t i = 0; i < m.request_count; i++) {
        request *r = &m.requests[i];
        if (r->due_at > until || r->due_at == BERTH_FOREVER) continue;
        if (first == NULL || r->due_at < first->due_at ||
            (r->due_at == first->due_at && r->due_order < first->due_order))
            first = r;
    }
    return first;
}

static void expire(uint64_t until) {
    request *r;
    while ((r = first_due(until)) != NULL) {
        if (r->due_at > m.now) m.now = r->due_at;
        r->due_at = BERTH_FOREVER;
        if (r->fixed) {
            m.expired_total++;
            forget(r);
        } else {
            m.gone_total++;
            cancel(r);
        }
        admit();
    }
}

/* The one that gives way first: of a tenant, or (any) of all. */
static request *first_idle(uint64_t tenant, uint32_t any) {
    request *first = NULL;
    for (uint32_t i = 0; i < m.request_count; i++) {
        request *r = &m.requests[i];
        if (r->idle_order == 0 || (!any && r->tenant != tenant)) continue;
        if (first == NULL || r->idle_order < first->idle_order) first = r;
    }
    return first;
}

static uint32_t keyed_count(uint64_t tenant, uint32_t any) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < m.request_count; i++)
        count +=
            m.requests[i].keyed && !m.requests[i].gone && (any || m.requests[i].tenant == tenant);
    return count;
}

static uint32_t room_of(uint32_t size) {
    return (16 + size + 15) / 16 * 16;
}

static uint32_t room_from(const request *r, uint32_t first) {
    uint32_t sum = 0;
    for (uint32_t i = first; i < r->count; i++) sum += room_of(r->size[i]);
    return sum;
}

/* ---- What is done to both ---- */

static void do_submit(void) {
    const uint32_t byte = next_byte();
    const uint64_t tenant = byte % 3;
    const uint32_t keyed = byte % 8 != 0;
    uint32_t alive = 0;
    for (uint32_t i = 0; i < m.request_count; i++)
        alive += !m.requests[i].gone || m.requests[i].state != ENDED;
    if (m.request_count == REQUESTS || alive == ALIVE_MAX) return;

    berth_request ask = pool_request(m.host, 0);
    ask.tenant = tenant;
    ask.mailbox_flags = keyed ? BERTH_MAILBOX_KEYED : 0;
    ask.mailbox_mode = byte / 8 % 4 == 0 ? BERTH_MAILBOX_OUTCOME : BERTH_MAILBOX_STREAM;
    const uint32_t tenant_full = keyed && keyed_count(tenant, 0) == TENANT_MAX;
    if (keyed && keyed_count(0, 1) == KEYS_MAX && first_idle(0, 1) == NULL) {
        (void)pool_refused(m.host, &ask, BERTH_REFUSAL_KEYS);
        m.refused_total++;
        return;
    }
    if (tenant_full && first_idle(tenant, 0) == NULL) {
        (void)pool_refused(m.host, &ask, BERTH_REFUSAL_KEYS_TENANT);
        m.refused_total++;
        return;
    }
    request *r = &m.requests[m.request_count];
    *r = (request){.id = pool_submit(m.host, &ask),
                   .tenant = tenant,
                   .keyed = keyed,
                   .streams = ask.mailbox_mode == BERTH_MAILBOX_STREAM,
                   .left_at = m.now,
                   .due_at = BERTH_FOREVER};
    if (tenant_full) {
        forget(first_idle(tenant, 0));
        m.evicted_total++;
    }
    if (keyed && keyed_count(0, 1) == KEYS_MAX) {
        forget(first_idle(0, 1));
        m.evicted_total++;
    }
    m.request_count++;
    if (keyed) CHECK_OK(berth_mailbox_key(m.host->pool, r->id, &r->key));
    time_it(r);
    admit();
}

static request *pick(void) {
    const uint32_t byte = next_byte();
    if (m.request_count == 0) return NULL;
    const uint32_t recent = m.request_count < 8 ? m.request_count : 8;
    return &m.requests[m.request_count - 1 - byte % recent];
}

static void do_emit(void) {
    request *r = pick();
    const uint32_t size = next_byte() % 60;
    uint8_t bytes[64];
    if (r == NULL || r->count == CHUNKS) return;
    memset(bytes, spoken((uint32_t)(r - m.requests), r->count), sizeof bytes);
    const berth_status status = berth_emit(m.host->pool, r->id, bytes, size, 1);
    if (r->gone && r->state == ENDED) {
        CHECK(status, BERTH_ESTALE);
    } else if (r->fixed) {
        CHECK(status, BERTH_EENDED);
    } else if (r->state == PARKED) {
        CHECK(status, BERTH_EAGAIN);
    } else if (r->streams && room_from(r, r->cursor) + room_of(size) > RING_SIZE) {
        CHECK(status, BERTH_EFULL);
    } else {
        CHECK_OK(status);
        if (!r->streams) return;
        while (room_from(r, r->kept) + room_of(size) > RING_SIZE) r->kept++;
        r->size[r->count++] = size;
    }
}

static void do_finish(void) {
    request *r = pick();
    if (r == NULL) return;
    const berth_status status = berth_finish(m.host->pool, r->id, BERTH_FINISH_STOP, 0);
    if (r->gone && r->state == ENDED) {
        CHECK(status, BERTH_ESTALE);
        return;
    }
    CHECK(status, r->fixed ? BERTH_EENDED : r->state == PARKED ? BERTH_EAGAIN : BERTH_OK);
    if (r->state == PARKED) return;
    r->state = ENDED;
    if (!r->fixed) fix(r, BERTH_OUTCOME_COMPLETED);
    admit();
}

static void do_cancel(void) {
    request *r = pick();
    if (r == NULL) return;
    CHECK(berth_cancel(m.host->pool, r->id), r->gone    ? BERTH_ESTALE
                                             : r->fixed ? BERTH_EENDED
                                                        : BERTH_OK);
    if (!r->gone && !r->fixed) cancel(r);
    admit();
}

/* Up to twice as many as are cancelled in one turn; nobody is admitted within a turn. */
static void do_cancel_many(void) {
    request *chosen[64];
    berth_request_id ids[64] = {0};
    berth_status said[64];
    const uint32_t count = next_byte() % 16 == 0 ? 64 : next_byte() % 8;
    uint32_t cancelled = 0;
    uint32_t out_count;
    for (uint32_t i = 0; i < count; i++) {
        chosen[i] = pick();
        ids[i] = chosen[i] == NULL ? 0 : chosen[i]->id;
    }
    CHECK_OK(berth_cancel_many(m.host->pool, ids, count, said, &out_count));
    for (uint32_t i = 0; i < count; i++) {
        request *r = chosen[i];
        CHECK(said[i], r == NULL ? BERTH_EINVAL
                       : r->gone ? BERTH_ESTALE
                                 : (r->fixed ? BERTH_EENDED : BERTH_OK));
        if (said[i] == BERTH_OK) cancel(r);
        if (i % 32 == 31) admit();
        cancelled += said[i] == BERTH_OK;
    }
    assert_int_equal(out_count, cancelled);
    admit();
}

static void do_take(void) {
    request *r = pick();
    if (r == NULL) return;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    const berth_status status = berth_outcome_take(m.host->pool, r->id, &outcome);
    CHECK(status, r->gone ? BERTH_ESTALE : r->fixed ? BERTH_OK : BERTH_EAGAIN);
    if (status != BERTH_OK) return;
    assert_int_equal(outcome.kind, r->kind);
    assert_int_equal(outcome.ended_at_ns, r->ended_at);
    forget(r);
}

/* What a handle may do, and for which request. */
static berth_status access_of(const owner *by) {
    const request *r = &m.requests[by->request];
    if (r->gone) return BERTH_ESTALE;
    if (by->ordinal < r->owner_count) return BERTH_ETAKEN;
    return r->owned ? BERTH_OK : BERTH_ESTALE;
}

static const owner *pick_owner(void) {
    const uint32_t byte = next_byte();
    if (m.owner_count == 0) return NULL;
    const uint32_t recent = m.owner_count < 6 ? m.owner_count : 6;
    return &m.owners[m.owner_count - 1 - byte % recent];
}

static void expect_read(request *r, uint64_t id) {
    uint8_t bytes[64] = {0};
    const uint32_t room = next_byte() % 4 == 0 ? 10 : 64;
    berth_record record = {.struct_size = sizeof record};
    const berth_status status = berth_mailbox_read(m.host->pool, id, bytes, room, 0, &record);
    if (r->admitted && !r->announced) {
        CHECK_OK(status);
        assert_int_equal(record.kind, BERTH_RECORD_ADMITTED);
        r->announced = 1;
    } else if (r->cursor < r->count) {
        CHECK(status, r->size[r->cursor] > room ? BERTH_ESPACE : BERTH_OK);
        assert_int_equal(record.size, r->size[r->cursor]);
        if (status == BERTH_ESPACE) return;
        assert_int_equal(record.sequence, r->cursor);
        for (uint32_t i = 0; i < record.size; i++)
            assert_int_equal(bytes[i], spoken((uint32_t)(r - m.requests), r->cursor));
        r->cursor++;
    } else if (r->fixed) {
        CHECK_OK(status);
        assert_int_equal(record.kind, BERTH_RECORD_END);
        assert_int_equal(record.sequence, r->count);
        assert_int_equal(record.outcome.kind, r->kind);
    } else {
        CHECK(status, BERTH_ETIMEDOUT);
    }
}

static void do_read(void) {
    const owner *by = pick_owner();
    berth_record record = {.struct_size = sizeof record};
    if (by == NULL) return;
    if (access_of(by) == BERTH_OK) {
        expect_read(&m.requests[by->request], by->id);
        return;
    }
    CHECK(berth_mailbox_read(m.host->pool, by->id, NULL, 0, 0, &record), access_of(by));
}

static void do_read_by_request(void) {
    request *r = pick();
    berth_record record = {.struct_size = sizeof record};
    if (r == NULL) return;
    if (!r->keyed && !r->gone) {
        expect_read(r, r->id);
        return;
    }
    CHECK(berth_mailbox_read(m.host->pool, r->id, NULL, 0, 0, &record),
          r->gone ? BERTH_ESTALE : BERTH_ETAKEN);
}

static berth_status expect_attach(const request *r, const berth_attachment *at, uint32_t right) {
    if (r->gone || !right) return BERTH_ESTALE;
    if (r->owned && at->flags == 0) return BERTH_EBUSY;
    if (at->sequence == BERTH_SEQUENCE_UNREAD) return BERTH_OK;
    if (at->sequence > r->count) return BERTH_EINVAL;
    return at->sequence < r->kept ? BERTH_ELOST : BERTH_OK;
}

static void do_attach(void) {
    request *r = pick();
    const uint32_t byte = next_byte();
    const uint32_t right = byte % 16 != 0;
    if (r == NULL || !r->keyed || m.owner_count == OWNERS) return;
    berth_attachment at = {.struct_size = sizeof at,
                           .flags = byte / 16 % 3 == 0 ? BERTH_ATTACH_TAKE_OVER : 0,
                           .tenant = r->tenant + !right};
    at.sequence = byte / 64 == 0 ? BERTH_SEQUENCE_UNREAD : next_byte() % (r->count + 2);
    const berth_status wanted = expect_attach(r, &at, right);
    CHECK(berth_mailbox_attach(m.host->pool, &r->key, &at), wanted);
    if (wanted == BERTH_OK || wanted == BERTH_ELOST) {
        assert_int_equal(at.oldest, r->kept);
        assert_int_equal(at.next, r->count);
    }
    if (wanted != BERTH_OK) return;
    assert_int_equal(at.id, r->id);
    if (at.sequence != BERTH_SEQUENCE_UNREAD) r->cursor = (uint32_t)at.sequence;
    r->owned = 1;
    r->owner_count++;
    m.owners[m.owner_count++] =
        (owner){.id = at.owner, .request = (uint32_t)(r - m.requests), .ordinal = r->owner_count};
    time_it(r);
}

static void do_detach(void) {
    const owner *by = pick_owner();
    const uint32_t cancels = next_byte() % 4 == 0;
    if (by == NULL) return;
    request *r = &m.requests[by->request];
    const berth_status wanted = access_of(by);
    CHECK(berth_mailbox_detach(m.host->pool, by->id, cancels ? BERTH_DETACH_CANCEL : 0), wanted);
    if (wanted != BERTH_OK) return;
    r->owned = 0;
    r->left_at = m.now;
    time_it(r);
    if (cancels && !r->fixed) cancel(r);
    expire(m.now);
    admit();
}

static void do_advance(void) {
    const uint64_t to = m.now + next_byte() / 2;
    CHECK_OK(berth_clock_advance(m.host->pool, to));
    expire(to);
    m.now = to;
}

static void compare_all(void) {
    const berth_stats stats = pool_stats(m.host);
    uint32_t owned = 0;
    uint64_t next = BERTH_FOREVER;
    for (uint32_t i = 0; i < m.request_count; i++) {
        const request *r = &m.requests[i];
        owned += r->owned;
        if (r->due_at < next) next = r->due_at;
        CHECK(berth_wait(m.host->pool, r->id, 0, NULL), r->gone    ? BERTH_ESTALE
                                                        : r->fixed ? BERTH_OK
                                                                   : BERTH_ETIMEDOUT);
    }
    assert_int_equal(stats.keyed, keyed_count(0, 1));
    assert_int_equal(stats.keyed_owned, owned);
    assert_int_equal(stats.keyed_gone_total, m.gone_total);
    assert_int_equal(stats.keyed_expired_total, m.expired_total);
    assert_int_equal(stats.keyed_evicted_total, m.evicted_total);
    assert_int_equal(stats.refused_total, m.refused_total);
    uint64_t due;
    CHECK_OK(berth_clock_next(m.host->pool, &due));
    assert_int_equal(due, next);
}

/* ---- Programs ---- */

pool_program_counts pool_program_run(const uint8_t *bytes, size_t size) {
    static void (*const operations[])(void) = {
        do_submit,     do_emit,   do_emit,   do_emit,   do_emit,    do_finish,
        do_cancel,     do_read,   do_read,   do_read,   do_read,    do_read_by_request,
        do_attach,     do_attach, do_attach, do_detach, do_advance, do_take,
        do_cancel_many};
    memset(&m, 0, sizeof m);
    m.at = bytes;
    m.end = bytes + size;
    m.retain_from = next_byte() % 2;
    m.host = pool_host_new(BERTH_FACE_GATE);
    m.host->options.running_max = RUNNING_MAX;
    m.host->options.parked_max = REQUESTS;
    m.host->options.ended_max = REQUESTS;
    m.host->options.mailboxes_max = REQUESTS;
    m.host->options.mailbox_size = RING_SIZE;
    m.host->options.keys_max = KEYS_MAX;
    m.host->options.keys_tenant_max = TENANT_MAX;
    m.host->options.keys_grace_ns = GRACE;
    m.host->options.keys_retain_ns = RETAIN;
    m.host->options.keys_retain_from = m.retain_from;
    pool_host_start(m.host);
    while (m.at < m.end) {
        operations[next_byte() % (sizeof operations / sizeof operations[0])]();
        compare_all();
    }
    for (uint32_t i = 0; i < m.request_count; i++) {
        (void)berth_cancel(m.host->pool, m.requests[i].id);
        (void)berth_finish(m.host->pool, m.requests[i].id, BERTH_FINISH_STOP, 0);
    }
    pool_host_end(m.host);
    return (pool_program_counts){
        .owners = m.owner_count, .expired = m.expired_total, .evicted = m.evicted_total};
}
