/* pg.c - the one file that knows libpq. */
#include "io/pg.h"
#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define pg_int64 libpq_int64 /* libpq has a type of this name, pg.h a function */
#include <libpq-fe.h>
#undef pg_int64

/* A call the server has parsed on this connection; TEXT's address is its identity. */
struct statement {
    const char *text;
    struct statement *next;
    char name[16];
};

struct pg {
    struct pg_options options;
    PGconn *conn;                 /* NULL: none */
    unsigned session;             /* how many connections there have been */
    struct statement *statements; /* of this connection, memory of the arena */
    unsigned statement_count;
    struct arena arena; /* ends with the connection */
    bool in_tx;         /* between tx_begin and its end, be the connection alive or not */
    char server_options[256];
    char tcp_user_timeout[16];
};

/* What came of waiting for the server. */
enum outcome {
    ANSWERED, /* it is ready for the next command */
    LOST,     /* the connection broke */
    LATE,     /* the deadline passed */
};

struct pg *pg_new(const struct pg_options *options)
{
    struct pg *pg = calloc(1, sizeof *pg);

    if (!pg)
        abort(); /* as arena_alloc: nothing sensible is left to do */
    pg->options = *options;
    /* The server's own limit is a little below ours, so that a slow call costs an error and not the connection. */
    snprintf(pg->server_options, sizeof pg->server_options,
             "-c search_path=%.63s,pg_temp -c statement_timeout=%d -c lock_timeout=%d"
             " -c idle_in_transaction_session_timeout=5000 -c default_transaction_isolation=read\\ committed",
             options->schema, options->call_timeout_ms - options->call_timeout_ms / 10, options->lock_timeout_ms);
    snprintf(pg->tcp_user_timeout, sizeof pg->tcp_user_timeout, "%d", options->call_timeout_ms);
    return pg;
}

void pg_free(struct pg *pg)
{
    if (!pg)
        return;
    pg_drop(pg);
    free(pg);
}

void pg_drop(struct pg *pg)
{
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->statements = NULL;
    pg->statement_count = 0;
    arena_free(&pg->arena);
}

bool pg_connected(const struct pg *pg)
{
    return pg->conn && PQstatus(pg->conn) == CONNECTION_OK;
}

unsigned pg_session(const struct pg *pg)
{
    return pg->session;
}

/* ---- faults ---- */

/* libpq's messages run over several lines; the first one names the server and what happened. */
static int first_line(const char *message)
{
    return (int)strcspn(message, "\n");
}

/* A connection that broke or missed its deadline is of no more use. IN_DOUBT: the server may have committed. */
static bool fail_dropped(struct pg *pg, enum outcome outcome, const PGresult *result, bool in_doubt, struct fault *fault)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *why = result ? PQresultErrorMessage(result) : PQerrorMessage(pg->conn);

    if (outcome == LATE)
        fault_set(fault, in_doubt ? FAULT_UNKNOWN : FAULT_TIMEOUT, "pg_deadline", "no answer from PostgreSQL within %d ms",
                  pg->options.call_timeout_ms);
    else
        fault_set(fault, in_doubt ? FAULT_UNKNOWN : FAULT_TRANSIENT, state ? state : "pg_lost", "PostgreSQL: %.*s",
                  first_line(why), why);
    pg_drop(pg);
    return false;
}

/* The server refused the command and is ready for another, at most for ROLLBACK. */
static bool fail_refused(struct pg *pg, const PGresult *result, const char *call, struct fault *fault)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    state = state ? state : "pg_error";
    fault_set(fault, pg_fault_kind(state), state, "%s: %s", call, message ? message : "no message");
    if (strcmp(state, "26000") == 0)
        pg_drop(pg);
    return false;
}

/* ---- connecting ---- */

/* Until the socket is ready for EVENTS; false once the deadline has passed. An error on the socket counts as ready: the
 * next read tells it. */
static bool wait_socket(const struct pg *pg, short events, int64_t deadline_ms)
{
    struct pollfd fd = { .fd = PQsocket(pg->conn), .events = events };
    int left, ready;

    do {
        left = clock_left_ms(deadline_ms);
        ready = poll(&fd, 1, left);
    } while (ready == 0 ? left > 0 : ready < 0 && errno == EINTR);
    return ready != 0;
}

static void log_notice(void *context, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    (void)context;
    log_debug("PostgreSQL: %s", message ? message : "notice without text");
}

