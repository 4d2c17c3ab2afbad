/* pg_fault.c - the table of SQLSTATEs: what may be tried again. */
#include "io/pg.h"

enum fault_kind pg_fault_kind(const char *sqlstate)
{
    /* The first line whose prefix fits. What is no line here is the call's own fault and would fail again. */
    static const struct {
        const char *prefix;
        enum fault_kind kind;
    } kinds[] = {
        { "57014", FAULT_TIMEOUT },   /* statement_timeout */
        { "55P03", FAULT_TRANSIENT }, /* lock_timeout */
        { "40001", FAULT_TRANSIENT }, /* serialization */
        { "40P01", FAULT_TRANSIENT }, /* deadlock */
        { "25P03", FAULT_TRANSIENT }, /* idle_in_transaction_session_timeout */
        { "25006", FAULT_TRANSIENT }, /* read only: a standby, until it is promoted */
        { "26000", FAULT_TRANSIENT }, /* the statement is gone: a pooler changed the session under us */
        { "57P", FAULT_TRANSIENT },   /* shutdown, crash, not up yet */
        { "08", FAULT_TRANSIENT },    /* connection */
        { "53", FAULT_TRANSIENT },    /* disk, memory or connections used up */
        { "58", FAULT_TRANSIENT },    /* I/O error of the server's machine */
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strncmp(sqlstate, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return kinds[i].kind;
    }
    return FAULT_PERMANENT;
}
