/* relay.c - the loop. Whatever goes wrong, with the database or with Kafka, ends in the same way: forget what is in flight
 * and read it again from the table. That repeats events, which is harmless, and leaves none out. */
#include "workers/relay/relay.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/stop.h"
#include "model/event.h"
#include "store/outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WINDOW_BATCHES = 3,     /* in flight at the most: one with the broker, one behind it, one being read */
    CALL_TIMEOUT_MS = 4000, /* less than the session lives in silence */
    STANDBY_MS = 1000,      /* between two tries for the lock */
    QUIET_SHARE = 32,       /* a relay without work looks again after this share of the silence so far, */
    QUIET_MIN_MS = 2,       /* at least, */
    QUIET_MAX_MS = 40,      /* and at the most; within the database, where a look costs a fraction: */
    WAIT_SHARE = 4,         /* there for this share of the silence, at a time, */
    WAIT_MAX_MS = 500,      /* and at the most; also how late a stop is noticed */
    FULL_WAIT_MS = 100,     /* for reports, when the window is full */
    SCAN_EVERY_MS = 1000,   /* the whole table, whatever the floor says */
    MARK_EVERY_MS = 50,     /* the horizon, while the floor is behind */
    LOOK_EVERY_MS = 1000,   /* for the metrics; also keeps the session from falling silent */
    PAUSE_FIRST_MS = 50,    /* after trouble, doubling */
    PAUSE_MAX_MS = 2000,
    STOP_WAIT_MS = 4000, /* for reports, on the way out; the session lives longer in silence */
};

void relay_init(struct relay *relay, const struct relay_options *options)
{
    int capacity = options->batch * WINDOW_BATCHES;

    *relay = (struct relay){ .options = *options };
    relay->pg = pg_new(&(struct pg_options){
        .url = options->database_url,
        .application = "outbox-relay",
        .schema = options->service,
        .call_timeout_ms = CALL_TIMEOUT_MS,
    });
    window_init(&relay->window, capacity);
    relay->seqs = calloc((size_t)capacity, sizeof *relay->seqs);
    if (!relay->seqs)
        abort();
    snprintf(relay->source, sizeof relay->source, "/orderline/%s", options->service);
}

void relay_free(struct relay *relay)
{
    kafka_producer_free(relay->producer, 0);
    pg_free(relay->pg);
    window_free(&relay->window);
    arena_free(&relay->arena);
    free(relay->seqs);
}

/* ---- reports ---- */

/* From kafka_producer_poll and kafka_producer_free. Only notes what happened. */
static void on_report(void *context, int64_t ticket, enum kafka_verdict verdict, const char *reason)
{
    struct relay *relay = context;
    int64_t seq = window_seq(&relay->window, ticket);

    (void)failpoint_hit("relay.after_report");
    if (verdict == KAFKA_DELIVERED) {
        window_delivered(&relay->window, ticket);
        relay->stats.published++;
        return;
    }
    relay->stats.failed++;
    if (relay->trouble.kind != FAULT_NONE)
        return; /* the first one is the cause */
    if (verdict == KAFKA_REFUSED)
        relay->refused = seq;
    fault_set(&relay->trouble, verdict == KAFKA_REFUSED ? FAULT_PERMANENT : FAULT_TRANSIENT, "kafka_report", "%s", reason);
}

/* ---- leading ---- */

/* The lock lives and dies with its session, and a call that found the old one gone has made a new one. */
static bool still_leads(const struct relay *relay, struct fault *fault)
{
    if (pg_connected(relay->pg) && pg_session(relay->pg) == relay->session)
        return true;
    return fault_set(fault, FAULT_TRANSIENT, "lead_lost", "the database session that held the lock is gone");
}

/* Tries for the lock. */
static bool stand_by(struct relay *relay, bool *leads, struct fault *fault)
{
    if (!outbox_lead(relay->pg, leads, fault))
        return false;
    relay->stats.database_up = true;
    if (!*leads)
        return true;
    relay->session = pg_session(relay->pg);
    relay->stats.leads = true;
    relay->stats.terms++;
    log_info("leading: this relay serves the outbox of %s", relay->options.service);
    return true;
}

static void step_down(struct relay *relay)
{
    if (relay->stats.leads)
        log_info("standing by");
    relay->stats.leads = false;
    relay->stats.depth = 0;
    relay->stats.oldest_age_ms = 0;
    pg_drop(relay->pg);
}

/* Reading begins at the start of the table, with a producer that remembers nothing. */
static bool start_over(struct relay *relay, struct fault *fault)
{
    window_reset(&relay->window);
    relay->trouble = (struct fault){ 0 };
    relay->refused = 0;
    relay->last_seq = 0;
    relay->read_at_ms = relay->scan_at_ms = relay->mark_at_ms = relay->look_at_ms = 0;
    relay->row_ms = clock_mono_ms();
    relay->producer = kafka_producer_new(relay->options.brokers, "outbox-relay", on_report, relay, fault);
    return relay->producer != NULL;
}