/* Name resolution alone is beyond the deadline: libpq offers no other than the blocking one. */
static bool open_connection(struct pg *pg, int64_t deadline_ms, struct fault *fault)
{
    /* Later ones win over what the URL says. */
    const char *names[] = { "dbname",
                            "application_name",
                            "options",
                            "client_encoding",
                            "tcp_user_timeout",
                            "keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            NULL };
    const char *values[] = {
        pg->options.url, pg->options.application, pg->server_options, "UTF8", pg->tcp_user_timeout, "5", "2", "3", NULL
    };
    PQconninfoOption *parsed = PQconninfoParse(pg->options.url, NULL); /* its message would show the URL, password and all */
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;

    if (!parsed)
        return fault_set(fault, FAULT_PERMANENT, "pg_url",
                         "the database URL cannot be read; write postgresql://user:password@host:port/database");
    PQconninfoFree(parsed);

    pg->conn = PQconnectStartParams(names, values, 1);
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        return fail_dropped(pg, LOST, NULL, false, fault);
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        if (!wait_socket(pg, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms))
            return fail_dropped(pg, LATE, NULL, false, fault);
        step = PQconnectPoll(pg->conn);
    }
    if (step != PGRES_POLLING_OK || PQsetnonblocking(pg->conn, 1) != 0)
        return fail_dropped(pg, LOST, NULL, false, fault);
    PQsetNoticeReceiver(pg->conn, log_notice, NULL);
    pg->session++;
    return true;
}

/* Whether the idle connection is still there. The server speaks unasked mainly to say that it ends: found out now, that
 * costs a reconnect and no doubt about a call. */
static bool still_open(struct pg *pg)
{
    struct pollfd fd = { .fd = PQsocket(pg->conn), .events = POLLIN };

    while (pg_connected(pg) && poll(&fd, 1, 0) > 0) {
        if (!PQconsumeInput(pg->conn))
            return false;
    }
    return pg_connected(pg);
}

static bool ready(struct pg *pg, int64_t deadline_ms, struct fault *fault)
{
    if (pg->in_tx) /* a call on another connection would be no part of the transaction */
        return pg->conn || fault_set(fault, FAULT_TRANSIENT, "pg_lost", "the transaction ended with its connection");
    if (pg->conn && !still_open(pg))
        pg_drop(pg);
    return pg->conn || open_connection(pg, deadline_ms, fault);
}

static int64_t new_deadline(const struct pg *pg)
{
    return clock_mono_ms() + pg->options.call_timeout_ms;
}

/* ---- one command ---- */

static bool succeeded(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK;
}

/* Keeps the first error, else the newest result. */
static void keep_result(PGresult **kept, PGresult *next)
{
    if (*kept && !succeeded(*kept)) {
        PQclear(next);
        return;
    }
    PQclear(*kept);
    *kept = next;
}

/* Sends what libpq still holds while taking in what the server says (a long command would block both sides otherwise),
 * until the server is ready again: rows may arrive before the commit that an autocommitted call ends with. */
static enum outcome collect(struct pg *pg, int64_t deadline_ms, PGresult **result)
{
    for (;;) {
        int unsent = PQflush(pg->conn);

        while (!PQisBusy(pg->conn)) {
            PGresult *next = PQgetResult(pg->conn);

            if (!next)
                return pg_connected(pg) ? ANSWERED : LOST;
            keep_result(result, next);
        }
        if (!pg_connected(pg))
            return LOST;
        if (!wait_socket(pg, unsent > 0 ? POLLIN | POLLOUT : POLLIN, deadline_ms))
            return LATE;
        if (!PQconsumeInput(pg->conn))
            return LOST;
    }
}

/* Ends a command that was handed to libpq (SENT) and takes its rows. CALL is for the fault, IN_DOUBT as in fail_dropped. */
static bool finish(struct pg *pg, int sent, const char *call, bool in_doubt, int64_t deadline_ms, struct pg_rows *rows,
                   struct fault *fault)
{
    PG_ROWS_SCOPE got = { 0 };
    PGresult *result = NULL;
    enum outcome outcome = sent ? collect(pg, deadline_ms, &result) : LOST;

    got.result = result;
    if (outcome != ANSWERED)
        return fail_dropped(pg, outcome, result && !succeeded(result) ? result : NULL, in_doubt, fault);
    if (!succeeded(result))
        return fail_refused(pg, result, call, fault);
    if (rows) {
        *rows = (struct pg_rows){ .result = result, .count = PQntuples(result) };
        got.result = NULL;
    }
    return true;
}

/* The name under which the server knows CALL, after telling it where need be; NULL with a fault. */
static const char *prepare(struct pg *pg, const char *call, const struct pg_args *args, int64_t deadline_ms,
                           struct fault *fault)
{
    struct statement *statement = pg->statements;
    char name[sizeof statement->name];

    while (statement && statement->text != call)
        statement = statement->next;
    if (statement)
        return statement->name;

