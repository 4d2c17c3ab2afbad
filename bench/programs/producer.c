/* producer.c - librdkafka's own speed: the same number of messages of the same size into the same topic, from memory.
 *
 * bench-producer BROKERS TOPIC COUNT BYTES: prints messages a second, from the first produce to the last delivery report.
 * Durability is the relay's (idempotence, acks=all, lz4); the rest is set for speed alone. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct counts {
    long delivered, failed;
};

static void on_report(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct counts *counts = opaque;

    (void)kafka;
    if (message->err)
        counts->failed++;
    else
        counts->delivered++;
}

static double now_s(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char error[256];

    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "bench-producer: %s\n", error);
        exit(EXIT_FAILURE);
    }
}

static rd_kafka_t *make_producer(const char *brokers, struct counts *counts)
{
    static const char *const settings[][2] = {
        { "enable.idempotence", "true" },
        { "compression.codec", "lz4" },
        { "linger.ms", "5" },
        { "batch.num.messages", "10000" },
        { "socket.nagle.disable", "true" },
        { "queue.buffering.max.messages", "200000" },
        { "partitioner", "murmur2_random" },
        { "message.timeout.ms", "0" },
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *kafka;
    char error[256];

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        set(conf, settings[i][0], settings[i][1]);
    set(conf, "bootstrap.servers", brokers);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_opaque(conf, counts);
    kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (!kafka) {
        fprintf(stderr, "bench-producer: %s\n", error);
        exit(EXIT_FAILURE);
    }
    return kafka;
}

/* Headers and keys of the relay's form and size; VALUE is random text, since a constant one would compress to nothing. */
static void produce(rd_kafka_t *kafka, const char *topic, long number, char *value, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    char key[40];
    int key_len = snprintf(key, sizeof key, "019d47a1-f4c6-7b01-9d5e-%012lx", (unsigned long)number);

    for (size_t i = 0; i < 32 && i < bytes; i++)
        value[(size_t)rand() % bytes] = digits[rand() & 15]; /* NOLINT(cert-msc30-c,cert-msc50-cpp): not a secret */
    for (;;) {
        rd_kafka_resp_err_t error = rd_kafka_producev(
            kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, (size_t)key_len),
            RD_KAFKA_V_VALUE(value, bytes), RD_KAFKA_V_HEADER("ce_specversion", "1.0", 3),
            RD_KAFKA_V_HEADER("ce_id", key, key_len), RD_KAFKA_V_HEADER("ce_type", "order.created", -1),
            RD_KAFKA_V_HEADER("ce_source", "/orderline/orders", -1), RD_KAFKA_V_HEADER("ce_subject", key, key_len),
            RD_KAFKA_V_HEADER("ce_time", "2026-01-01T00:00:00.000Z", -1),
            RD_KAFKA_V_HEADER("ce_dataschema", "/docs/events/order.created.json", -1),
            RD_KAFKA_V_HEADER("content-type", "application/json", -1),
            RD_KAFKA_V_HEADER("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", -1), RD_KAFKA_V_END);

        if (!error)
            return;
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fprintf(stderr, "bench-producer: %s\n", rd_kafka_err2str(error));
            exit(EXIT_FAILURE);
        }
        rd_kafka_poll(kafka, 10);
    }
}

int main(int argc, char **argv)
{
    long count = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
    size_t bytes = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    struct counts counts = { 0 };
    rd_kafka_t *kafka;
    double begun;
    char *value;

    if (count < 1 || bytes < 1 || bytes > 900000) {
        fprintf(stderr, "usage: bench-producer BROKERS TOPIC COUNT BYTES\n");
        return EXIT_FAILURE;
    }
    value = malloc(bytes);
    if (!value)
        return EXIT_FAILURE;
    memset(value, 'x', bytes);
    kafka = make_producer(argv[1], &counts);
    begun = now_s();
    for (long i = 0; i < count; i++) {
        produce(kafka, argv[2], i, value, bytes);
        if (i % 1000 == 0)
            rd_kafka_poll(kafka, 0);
    }
    rd_kafka_flush(kafka, 600000);
    printf("%.0f\n", (double)counts.delivered / (now_s() - begun));
    rd_kafka_destroy(kafka);
    free(value);
    return counts.delivered == count && counts.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
