/* kafka.h - Apache Kafka by librdkafka: a producer that reports each delivery, a consumer that polls and stores offsets. */
#pragma once

#include "base/arena.h"
#include "base/fault.h"
#include "base/uuid.h"

/* ---- TLS and SASL ---- */

/* Reads FILE, lines of "name = value" with librdkafka's properties security.*, sasl.* and ssl.* (its CONFIGURATION.md); "#"
 * begins a comment; "" is no file. What it says holds for every client of this process made after it: call it once at the
 * start, before any thread. FAULT_INVALID names the line that is wrong, and never a value. */
MUST_CHECK bool kafka_security_read(const char *file, struct fault *fault);

/* ---- producing ---- */

struct kafka_producer;

enum kafka_verdict {
    KAFKA_DELIVERED,
    KAFKA_FAILED, /* not delivered, or not known to be: send again */
    KAFKA_REFUSED /* this message can never be delivered (too large, ...): sending again cannot help */
};

/* Called from kafka_producer_poll for each message once: TAG as given to produce. */
typedef void kafka_report(void *context, int64_t tag, enum kafka_verdict verdict, const char *reason);

/* Idempotent (acks=all), lz4, no message time-out: what is queued is tried until it is delivered or purged. CLIENT_ID is
 * for the broker's logs. Starts librdkafka's threads: after any fork. One thread at a time. */
struct kafka_producer *kafka_producer_new(const char *brokers, const char *client_id, kafka_report *report, void *context,
                                          struct fault *fault);

/* What the relay sends: an outbox row as it lies in the table. Slices are copied before produce returns. */
struct kafka_message {
    struct text topic;
    struct text key;   /* the order id as text */
    struct text value; /* the payload */
    struct uuid event_id;
    struct text type;
    struct text source;
    struct text schema;
    struct text traceparent;
};

/* Queues a message. FAULT_BUSY: the queue is full, poll and send the same one again. FAULT_PERMANENT: this message alone is
 * impossible. FAULT_TRANSIENT: the producer is broken for good (fatal error): free it, make a new one. */
MUST_CHECK bool kafka_produce(struct kafka_producer *producer, const struct kafka_message *message, int64_t tag,
                              struct fault *fault);

/* Serves reports for up to WAIT_MS; returns how many. */
int kafka_producer_poll(struct kafka_producer *producer, int wait_ms);

/* Whether the producer has met a fatal error (librdkafka's idempotence, section "Fatal errors"): only a new one helps. */
bool kafka_producer_broken(const struct kafka_producer *producer, struct fault *fault);

/* Waits up to WAIT_MS for the queue, then forgets what is still queued or in flight (reported KAFKA_FAILED), and destroys;
 * NULL is fine. No report comes after it returns. */
void kafka_producer_free(struct kafka_producer *producer, int wait_ms);

/* ---- consuming ---- */

struct kafka_consumer;

struct kafka_consumer_options {
    const char *brokers;
    const char *group; /* "orderline-payment" */
    const char *client_id;
    const char *const *topics; /* NULL-terminated */
    int session_timeout_ms;
};

/* A received message; slices live until kafka_release. Headers not there have ptr NULL. */
struct kafka_record {
    void *handle; /* librdkafka's message, owned */
    const char *topic;
    int32_t partition;
    int64_t offset;
    struct text key, value;
    struct text ce_id, ce_type, ce_time, ce_source, ce_dataschema, traceparent;
};

/* Subscribes (range assignor, earliest, no auto offset store). One thread at a time. */
struct kafka_consumer *kafka_consumer_new(const struct kafka_consumer_options *options, struct fault *fault);

/* Gathers up to MAX records: waits up to WAIT_MS for the first, then takes what is there within LINGER_MS. Broker trouble
 * is logged and yields 0. Between calls no more than max.poll.interval.ms may pass. */
size_t kafka_poll(struct kafka_consumer *consumer, struct kafka_record *records, size_t max, int wait_ms, int linger_ms);

/* Marks records as done: their offsets are committed soon, at a rebalance and at close. Call after the database commit.
 * Those of partitions lost meanwhile are passed over: their next owner sees them again. */
void kafka_done(struct kafka_consumer *consumer, const struct kafka_record *records, size_t count);

/* Gives the records' memory back; before the next poll. */
void kafka_release(struct kafka_record *records, size_t count);

/* Keeps the membership alive while a batch is being retried, however long that takes: waits for WAIT_MS, and after the first
 * second the partitions are paused until the next poll. What comes nevertheless is that poll's. */
void kafka_keep_alive(struct kafka_consumer *consumer, int wait_ms);

/* A number that changes with each revocation of partitions: a batch polled under another one may be handled elsewhere by now
 * (harmless: the inbox decides), so a retry loop may let go of it. */
unsigned kafka_generation(const struct kafka_consumer *consumer);

/* Partitions assigned now. Thread safe. */
int kafka_assigned(const struct kafka_consumer *consumer);

/* How often the next message of a partition was gone before it was read: retention has passed it, or the broker has lost it.
 * Reading goes on with the oldest one there is. Thread safe. */
uint64_t kafka_expired(const struct kafka_consumer *consumer);

/* How far one partition's end is ahead of what is done there, as of a few seconds ago. */
struct kafka_lag {
    char topic[64];
    int32_t partition;
    int64_t messages;
};

/* Fills LAGS with up to MAX of this member's partitions; returns how many are known. Thread safe. */
size_t kafka_lags(struct kafka_consumer *consumer, struct kafka_lag *lags, size_t max);

/* Commits what is done, leaves the group, destroys; gives up after WAIT_MS and leaks rather than hangs. NULL is fine. */
void kafka_consumer_free(struct kafka_consumer *consumer, int wait_ms);

/* ---- looking at a group from outside ---- */

struct kafka_progress {
    int64_t behind; /* messages that are there and not committed as done, over all partitions */
    int64_t beyond; /* partitions whose committed offset lies past the end: the broker has lost messages */
};

/* Asks how far GROUP has come in TOPICS (NULL-terminated), without joining it. Blocks up to TIMEOUT_MS; a fault is
 * TRANSIENT, a topic that does not exist included. */
MUST_CHECK bool kafka_group_progress(const char *brokers, const char *group, const char *const *topics, int timeout_ms,
                                     struct kafka_progress *progress, struct fault *fault);
