/* main.c - outbox-relay: sends what one service's outbox holds to Kafka. */
#include "base/failpoint.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/stop.h"
#include "workers/relay/health.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_CONFIG = 78 };

struct relay_settings {
    const char *service;
    const char *database_url;
    const char *brokers;
    const char *security;
    const char *health_address;
    int64_t health_port;
    int64_t batch;
    int64_t log_level;
};

#define AT(member) offsetof(struct relay_settings, member)

static const struct setting table[] = {
    { "SERVICE", SETTING_TEXT, AT(service), NULL, 0, 0,
      "whose outbox: orders, payment, inventory, fulfillment or notification" },
    { "DATABASE_URL", SETTING_SECRET, AT(database_url), NULL, 0, 0,
      "the service's role and database, postgresql://...; direct, not through a pooler" },
    { "KAFKA_BROKERS", SETTING_TEXT, AT(brokers), NULL, 0, 0, "host:port,... to start from" },
    { "KAFKA_SECURITY_FILE", SETTING_TEXT, AT(security), "", 0, 0,
      "file with librdkafka's security.*, sasl.* and ssl.*, a name = value a line; none: plain text" },
    { "HEALTH_ADDRESS", SETTING_TEXT, AT(health_address), "127.0.0.1", 0, 0, "where the health port listens" },
    { "HEALTH_PORT", SETTING_INT, AT(health_port), "0", 0, 65535, "/liveness, /readiness, /metrics; 0: none" },
    { "RELAY_BATCH", SETTING_INT, AT(batch), "2000", 1, 10000, "events read at once; three times as many may be in flight" },
    { "LOG_LEVEL", SETTING_LEVEL, AT(log_level), "info", 0, 0, "debug, info, warn or error" },
};

static const struct program program = {
    .name = "outbox-relay",
    .summary = "sends a service's outbox to Kafka: nothing left out, in order for each order, repeats possible",
    .settings = table,
    .setting_count = ARRAY_LEN(table),
};

int main(int argc, char **argv)
{
    static struct relay relay;
    static char name[64];
    struct relay_settings settings = { 0 };
    struct http_server *health = NULL;
    struct fault fault = { 0 };

    settings_read(&program, argc, argv, &settings);
    snprintf(name, sizeof name, "relay-%s", settings.service);
    log_start(name, (enum log_level)settings.log_level);
    failpoint_init();
    stop_init();
    if (!kafka_security_read(settings.security, &fault)) {
        log_error("KAFKA_SECURITY_FILE: %s", fault.detail);
        return EXIT_CONFIG;
    }

    relay_init(&relay, &(struct relay_options){
                           .service = settings.service,
                           .database_url = settings.database_url,
                           .brokers = settings.brokers,
                           .batch = (int)settings.batch,
                       });
    if (settings.health_port)
        health = relay_health_start(settings.health_address, (int)settings.health_port, &relay, &fault);
    if (settings.health_port && !health) {
        log_error("no health port: %s", fault.detail);
        return EXIT_CONFIG;
    }
    relay_run(&relay);
    http_server_stop(health);
    relay_free(&relay);
    return EXIT_SUCCESS;
}
