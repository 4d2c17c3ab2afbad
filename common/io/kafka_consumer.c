/* kafka_consumer.c - messages in: polled one by one, their offsets stored once the caller is done with them. */
#include "base/clock.h"
#include "base/log.h"
#include "io/json.h"
#include "io/kafka.h"
#include "io/kafka_conf.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    PATIENCE_MS = 1000, /* how long kafka_keep_alive leaves the partitions running */
    LAGS_MAX = 256,     /* partitions whose lag is told */
    SYSLOG_WARNING = 4, /* as in kafka_conf.c */
};

/* A message that came although its partition was paused. */
struct early {
    rd_kafka_message_t *message;
    struct early *next;
};

struct kafka_consumer {
    rd_kafka_t *client;
    unsigned generation;                     /* counts revocations */
    unsigned polled_generation;              /* that of the records handed out last */
    int64_t polled_ms;                       /* when records were last handed out, on the monotonic clock */
    bool waiting;                            /* kafka_keep_alive keeps all partitions paused, those assigned meanwhile too */
    rd_kafka_topic_partition_list_t *paused; /* NULL: none; librdkafka can't be asked */
    struct early *early;                     /* oldest first; the next poll begins with them */
    _Atomic int assigned;
    _Atomic uint64_t expired;
    pthread_mutex_t lags_lock; /* guards what follows */
    struct kafka_lag lags[LAGS_MAX];
    size_t lag_count;
    struct arena arena; /* of one reading of the statistics */
};

/* ---- what librdkafka tells, from within its poll ---- */

static void pause_assigned(struct kafka_consumer *consumer)
{
    if (rd_kafka_assignment(consumer->client, &consumer->paused) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_pause_partitions(consumer->client, consumer->paused);
}

/* Exactly what was paused: a partition resumed without need may start again from an old position. */
static void resume_paused(struct kafka_consumer *consumer)
{
    if (!consumer->paused)
        return;
    rd_kafka_resume_partitions(consumer->client, consumer->paused);
    rd_kafka_topic_partition_list_destroy(consumer->paused);
    consumer->paused = NULL;
}

static rd_kafka_message_t *take_early(struct kafka_consumer *consumer)
{
    struct early *early = consumer->early;
    rd_kafka_message_t *message = early ? early->message : NULL;

    if (early)
        consumer->early = early->next;
    free(early);
    return message;
}

static void add_early(struct kafka_consumer *consumer, rd_kafka_message_t *message)
{
    struct early *early = calloc(1, sizeof *early), **end = &consumer->early;

    if (!early)
        abort(); /* as arena_alloc */
    while (*end)
        end = &(*end)->next;
    early->message = message;
    *end = early;
}

static void drop_early(struct kafka_consumer *consumer)
{
    while (consumer->early)
        rd_kafka_message_destroy(take_early(consumer));
}

static void lags_replace(struct kafka_consumer *consumer, const struct kafka_lag *lags, size_t count)
{
    pthread_mutex_lock(&consumer->lags_lock);
    if (count > 0)
        memcpy(consumer->lags, lags, count * sizeof *lags);
    consumer->lag_count = count;
    pthread_mutex_unlock(&consumer->lags_lock);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t event, rd_kafka_topic_partition_list_t *partitions,
                         void *context)
{
    struct kafka_consumer *consumer = context;

    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_assign(client, partitions);
        if (consumer->waiting)
            pause_assigned(consumer); /* new ones arrive running */
        atomic_store(&consumer->assigned, partitions->cnt);
    } else {
        if (!rd_kafka_assignment_lost(client)) /* else another owns them by now, and may be further */
            rd_kafka_commit(client, NULL, false);
        resume_paused(consumer);
        rd_kafka_assign(client, NULL);
        atomic_store(&consumer->assigned, 0);
        drop_early(consumer);
        consumer->generation++;
    }
    lags_replace(consumer, NULL, 0);
    log_info("kafka: %s %d partitions", event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? "assigned" : "revoked",
             partitions->cnt);
}

