/* kafka_producer.c - messages out: queued, tried until delivered, reported one by one. */
#include "base/clock.h"
#include "base/log.h"
#include "io/kafka.h"
#include "io/kafka_conf.h"

#include <stdlib.h>

/* A topic by librdkafka's handle, which spares a look-up by name for each message. */
struct topic {
    struct text name; /* memory of the arena */
    rd_kafka_topic_t *handle;
    struct topic *next;
};

struct kafka_producer {
    rd_kafka_t *client;
    kafka_report *report;
    void *context;
    int reported; /* how many reports there have been, to tell those of one poll */
    struct fault fatal;
    struct topic *topics;
    struct arena arena;
};

/* What a delivery report means. Refused is only what the message itself is at fault for: missing rights or topics are put
 * right by an operator, and the message waits. */
static enum kafka_verdict verdict_of(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return KAFKA_DELIVERED;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return KAFKA_REFUSED;
    default:
        return KAFKA_FAILED;
    }
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
    struct kafka_producer *producer = context;

    (void)client;
    producer->reported++;
    producer->report(producer->context, (int64_t)(intptr_t)message->_private, verdict_of(message->err),
                     rd_kafka_err2str(message->err));
}

static void on_error(rd_kafka_t *client, int error, const char *reason, void *context)
{
    struct kafka_producer *producer = context;
    char why[200];

    if (error != RD_KAFKA_RESP_ERR__FATAL) {
        log_warn("kafka producer: %s: %s", rd_kafka_err2name(error), reason);
        return;
    }
    error = rd_kafka_fatal_error(client, why, sizeof why);
    fault_set(&producer->fatal, FAULT_TRANSIENT, "kafka_fatal", "the producer broke for good (%s: %s); start a new one",
              rd_kafka_err2name(error), why);
}

struct kafka_producer *kafka_producer_new(const char *brokers, const char *client_id, kafka_report *report, void *context,
                                          struct fault *fault)
{
    static const struct kafka_setting settings[] = {
        { "enable.idempotence", "true" }, /* acks=all, 5 requests in flight, order kept over retries */
        { "message.timeout.ms", "0" },    /* one message timed out amid others would break their order */
        { "linger.ms", "2" },
        { "compression.type", "lz4" },
        { "partitioner", "murmur2_random" }, /* as Java clients do; librdkafka's own default is another */
        { "queue.buffering.max.kbytes", "65536" },
        { "retry.backoff.ms", "50" },
    };
    struct kafka_producer *producer;
    rd_kafka_conf_t *conf = kafka_conf_new(brokers, client_id, settings, ARRAY_LEN(settings), fault);

    if (!conf)
        return NULL;
    producer = calloc(1, sizeof *producer);
    if (!producer)
        abort(); /* as arena_alloc */
    producer->report = report;
    producer->context = context;
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    producer->client = kafka_client_new(RD_KAFKA_PRODUCER, conf, fault);
    if (!producer->client) {
        free(producer);
        return NULL;
    }
    return producer;
}

static rd_kafka_topic_t *topic_of(struct kafka_producer *producer, struct text name)
{
    struct topic *topic = producer->topics;

    while (topic && !text_equal(topic->name, name))
        topic = topic->next;
    if (topic)
        return topic->handle;

    topic = arena_alloc(&producer->arena, sizeof *topic);
    topic->name = arena_copy(&producer->arena, name);
    topic->handle = rd_kafka_topic_new(producer->client, topic->name.ptr, NULL);
    if (!topic->handle)
        return NULL; /* no name for a topic: empty, or longer than 249 */
    topic->next = producer->topics;
    producer->topics = topic;
    return topic->handle;
}

/* CloudEvents 1.0, Kafka binary mode. */
static rd_kafka_headers_t *headers_of(const struct kafka_message *message)
{
    char id[UUID_TEXT_LEN + 1], time[CLOCK_RFC3339_LEN + 1];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(9);

    uuid_format(&message->event_id, id);
    clock_rfc3339(uuid_unix_ms(&message->event_id), time);
    const struct {
        const char *name;
        struct text value;
    } lines[] = {
        { "content-type", TEXT("application/json") },
        { "ce_specversion", TEXT("1.0") },
        { "ce_id", { id, UUID_TEXT_LEN } },
        { "ce_type", message->type },
        { "ce_source", message->source },
        { "ce_subject", message->key },
        { "ce_time", { time, CLOCK_RFC3339_LEN } },
        { "ce_dataschema", message->schema },
        { "traceparent", message->traceparent },
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (lines[i].value.len)
            rd_kafka_header_add(headers, lines[i].name, -1, lines[i].value.ptr, (ssize_t)lines[i].value.len);
    }
    return headers;
}

bool kafka_produce(struct kafka_producer *producer, const struct kafka_message *message, int64_t tag, struct fault *fault)
{
    rd_kafka_topic_t *topic = topic_of(producer, message->topic);
    rd_kafka_headers_t *headers;
    rd_kafka_resp_err_t error;

    if (!topic)
        return fault_set(fault, FAULT_PERMANENT, "kafka_topic", "no topic can be called \"%.*s\"", TEXT_FMT(message->topic));
    headers = headers_of(message);
    error = rd_kafka_producev(producer->client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(RD_KAFKA_PARTITION_UA),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(message->key.ptr, message->key.len),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)message->value.ptr, message->value.len),
                              RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE((void *)(intptr_t)tag), RD_KAFKA_V_END);
    if (!error)
        return true;

    rd_kafka_headers_destroy(headers); /* ours again, since the message was not taken */
    if (error == RD_KAFKA_RESP_ERR__FATAL)
        return fault_set(fault, FAULT_TRANSIENT, "kafka_fatal", "the producer broke for good; start a new one");
    return fault_set(fault, verdict_of(error) == KAFKA_REFUSED ? FAULT_PERMANENT : FAULT_BUSY, rd_kafka_err2name(error),
                     "%.*s: %s", TEXT_FMT(message->topic), rd_kafka_err2str(error));
}

int kafka_producer_poll(struct kafka_producer *producer, int wait_ms)
{
    int before = producer->reported;

    rd_kafka_poll(producer->client, wait_ms);
    return producer->reported - before;
}

bool kafka_producer_broken(const struct kafka_producer *producer, struct fault *fault)
{
    if (producer->fatal.kind == FAULT_NONE)
        return false;
    *fault = producer->fatal;
    return true;
}

void kafka_producer_free(struct kafka_producer *producer, int wait_ms)
{
    if (!producer)
        return;
    rd_kafka_flush(producer->client, wait_ms);
    rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer->client, 1000); /* serves the reports, which come at once */
    for (struct topic *topic = producer->topics; topic; topic = topic->next)
        rd_kafka_topic_destroy(topic->handle);
    rd_kafka_destroy(producer->client);
    arena_free(&producer->arena);
    free(producer);
}