/* ---- one turn ---- */

static bool remove_arrived(struct relay *relay, struct fault *fault)
{
    size_t count;

    if (window_arrived(&relay->window) == 0)
        return true;
    if (failpoint_hit("relay.before_delete"))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "relay.before_delete");
    count = window_take(&relay->window, relay->seqs);
    if (!outbox_delete(relay->pg, &relay->arena, relay->seqs, count, fault))
        return false;
    if (failpoint_hit("relay.after_delete"))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "relay.after_delete");
    return still_leads(relay, fault);
}

/* Small removals wait for each other while more is on its way. */
static bool worth_removing(const struct relay *relay)
{
    int64_t arrived = window_arrived(&relay->window);

    return arrived >= relay->options.batch / 4 || arrived == window_in_flight(&relay->window);
}

static bool send_row(struct relay *relay, const struct outbox_row *row, struct fault *fault)
{
    const struct event_type *type = event_type_find(row->type);
    char key[UUID_TEXT_LEN + 1];
    struct kafka_message message = {
        .topic = row->topic,
        .value = row->payload,
        .event_id = row->id,
        .type = row->type,
        .source = text_of(relay->source),
        .schema = type ? text_of(type->schema) : TEXT(""), /* made by a newer service than this relay */
        .traceparent = row->traceparent,
    };

    uuid_format(&row->order_id, key);
    message.key = text_of(key);
    if (!kafka_produce(relay->producer, &message, relay->window.next, fault))
        return false;
    window_send(&relay->window, row->seq);
    if (row->seq > relay->last_seq)
        relay->last_seq = row->seq;
    return true;
}

/* Sends rows in order up to the first that can't be queued now; the rest is read again. */
static bool send_rows(struct relay *relay, const struct outbox_row *rows, size_t count, struct fault *fault)
{
    int64_t now_ms = clock_unix_ms();

    if (count > 0)
        metric_observe(&relay->stats.batch_sizes, &metric_sizes, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        if (send_row(relay, &rows[i], fault)) {
            metric_observe(&relay->stats.waits_ms, &metric_age_ms, now_ms - uuid_unix_ms(&rows[i].id));
            continue;
        }
        window_sent_up_to(&relay->window, rows[i].seq - 1);
        if (fault->kind == FAULT_BUSY) {
            relay->read_at_ms = clock_mono_ms() + FULL_WAIT_MS;
            return true;
        }
        if (fault->kind == FAULT_PERMANENT)
            relay->refused = rows[i].seq;
        return false;
    }
    window_sent_up_to(&relay->window, count < (size_t)relay->options.batch ? INT64_MAX : rows[count - 1].seq);
    return true;
}

/* How long to leave the table alone after a read that brought so many rows. */
static int64_t quiet_ms(const struct relay *relay, size_t rows, int64_t now_ms)
{
    int64_t share = (now_ms - relay->row_ms) / QUIET_SHARE;

    if (rows == (size_t)relay->options.batch)
        return 0;
    return share < QUIET_MIN_MS ? QUIET_MIN_MS : share > QUIET_MAX_MS ? QUIET_MAX_MS : share;
}

static bool update_horizon(struct relay *relay, int64_t now_ms, struct fault *fault)
{
    struct outbox_horizon horizon;

    if (relay->last_seq < relay->window.floor || now_ms < relay->mark_at_ms)
        return true;
    relay->mark_at_ms = now_ms + MARK_EVERY_MS;
    if (!outbox_horizon(relay->pg, &horizon, fault))
        return false;
    window_horizon(&relay->window, horizon.oldest_xid, horizon.next_xid, horizon.last_seq);
    return true;
}

static bool read_and_send(struct relay *relay, int64_t now_ms, struct fault *fault)
{
    struct outbox_row *rows;
    size_t count, in_flight;
    int64_t from;

    if (!update_horizon(relay, now_ms, fault))
        return false;
    from = now_ms >= relay->scan_at_ms ? WINDOW_START : relay->window.floor;
    if (from == WINDOW_START)
        relay->scan_at_ms = now_ms + SCAN_EVERY_MS;
    in_flight = window_list(&relay->window, from, relay->seqs);
    if (!outbox_read(relay->pg, &relay->arena, from, relay->seqs, in_flight, relay->options.batch, &rows, &count, fault) ||
        !still_leads(relay, fault))
        return false;
    if (failpoint_hit("relay.after_read"))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "relay.after_read");

    if (count)
        relay->row_ms = now_ms;
    relay->read_at_ms = now_ms + quiet_ms(relay, count, now_ms);
    if (!send_rows(relay, rows, count, fault))
        return false;
    if (count && failpoint_hit("relay.after_produce"))
        return fault_set(fault, FAULT_TRANSIENT, "failpoint", "relay.after_produce");
    return true;
}