static void on_error(rd_kafka_t *client, int error, const char *reason, void *context)
{
    (void)client, (void)context;
    log_warn("kafka consumer: %s: %s", rd_kafka_err2name(error), reason);
}

/* A position that the broker no longer has: librdkafka goes on with the oldest message there is, and this line is all it
 * tells of it. (Told to treat that as an error instead, it stops reading until the group is assigned anew.) */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *message)
{
    struct kafka_consumer *consumer = rd_kafka_opaque(client);

    if (level > SYSLOG_WARNING || strcmp(facility, "OFFSET") != 0) {
        kafka_log(client, level, facility, message);
        return;
    }
    atomic_fetch_add(&consumer->expired, 1);
    log_error("kafka: events are gone that were not read: %s", message);
}

static int64_t int64_member(const struct json_doc *doc, const struct json_node *object, const char *name)
{
    struct text token = json_number(doc, json_get(object, name));

    return token.ptr ? strtoll(token.ptr, NULL, 10) : -1; /* ends where the token does: a comma or bracket follows */
}

/* How far a partition's end is ahead of what is done there; -1: not known yet. */
static int64_t partition_lag(const struct json_doc *doc, const struct json_node *partition)
{
    int64_t end = int64_member(doc, partition, "hi_offset");
    int64_t done = int64_member(doc, partition, "stored_offset");

    if (done < 0)
        done = int64_member(doc, partition, "committed_offset");
    if (done < 0)
        done = int64_member(doc, partition, "lo_offset"); /* the group has no offset: all of it is ahead */
    if (end < 0 || done < 0)
        return -1;
    return end > done ? end - done : 0;
}

/* Of this member's partitions, those whose lag is known; returns how many. */
static size_t read_lags(const struct json_doc *doc, struct kafka_lag *lags)
{
    const struct json_node *topics = json_get(doc->root, "topics");
    size_t count = 0;

    for (const struct json_node *topic = topics ? json_first(topics) : NULL; topic; topic = json_next(topic)) {
        const struct json_node *partitions = json_get(topic, "partitions");
        struct text name = json_string(json_get(topic, "topic"));

        for (const struct json_node *p = partitions ? json_first(partitions) : NULL; p; p = json_next(p)) {
            struct kafka_lag *lag = &lags[count];

            if (text_is(json_string(json_get(p, "fetch_state")), "none"))
                continue; /* not ours */
            lag->messages = partition_lag(doc, p);
            if (lag->messages < 0 || count == LAGS_MAX - 1)
                continue;
            snprintf(lag->topic, sizeof lag->topic, "%.*s", TEXT_FMT(name));
            lag->partition = (int32_t)int64_member(doc, p, "partition");
            count++;
        }
    }
    return count;
}

static int on_statistics(rd_kafka_t *client, char *json, size_t len, void *context)
{
    struct kafka_consumer *consumer = context;
    struct fault fault = { 0 };
    JSON_SCOPE doc = { 0 };

    (void)client;
    if (json_parse((struct text){ json, len }, &consumer->arena, &doc, &fault)) {
        struct kafka_lag *lags = arena_array(&consumer->arena, LAGS_MAX, sizeof *lags);

        lags_replace(consumer, lags, read_lags(&doc, lags));
    } else {
        log_warn("kafka statistics: %s", fault.detail);
    }
    arena_reset(&consumer->arena);
    return 0; /* JSON stays librdkafka's */
}

/* ---- life ---- */

static bool subscribe(struct kafka_consumer *consumer, const char *const *topics, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    rd_kafka_resp_err_t error;

    for (; *topics; topics++)
        rd_kafka_topic_partition_list_add(list, *topics, RD_KAFKA_PARTITION_UA);
    error = rd_kafka_subscribe(consumer->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error)
        return fault_set(fault, FAULT_PERMANENT, rd_kafka_err2name(error), "cannot subscribe: %s", rd_kafka_err2str(error));
    return true;
}