    snprintf(name, sizeof name, "s%u", pg->statement_count++);
    if (!finish(pg, PQsendPrepare(pg->conn, name, call, args->count, args->types), call, false, deadline_ms, NULL, fault))
        return NULL;
    statement = arena_alloc(&pg->arena, sizeof *statement);
    statement->text = call;
    memcpy(statement->name, name, sizeof name);
    statement->next = pg->statements;
    pg->statements = statement;
    return statement->name;
}

bool pg_call(struct pg *pg, const char *call, struct pg_args *args, struct pg_rows *rows, struct fault *fault)
{
    static const struct pg_args none;
    const struct pg_args *given = args ? args : &none;
    int64_t deadline_ms = new_deadline(pg);
    const char *name;

    if (!ready(pg, deadline_ms, fault))
        return false;
    name = prepare(pg, call, given, deadline_ms, fault);
    if (!name)
        return false;
    return finish(pg, PQsendQueryPrepared(pg->conn, name, given->count, given->values, given->lengths, given->formats, 1),
                  call, !pg->in_tx, deadline_ms, rows, fault);
}

/* ---- transactions ---- */

static bool command(struct pg *pg, const char *text, bool in_doubt, struct pg_rows *rows, struct fault *fault)
{
    int64_t deadline_ms = new_deadline(pg);

    if (!ready(pg, deadline_ms, fault))
        return false;
    return finish(pg, PQsendQuery(pg->conn, text), text, in_doubt, deadline_ms, rows, fault);
}

bool tx_begin(struct tx *tx, struct pg *pg, struct fault *fault)
{
    assert(!pg->in_tx);
    tx->pg = NULL;
    if (!command(pg, "BEGIN", false, NULL, fault))
        return false;
    pg->in_tx = true;
    tx->pg = pg;
    return true;
}

bool tx_commit(struct tx *tx, struct fault *fault)
{
    struct pg *pg = tx->pg;
    PG_ROWS_SCOPE answer = { 0 };
    bool answered = command(pg, "COMMIT", true, &answer, fault);

    tx->pg = NULL;
    pg->in_tx = false;
    if (!answered)
        return false;
    /* After a failed call the server takes COMMIT for ROLLBACK, and calls that a success. */
    if (strcmp(PQcmdStatus(answer.result), "COMMIT") != 0)
        return fault_set(fault, FAULT_PERMANENT, "25P02", "COMMIT after a failed call: all was rolled back");
    return true;
}

void tx_rollback(struct tx *tx)
{
    struct pg *pg = tx->pg;
    struct fault ignored = { 0 };

    if (!pg)
        return;
    tx->pg = NULL;
    if (pg->conn && !command(pg, "ROLLBACK", false, NULL, &ignored))
        pg_drop(pg);
    pg->in_tx = false;
}

/* ---- rows ---- */

void pg_rows_release(struct pg_rows *rows)
{
    PQclear(rows->result);
    *rows = (struct pg_rows){ 0 };
}

bool pg_is_null(const struct pg_rows *rows, int row, int column)
{
    return PQgetisnull(rows->result, row, column);
}

struct text pg_text(const struct pg_rows *rows, int row, int column)
{
    if (pg_is_null(rows, row, column))
        return (struct text){ 0 };
    return (struct text){ PQgetvalue(rows->result, row, column), (size_t)PQgetlength(rows->result, row, column) };
}

/* Copies a value of exactly SIZE bytes; NULL leaves INTO as it is. */
static void read_fixed(const struct pg_rows *rows, int row, int column, void *into, size_t size)
{
    struct text value = pg_text(rows, row, column);

    if (!value.ptr)
        return;
    if (value.len != size) {
        log_error("column %d is %zu bytes long, not %zu: C and SQL disagree on its type", column, value.len, size);
        abort();
    }
    memcpy(into, value.ptr, size);
}

struct uuid pg_uuid(const struct pg_rows *rows, int row, int column)
{
    struct uuid value = { 0 };

    read_fixed(rows, row, column, value.bytes, sizeof value.bytes);
    return value;
}

int64_t pg_int64(const struct pg_rows *rows, int row, int column)
{
    uint64_t wire = 0;

    read_fixed(rows, row, column, &wire, sizeof wire);
    return (int64_t)be64toh(wire);
}

int32_t pg_int32(const struct pg_rows *rows, int row, int column)
{
    uint32_t wire = 0;

    read_fixed(rows, row, column, &wire, sizeof wire);
    return (int32_t)be32toh(wire);
}

bool pg_bool(const struct pg_rows *rows, int row, int column)
{
    char wire = 0;

    read_fixed(rows, row, column, &wire, sizeof wire);
    return wire != 0;
}
