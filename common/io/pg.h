/* pg.h - PostgreSQL: one connection a thread, prepared calls of SQL functions with arrays in and rows out.
 *
 * Everything travels in binary (libpq formats), every call has a deadline, and a connection that missed one is closed:
 * what it was doing is then unknown to the caller and rolled back by the server. SQL text in C is calls only, and every
 * text handed over is a string literal: its address names the prepared statement. */
#pragma once

#include "base/arena.h"
#include "base/fault.h"
#include "base/uuid.h"

struct pg;

struct pg_options {
    const char *url;         /* postgresql://user:password@host/db; only the host and database ever reach logs */
    const char *application; /* application_name: the program's name */
    const char *schema;      /* search_path: calls are unqualified, so one text serves every service */
    int call_timeout_ms;     /* deadline of a call, connecting included; statement_timeout is set a little below */
    int lock_timeout_ms;     /* lock_timeout of the session; 0: none of its own */
};

/* A handle without a connection, which the first call opens; strings of OPTIONS have to outlive it. One thread at a time. */
struct pg *pg_new(const struct pg_options *options);

/* Closes; NULL is fine. */
void pg_free(struct pg *pg);

/* Drops the connection, whatever its state; the next call connects anew. */
void pg_drop(struct pg *pg);

/* Whether a connection is open as far as is known. Sends nothing. */
bool pg_connected(const struct pg *pg);

/* Counts the connections made: what belonged to the session of another number (an advisory lock) is gone. */
unsigned pg_session(const struct pg *pg);

/* An array parameter, built in PostgreSQL's binary form. Memory of the arena. */
struct pg_array;

/* Element types by their OID (pg_type.dat). */
enum pg_type {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_UUID = 2950,
};

/* An empty array of TYPE elements with room for EXPECTED, which may be passed. */
struct pg_array *pg_array_new(struct arena *arena, enum pg_type type, size_t expected);
void pg_array_uuid(struct pg_array *array, const struct uuid *value);
void pg_array_int64(struct pg_array *array, int64_t value);
void pg_array_int32(struct pg_array *array, int32_t value);
void pg_array_bool(struct pg_array *array, bool value);
void pg_array_text(struct pg_array *array, struct text value); /* also for PG_BYTEA; ptr NULL is NULL */
void pg_array_null(struct pg_array *array);
size_t pg_array_count(const struct pg_array *array);

enum { PG_ARGS_MAX = 24 };

/* The parameters of one call, in order. Memory of the arena. */
struct pg_args {
    struct arena *arena;
    int count;
    unsigned types[PG_ARGS_MAX];
    const char *values[PG_ARGS_MAX];
    int lengths[PG_ARGS_MAX];
    int formats[PG_ARGS_MAX];
};

#define PG_ARGS_IN(arena_ptr) ((struct pg_args){ .arena = (arena_ptr) })

void pg_arg_array(struct pg_args *args, struct pg_array *array);  /* the array must not grow afterwards */
void pg_arg_uuid(struct pg_args *args, const struct uuid *value); /* NULL pointer: SQL NULL; likewise below */
void pg_arg_bool(struct pg_args *args, bool value);
void pg_arg_int64(struct pg_args *args, int64_t value);
void pg_arg_int32(struct pg_args *args, int32_t value);
void pg_arg_text(struct pg_args *args, struct text value);

/* The rows of one call. Owns libpq's result: release, or declare with PG_ROWS_SCOPE. */
struct pg_rows {
    void *result;
    int count;
};

void pg_rows_release(struct pg_rows *rows);
#define PG_ROWS_SCOPE CLEANUP(pg_rows_release) struct pg_rows

/* Values by row and column; the column has to be of that type (text also serves enums, json and bytea). Slices live as
 * long as the rows. pg_text of NULL has ptr NULL; the others of NULL are zero. */
bool pg_is_null(const struct pg_rows *rows, int row, int column);
struct text pg_text(const struct pg_rows *rows, int row, int column);
struct uuid pg_uuid(const struct pg_rows *rows, int row, int column);
int64_t pg_int64(const struct pg_rows *rows, int row, int column);
int32_t pg_int32(const struct pg_rows *rows, int row, int column);
bool pg_bool(const struct pg_rows *rows, int row, int column);

/* What an error of the server means for the caller: lost sessions, lock waits, want of resources are TRANSIENT,
 * statement_timeout is TIMEOUT, the rest (22*, 23*, 42*, ...) PERMANENT. Pure. */
enum fault_kind pg_fault_kind(const char *sqlstate);

/* Calls CALL, e.g. "SELECT * FROM read_orders($1)". ARGS and ROWS may be NULL. A fault's code is the SQLSTATE, its kind that
 * of pg_fault_kind; without an answer it is "pg_lost" (TRANSIENT) or "pg_deadline" (TIMEOUT), and either way FAULT_UNKNOWN
 * outside a transaction once the call was sent, since it may have been committed. In a transaction whose connection is
 * lost, every further call fails. */
MUST_CHECK bool pg_call(struct pg *pg, const char *call, struct pg_args *args, struct pg_rows *rows, struct fault *fault);

/* A transaction (READ COMMITTED): rolls back when it leaves scope uncommitted. */
struct tx {
    struct pg *pg; /* NULL: none open */
};

#define TX_SCOPE CLEANUP(tx_rollback) struct tx

MUST_CHECK bool tx_begin(struct tx *tx, struct pg *pg, struct fault *fault);

/* Fails with FAULT_UNKNOWN where COMMIT was sent and its answer never came. */
MUST_CHECK bool tx_commit(struct tx *tx, struct fault *fault);

/* No-op without an open transaction; a failing ROLLBACK drops the connection. */
void tx_rollback(struct tx *tx);
