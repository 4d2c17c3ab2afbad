/* kafka_conf.h - private to kafka_*.c, the group of files that knows librdkafka. */
#pragma once

#include "base/fault.h"

#include <librdkafka/rdkafka.h>

struct kafka_setting {
    const char *name;
    const char *value;
};

/* A configuration with what producer and consumer share, then SETTINGS on top; NULL with FAULT when librdkafka refuses one.
 */
rd_kafka_conf_t *kafka_conf_new(const char *brokers, const char *client_id, const struct kafka_setting *settings,
                                size_t count, struct fault *fault);

/* A client of CONF, which is used up either way; NULL with FAULT. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct fault *fault);

/* What becomes of librdkafka's own log lines, unless a client does something else with them. */
void kafka_log(const rd_kafka_t *client, int level, const char *facility, const char *message);
