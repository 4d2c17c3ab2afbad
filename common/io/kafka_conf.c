/* kafka_conf.c - what producer and consumer have in common: settings, logs. */
#include "io/kafka_conf.h"
#include "base/log.h"

enum { SYSLOG_NOTICE = 5 }; /* librdkafka's levels are syslog's, whose header clashes with log.h */

static void on_log(const rd_kafka_t *client, int level, const char *topic, const char *message)
{
    (void)client;
    log_write(level <= SYSLOG_NOTICE ? LOG_WARN : LOG_DEBUG, NULL, "kafka %s: %s", topic, message);
}

static bool set_all(rd_kafka_conf_t *conf, const struct kafka_setting *settings, size_t count, struct fault *fault)
{
    char why[200];

    for (size_t i = 0; i < count; i++) {
        if (rd_kafka_conf_set(conf, settings[i].name, settings[i].value, why, sizeof why) != RD_KAFKA_CONF_OK)
            return fault_set(fault, FAULT_PERMANENT, "kafka_setting", "%s", why);
    }
    return true;
}

rd_kafka_conf_t *kafka_conf_new(const char *brokers, const char *client_id, const struct kafka_setting *settings,
                                size_t count, struct fault *fault)
{
    const struct kafka_setting shared[] = {
        { "bootstrap.servers", brokers },
        { "client.id", client_id },
        { "socket.nagle.disable", "true" }, /* small requests would wait for each other's acknowledgement */
        { "socket.keepalive.enable", "true" },
        { "socket.timeout.ms", "10000" },                  /* a frozen broker is given up */
        { "reconnect.backoff.max.ms", "1000" },            /* one that came back is found soon */
        { "log.connection.close", "false" },               /* brokers close idle connections all the time */
        { "topic.metadata.refresh.interval.ms", "30000" }, /* topics made after the start are found */
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set_log_cb(conf, on_log);
    if (set_all(conf, shared, ARRAY_LEN(shared), fault) && set_all(conf, settings, count, fault))
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct fault *fault)
{
    char why[200];
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);

    if (!client) {
        rd_kafka_conf_destroy(conf); /* a failing rd_kafka_new leaves it to us */
        fault_set(fault, FAULT_TRANSIENT, "kafka_new", "%s", why);
    }
    return client;
}