struct kafka_consumer *kafka_consumer_new(const struct kafka_consumer_options *options, struct fault *fault)
{
    char session_timeout[16], heartbeat[16];
    const struct kafka_setting settings[] = {
        { "group.id", options->group },
        { "session.timeout.ms", session_timeout },
        { "heartbeat.interval.ms", heartbeat },
        { "partition.assignment.strategy", "range" }, /* the same partitions of every topic to one member */
        { "auto.offset.reset", "earliest" },          /* the default skips what came before the first start */
        { "enable.auto.offset.store", "false" },      /* only kafka_done says what is done */
        { "enable.auto.commit", "true" },
        { "auto.commit.interval.ms", "500" },
        /* A full queue keeps this librdkafka from fetching for a whole second: it has to hold more than a second's work. */
        { "queued.min.messages", "10000" },
        { "queued.max.messages.kbytes", "8192" },
        { "fetch.error.backoff.ms", "50" },
        { "statistics.interval.ms", "2000" },
    };
    struct kafka_consumer *consumer;
    rd_kafka_conf_t *conf;

    snprintf(session_timeout, sizeof session_timeout, "%d", options->session_timeout_ms);
    snprintf(heartbeat, sizeof heartbeat, "%d", options->session_timeout_ms / 6);
    conf = kafka_conf_new(options->brokers, options->client_id, settings, ARRAY_LEN(settings), fault);
    if (!conf)
        return NULL;

    consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        abort(); /* as arena_alloc */
    pthread_mutex_init(&consumer->lags_lock, NULL);
    rd_kafka_conf_set_opaque(conf, consumer);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_stats_cb(conf, on_statistics);
    consumer->client = kafka_client_new(RD_KAFKA_CONSUMER, conf, fault);
    if (!consumer->client) {
        free(consumer);
        return NULL;
    }
    rd_kafka_poll_set_consumer(consumer->client); /* errors and statistics come with the same poll */
    if (!subscribe(consumer, options->topics, fault)) {
        kafka_consumer_free(consumer, 1000);
        return NULL;
    }
    return consumer;
}

static void destroy(struct kafka_consumer *consumer)
{
    drop_early(consumer); /* close waits for every message */
    rd_kafka_consumer_close(consumer->client);
    if (consumer->paused)
        rd_kafka_topic_partition_list_destroy(consumer->paused);
    rd_kafka_destroy(consumer->client);
    arena_free(&consumer->arena);
    free(consumer);
}

/* The one that did not close in time: still known here, so that it is no leak. */
static struct kafka_consumer *volatile left_behind;

static void *destroy_thread(void *consumer)
{
    destroy(consumer);
    return NULL;
}

/* Closing can hang in this librdkafka (a coordinator that is gone, a partition that vanished), so a thread does it that can
 * be left behind. */
void kafka_consumer_free(struct kafka_consumer *consumer, int wait_ms)
{
    struct timespec deadline;
    pthread_t thread;

    if (!consumer)
        return;
    if (pthread_create(&thread, NULL, destroy_thread, consumer) != 0) {
        destroy(consumer);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += wait_ms / 1000;
    deadline.tv_nsec += wait_ms % 1000 * 1000000L;
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000L;
    }
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &deadline) != 0) {
        log_warn("kafka consumer: not closed within %d ms, left behind", wait_ms);
        left_behind = consumer;
        pthread_detach(thread);
    }
}

/* ---- polling ---- */

static rd_kafka_message_t *poll_client(struct kafka_consumer *consumer, int wait_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->client, wait_ms);

    if (!message || !message->err)
        return message;
    log_warn("kafka consumer: %s: %s", rd_kafka_err2name(message->err), rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    return NULL;
}

