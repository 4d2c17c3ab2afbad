/* make_topics.c - waits for the broker, makes the topics that are missing, and ends once all of them have leaders.
 * Librdkafka's admin client does in milliseconds what Kafka's own tools need a Java machine each for. */
#include "base/settings.h"
#include "base/stop.h"
#include "io/kafka.h"
#include "io/kafka_conf.h"
#include "topics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALL_MS 2000 /* one request to the broker; the whole is bounded by WAIT_SECONDS */

struct config {
    const char *brokers, *security;
    int64_t partitions, replication, retention_hours, wait_seconds;
};

static const struct setting settings[] = {
    { "KAFKA_BROKERS", SETTING_TEXT, offsetof(struct config, brokers), NULL, 0, 0, "host:port, several with commas" },
    { "KAFKA_SECURITY_FILE", SETTING_TEXT, offsetof(struct config, security), "", 0, 0,
      "file with librdkafka's security.*, sasl.* and ssl.*, a name = value a line; none: plain text" },
    { "KAFKA_PARTITIONS", SETTING_INT, offsetof(struct config, partitions), "6", 1, 1000, "partitions of each topic" },
    { "KAFKA_REPLICATION", SETTING_INT, offsetof(struct config, replication), "1", 1, 9, "copies of each partition" },
    { "TOPIC_RETENTION_HOURS", SETTING_INT, offsetof(struct config, retention_hours), "168", 1, 876000,
      "how long events are kept; workers remember longer (INBOX_RETENTION_HOURS). Topics that exist keep theirs" },
    { "WAIT_SECONDS", SETTING_INT, offsetof(struct config, wait_seconds), "60", 1, 3600, "give up after this long" },
};
static const struct program program = { "make-topics", "waits for Kafka and makes Orderline's topics", settings,
                                        ARRAY_LEN(settings) };

enum found { MISSING, UNREADY, OTHER_COUNT, READY };

static enum found look_for(const struct rd_kafka_metadata *metadata, const char *topic, int64_t partitions)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *seen = &metadata->topics[i];

        if (strcmp(seen->topic, topic) != 0)
            continue;
        if (seen->err || seen->partition_cnt == 0)
            return UNREADY;
        for (int p = 0; p < seen->partition_cnt; p++)
            if (seen->partitions[p].leader < 0)
                return UNREADY;
        return seen->partition_cnt == partitions ? READY : OTHER_COUNT;
    }
    return MISSING;
}

/* Asks for TOPIC. That somebody else made it meanwhile is as good; other failures show when metadata is read again. */
static void ask_for(rd_kafka_t *kafka, const char *topic, const struct config *config)
{
    char problem[256] = "";
    rd_kafka_queue_t *answers = rd_kafka_queue_new(kafka);
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, (int)config->partitions, (int)config->replication, problem, sizeof(problem));

    if (wanted) {
        char retention_ms[32];

        snprintf(retention_ms, sizeof retention_ms, "%lld", (long long)config->retention_hours * 3600 * 1000);
        rd_kafka_NewTopic_set_config(wanted, "retention.ms", retention_ms);
        rd_kafka_CreateTopics(kafka, &wanted, 1, NULL, answers);
        rd_kafka_event_t *answer = rd_kafka_queue_poll(answers, CALL_MS);
        const rd_kafka_CreateTopics_result_t *result = answer ? rd_kafka_event_CreateTopics_result(answer) : NULL;
        size_t count = 0;
        const rd_kafka_topic_result_t **of = result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;

        if (answer && rd_kafka_event_error(answer))
            snprintf(problem, sizeof(problem), "%s", rd_kafka_event_error_string(answer));
        else if (count == 1 && rd_kafka_topic_result_error(of[0]) &&
                 rd_kafka_topic_result_error(of[0]) != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            snprintf(problem, sizeof(problem), "%s", rd_kafka_topic_result_error_string(of[0]));
        if (answer)
            rd_kafka_event_destroy(answer);
        rd_kafka_NewTopic_destroy(wanted);
    }
    if (problem[0])
        fprintf(stderr, "make-topics: %s: %s\n", topic, problem);
    rd_kafka_queue_destroy(answers);
}

/* One look at the cluster: makes what is missing and returns whether all topics are there and led. */
static bool all_ready(rd_kafka_t *kafka, const struct config *config)
{
    const struct rd_kafka_metadata *metadata;
    bool ready = true;

    if (rd_kafka_metadata(kafka, 1, NULL, &metadata, CALL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        switch (look_for(metadata, topics[i], config->partitions)) {
        case MISSING:
            ask_for(kafka, topics[i], config);
            ready = false;
            break;
        case UNREADY:
            ready = false;
            break;
        case OTHER_COUNT: /* more partitions would send the keys of running orders elsewhere: a person has to decide */
            fprintf(stderr, "make-topics: topic %s exists with another number of partitions than KAFKA_PARTITIONS=%lld\n",
                    topics[i], (long long)config->partitions);
            exit(EXIT_FAILURE); /* NOLINT(concurrency-mt-unsafe): the other threads are librdkafka's */
        case READY:
            break;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    return ready;
}

/* NULL, said on stderr, where the settings are wrong. */
static rd_kafka_t *connect_to(const struct config *config)
{
    /* A broker that is still starting refuses connections: ask again soon, and quietly. */
    const struct kafka_setting quick[] = { { "reconnect.backoff.max.ms", "250" }, { "log_level", "2" } };
    struct fault fault = { 0 };
    rd_kafka_conf_t *conf = NULL;
    rd_kafka_t *kafka = NULL;

    if (kafka_security_read(config->security, &fault))
        conf = kafka_conf_new(config->brokers, "make-topics", quick, ARRAY_LEN(quick), &fault);
    if (conf)
        kafka = kafka_client_new(RD_KAFKA_PRODUCER, conf, &fault);
    if (!kafka)
        fprintf(stderr, "make-topics: %s\n", fault.detail);
    return kafka;
}

int main(int argc, char **argv)
{
    struct config config;
    struct timespec now;

    settings_read(&program, argc, argv, &config);
    stop_init();
    rd_kafka_t *kafka = connect_to(&config);
    if (!kafka)
        return EXIT_FAILURE;

    clock_gettime(CLOCK_MONOTONIC, &now);
    const time_t deadline = now.tv_sec + config.wait_seconds;
    bool ready = all_ready(kafka, &config);
    while (!ready && now.tv_sec < deadline && !stop_wait_ms(50)) {
        ready = all_ready(kafka, &config);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    rd_kafka_destroy(kafka);
    if (!ready)
        fprintf(stderr, "make-topics: no broker with all topics at %s within %lld s\n", config.brokers,
                (long long)config.wait_seconds);
    return ready ? EXIT_SUCCESS : EXIT_FAILURE;
}
