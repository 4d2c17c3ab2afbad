/* kafka_groups.c - how far a consumer group has come, asked from outside of it. */
#include "base/clock.h"
#include "io/kafka.h"
#include "io/kafka_conf.h"

static bool refused(struct fault *fault, const char *what, rd_kafka_resp_err_t error)
{
    return fault_set(fault, FAULT_TRANSIENT, rd_kafka_err2name(error), "Kafka does not tell %s: %s", what,
                     rd_kafka_err2str(error));
}

/* Adds every partition of TOPIC to LIST. */
static bool add_partitions(rd_kafka_t *client, const char *topic, rd_kafka_topic_partition_list_t *list, int64_t deadline_ms,
                           struct fault *fault)
{
    rd_kafka_topic_conf_t *none = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, none);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle, &metadata, clock_left_ms(deadline_ms));

    if (!error && metadata->topic_cnt == 1)
        error = metadata->topics[0].err;
    if (!error)
        for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
            rd_kafka_topic_partition_list_add(list, topic, metadata->topics[0].partitions[i].id);
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return error ? refused(fault, topic, error) : true;
}

/* Adds what one partition has to PROGRESS. Nothing committed: everything there is still lies before the group. */
static bool add_progress(rd_kafka_t *client, const rd_kafka_topic_partition_t *done, int64_t deadline_ms,
                         struct kafka_progress *progress, struct fault *fault)
{
    int64_t low = 0, high = 0;
    rd_kafka_resp_err_t error =
        rd_kafka_query_watermark_offsets(client, done->topic, done->partition, &low, &high, clock_left_ms(deadline_ms));

    if (error)
        return refused(fault, done->topic, error);
    if (done->offset > high)
        progress->beyond++;
    else
        progress->behind += high - (done->offset > low ? done->offset : low);
    return true;
}

static bool ask(rd_kafka_t *client, const char *const *topics, int64_t deadline_ms, struct kafka_progress *progress,
                struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    bool told = true;

    for (; *topics && told; topics++)
        told = add_partitions(client, *topics, list, deadline_ms, fault);
    if (told) {
        error = rd_kafka_committed(client, list, clock_left_ms(deadline_ms));
        told = error ? refused(fault, "committed offsets", error) : true;
    }
    for (int i = 0; i < list->cnt && told; i++)
        told = add_progress(client, &list->elems[i], deadline_ms, progress, fault);
    rd_kafka_topic_partition_list_destroy(list);
    return told;
}

bool kafka_group_progress(const char *brokers, const char *group, const char *const *topics, int timeout_ms,
                          struct kafka_progress *progress, struct fault *fault)
{
    const struct kafka_setting settings[] = { { "group.id", group }, { "enable.auto.commit", "false" } };
    rd_kafka_conf_t *conf = kafka_conf_new(brokers, "orderctl", settings, ARRAY_LEN(settings), fault);
    rd_kafka_t *client = conf ? kafka_client_new(RD_KAFKA_CONSUMER, conf, fault) : NULL;
    bool told;

    *progress = (struct kafka_progress){ 0 };
    if (!client)
        return false;
    told = ask(client, topics, clock_mono_ms() + timeout_ms, progress, fault);
    rd_kafka_destroy(client);
    return told;
}
