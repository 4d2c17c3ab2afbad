/* kafka_conf.c - what producer and consumer have in common: security, settings, logs. */
#include "io/kafka_conf.h"
#include "base/log.h"
#include "io/kafka.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4096 };

/* What kafka_security_read has read; NULL: plain text. */
static rd_kafka_conf_t *security;

enum { SYSLOG_NOTICE = 5 }; /* librdkafka's levels are syslog's, whose header clashes with log.h */

void kafka_log(const rd_kafka_t *client, int level, const char *facility, const char *message)
{
    (void)client;
    log_write(level <= SYSLOG_NOTICE ? LOG_WARN : LOG_DEBUG, NULL, "kafka %s: %s", facility, message);
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

static bool is_security(const char *name)
{
    static const char *const families[] = { "security.", "sasl.", "ssl." };

    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (strncmp(name, families[i], strlen(families[i])) == 0)
            return true;
    return false;
}

/* Ends TEXT behind its last character that is no space, and returns its first. */
static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        len--;
    text[len] = '\0';
    return text;
}

/* Takes one line into CONF. */
static bool take_line(rd_kafka_conf_t *conf, char *line, const char *file, int number, struct fault *fault)
{
    char why[200]; /* of librdkafka; it may repeat the value, so nobody is shown it */
    char *name = trim(line);
    char *equals = strchr(name, '=');

    if (*name == '\0' || *name == '#')
        return true;
    if (!equals)
        return fault_set(fault, FAULT_INVALID, "kafka_security", "%s, line %d: takes name = value", file, number);
    *equals = '\0';
    name = trim(name);
    if (!is_security(name))
        return fault_set(fault, FAULT_INVALID, "kafka_security", "%s, line %d: takes security.*, sasl.* and ssl.* only",
                         file, number);
    switch (rd_kafka_conf_set(conf, name, trim(equals + 1), why, sizeof why)) {
    case RD_KAFKA_CONF_OK:
        return true;
    case RD_KAFKA_CONF_UNKNOWN:
        return fault_set(fault, FAULT_INVALID, "kafka_security", "%s, line %d: librdkafka has no property %s", file, number,
                         name);
    default:
        return fault_set(fault, FAULT_INVALID, "kafka_security", "%s, line %d: not a value of %s", file, number, name);
    }
}

static bool take_lines(rd_kafka_conf_t *conf, FILE *from, const char *file, struct fault *fault)
{
    char line[LINE_MAX_BYTES];

    for (int number = 1; fgets(line, sizeof line, from); number++) {
        if (!strchr(line, '\n') && !feof(from))
            return fault_set(fault, FAULT_INVALID, "kafka_security", "%s, line %d: longer than %d bytes", file, number,
                             LINE_MAX_BYTES - 2);
        if (!take_line(conf, line, file, number, fault))
            return false;
    }
    return !ferror(from) || fault_set(fault, FAULT_INVALID, "kafka_security", "%s: %s", file, strerrordesc_np(errno));
}

bool kafka_security_read(const char *file, struct fault *fault)
{
    rd_kafka_conf_t *conf;
    FILE *from;
    bool taken;

    if (*file == '\0')
        return true;
    from = fopen(file, "re");
    if (!from)
        return fault_set(fault, FAULT_INVALID, "kafka_security", "%s: %s", file, strerrordesc_np(errno));
    conf = rd_kafka_conf_new();
    taken = take_lines(conf, from, file, fault);
    fclose(from);
    if (!taken) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    if (security)
        rd_kafka_conf_destroy(security);
    security = conf;
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
    rd_kafka_conf_t *conf = security ? rd_kafka_conf_dup(security) : rd_kafka_conf_new();

    rd_kafka_conf_set_log_cb(conf, kafka_log);
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