static void read_headers(const rd_kafka_message_t *message, struct kafka_record *record)
{
    const struct {
        const char *name;
        struct text *value;
    } wanted[] = {
        { "ce_id", &record->ce_id },         { "ce_type", &record->ce_type },
        { "ce_time", &record->ce_time },     { "ce_dataschema", &record->ce_dataschema },
        { "ce_source", &record->ce_source }, { "traceparent", &record->traceparent },
    };
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (size_t at = 0; rd_kafka_header_get_all(headers, at, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR; at++) {
        for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
            if (strcmp(name, wanted[i].name) == 0)
                *wanted[i].value = (struct text){ value, len };
        }
    }
}

static void fill_record(struct kafka_record *record, rd_kafka_message_t *message)
{
    *record = (struct kafka_record){
        .handle = message,
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .key = { message->key, message->key_len },
        .value = { message->payload, message->len },
    };
    read_headers(message, record);
}

size_t kafka_poll(struct kafka_consumer *consumer, struct kafka_record *records, size_t max, int wait_ms, int linger_ms)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    size_t count = 0;

    consumer->waiting = false;
    resume_paused(consumer);
    consumer->polled_generation = consumer->generation;
    while (count < max) {
        rd_kafka_message_t *message = take_early(consumer);

        if (!message)
            message = poll_client(consumer, clock_left_ms(deadline_ms));
        if (consumer->polled_generation != consumer->generation) { /* what was gathered went with its partitions */
            kafka_release(records, count);
            count = 0;
            consumer->polled_generation = consumer->generation;
        }
        if (message) {
            if (count == 0)
                deadline_ms = clock_mono_ms() + linger_ms;
            fill_record(&records[count++], message);
        } else if (clock_left_ms(deadline_ms) == 0) {
            break;
        }
    }
    consumer->polled_ms = clock_mono_ms();
    return count;
}

/* Offsets are stored run by run, the last of each, by the call that finds the partition through the message's own topic;
 * unlike rd_kafka_offsets_store it adds the 1 itself and allocates nothing. */
void kafka_done(struct kafka_consumer *consumer, const struct kafka_record *records, size_t count)
{
    if (consumer->polled_generation != consumer->generation)
        return; /* even partitions that came back start again from what was committed */
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_message_t *message = records[i].handle;
        bool last = i + 1 == count;
        const rd_kafka_message_t *next = last ? message : records[i + 1].handle;

        if (last || next->rkt != message->rkt || next->partition != message->partition)
            rd_kafka_offset_store(message->rkt, message->partition, message->offset);
    }
}

void kafka_release(struct kafka_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rd_kafka_message_destroy(records[i].handle);
}

/* Pausing throws away what was fetched ahead, so short waits do without. A paused partition should hand nothing out; what
 * comes nevertheless is kept, and each poll goes on telling the group that this member lives. */
void kafka_keep_alive(struct kafka_consumer *consumer, int wait_ms)
{
    rd_kafka_message_t *message;

    if (!consumer->waiting && clock_mono_ms() - consumer->polled_ms < PATIENCE_MS) {
        poll(NULL, 0, wait_ms);
        return;
    }
    if (!consumer->waiting) {
        consumer->waiting = true;
        pause_assigned(consumer);
    }
    message = poll_client(consumer, wait_ms);
    if (message)
        add_early(consumer, message);
}

unsigned kafka_generation(const struct kafka_consumer *consumer)
{
    return consumer->generation;
}

int kafka_assigned(const struct kafka_consumer *consumer)
{
    return atomic_load(&consumer->assigned);
}

uint64_t kafka_expired(const struct kafka_consumer *consumer)
{
    return atomic_load(&consumer->expired);
}

size_t kafka_lags(struct kafka_consumer *consumer, struct kafka_lag *lags, size_t max)
{
    size_t count;

    pthread_mutex_lock(&consumer->lags_lock);
    count = consumer->lag_count < max ? consumer->lag_count : max;
    memcpy(lags, consumer->lags, count * sizeof *lags);
    pthread_mutex_unlock(&consumer->lags_lock);
    return count;
}
