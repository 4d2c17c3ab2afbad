#include "ctl/ctl.h"
#include <stdio.h>

#define AT(member) offsetof(struct ctl_settings, member)

const struct setting ctl_settings_table[] = {
    { "DATABASE_URL", SETTING_SECRET, AT(database_url), "", 0, 0,
      "the administrator's URL of the database, postgresql://..." },
    { "KAFKA_BROKERS", SETTING_TEXT, AT(brokers), "", 0, 0, "host:port,... to ask for lags" },
    { "KAFKA_SECURITY_FILE", SETTING_TEXT, AT(kafka_security), "", 0, 0,
      "file with librdkafka's security.*, sasl.* and ssl.*, a name = value a line; none: plain text" },
    { "API_URL", SETTING_TEXT, AT(api_url), "http://127.0.0.1:3001", 0, 0, "where the order API answers" },
    { "PAYMENT_TOKEN", SETTING_SECRET, AT(payment_token), "", 0, 0,
      "the payment provider's bearer token, for audit --provider; empty: none is sent" },
    { "PAYMENT_TIMEOUT_MS", SETTING_INT, AT(payment_timeout_ms), "10000", 10, 600000, "ms for an answer of the provider" },
    { "SQL_TIMEOUT_MS", SETTING_INT, AT(sql_timeout_ms), "600000", 100, 86400000, "ms for a call of PostgreSQL" },
};
const size_t ctl_settings_count = ARRAY_LEN(ctl_settings_table);

struct pg *ctl_database(const struct ctl *ctl, const char *schema, struct fault *fault)
{
    if (*ctl->settings.database_url == '\0') {
        fault_set(fault, FAULT_INVALID, "no_database", "set DATABASE_URL (or DATABASE_URL_FILE) to an administrator's URL");
        return NULL;
    }
    return pg_new(&(struct pg_options){
        .url = ctl->settings.database_url,
        .application = "orderctl",
        .schema = schema,
        .call_timeout_ms = (int)ctl->settings.sql_timeout_ms,
    });
}

void ctl_database_close(struct pg **pg)
{
    pg_free(*pg);
}

bool ctl_argument_uuid(const struct ctl *ctl, int at, const char *what, struct uuid *id)
{
    if (uuid_parse(text_of(ctl->arguments[at]), id))
        return true;
    fprintf(stderr, "orderctl: %s is not %s: that is a UUID, 36 characters\n", ctl->arguments[at], what);
    return false;
}

enum ctl_exit ctl_fail(const struct fault *fault)
{
    fprintf(stderr, "orderctl: %s\n", fault->detail);
    switch (fault->kind) {
    case FAULT_NOT_FOUND:
    case FAULT_CONFLICT:
        return CTL_NO;
    case FAULT_INVALID:
        return CTL_CONFIG;
    default:
        return CTL_FAILED;
    }
}