static bool look(struct relay *relay, int64_t now_ms, struct fault *fault)
{
    struct outbox_state state;

    if (now_ms < relay->look_at_ms)
        return true;
    relay->look_at_ms = now_ms + LOOK_EVERY_MS;
    if (!outbox_state(relay->pg, &state, fault))
        return false;
    relay->stats.depth = state.depth;
    relay->stats.oldest_age_ms = state.oldest_age_ms;
    return still_leads(relay, fault);
}

/* The longer the silence, the rarer the looks, and the fewer the calls for them. */
static bool wait_for_rows(struct relay *relay, struct fault *fault)
{
    int64_t now_ms = clock_mono_ms();
    int64_t wait_ms = (now_ms - relay->row_ms) / WAIT_SHARE;

    relay->read_at_ms = 0;
    return outbox_wait(relay->pg, &relay->arena, relay->window.floor, (int)quiet_ms(relay, 0, now_ms),
                       wait_ms < WAIT_MAX_MS ? (int)wait_ms : WAIT_MAX_MS, fault) &&
           still_leads(relay, fault);
}

/* Until there is something to do: reports to take in, or the next read. */
static bool wait_for_work(struct relay *relay, struct fault *fault)
{
    bool room = window_room(&relay->window) >= relay->options.batch;
    int wait_ms = room ? clock_left_ms(relay->read_at_ms) : FULL_WAIT_MS;

    if (window_in_flight(&relay->window))
        kafka_producer_poll(relay->producer, wait_ms);
    else if (wait_ms > 0)
        return wait_for_rows(relay, fault);
    return true;
}

static bool turn(struct relay *relay, struct fault *fault)
{
    int64_t now_ms;

    arena_reset(&relay->arena);
    if (!wait_for_work(relay, fault))
        return false;
    now_ms = clock_mono_ms();
    relay->stats.beat_ms = now_ms;
    relay->stats.in_flight = window_in_flight(&relay->window);

    if (kafka_producer_broken(relay->producer, fault))
        return false;
    if (relay->trouble.kind != FAULT_NONE) {
        *fault = relay->trouble;
        return false;
    }
    if (worth_removing(relay) && !remove_arrived(relay, fault))
        return false;
    if (!look(relay, now_ms, fault))
        return false;
    if (now_ms < relay->read_at_ms || window_room(&relay->window) < relay->options.batch)
        return true;
    return read_and_send(relay, now_ms, fault);
}

/* ---- the loop ---- */

/* Ends what is in flight: waits up to WAIT_MS for its reports and gives the rest up, to be read again. */
static bool stop_sending(struct relay *relay, int wait_ms, struct fault *fault)
{
    kafka_producer_free(relay->producer, wait_ms);
    relay->producer = NULL;
    return still_leads(relay, fault) && remove_arrived(relay, fault);
}

static bool park_refused(struct relay *relay, const struct fault *why, struct fault *fault)
{
    if (!outbox_park(relay->pg, &relay->arena, relay->refused, text_of(why->detail), fault))
        return false;
    relay->stats.parked++;
    log_error("event with seq %" PRId64 " can't be sent, set aside with the later ones of its order: %s", relay->refused,
              why->detail);
    return true;
}

/* Leads from a fresh start until something goes wrong (false) or stopping is asked for. */
static bool lead(struct relay *relay, struct fault *fault)
{
    struct fault why = { 0 }, ignored;

    if (!start_over(relay, fault))
        return false;
    while (!stop_requested()) {
        if (turn(relay, &why))
            continue;
        /* What is refused holds up nothing else: let the rest arrive, then go on without it. */
        *fault = why;
        if (!stop_sending(relay, relay->refused ? STOP_WAIT_MS / 2 : 0, &ignored) || !relay->refused)
            return false;
        if (!park_refused(relay, &why, fault) || !start_over(relay, fault))
            return false;
    }
    if (!stop_sending(relay, STOP_WAIT_MS, &ignored))
        log_warn("stopped before everything sent was removed: it will be sent again (%s)", ignored.detail);
    return true;
}

void relay_run(struct relay *relay)
{
    int pause_ms = PAUSE_FIRST_MS;

    while (!stop_requested()) {
        struct fault fault = { 0 };
        int64_t began_ms = clock_mono_ms();
        bool leads = false;

        relay->stats.beat_ms = began_ms;
        if (stand_by(relay, &leads, &fault) && (!leads || lead(relay, &fault))) {
            if (!leads)
                stop_wait_ms(STANDBY_MS);
            pause_ms = PAUSE_FIRST_MS;
            continue;
        }
        if (clock_mono_ms() - began_ms > PAUSE_MAX_MS) /* it went well for a while */
            pause_ms = PAUSE_FIRST_MS;
        log_warn("starting over in %d ms: %s", pause_ms, fault.detail);
        relay->stats.database_up = pg_connected(relay->pg);
        kafka_producer_free(relay->producer, 0);
        relay->producer = NULL;
        step_down(relay);
        stop_wait_ms(pause_ms);
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
    }
    step_down(relay);
}
