/* rows.h - the one row that a service keeps of each order: locked for a whole batch before anything is decided.
 *
 * This is the shape of every service: read the events; lock their orders' rows in one call; decide event by event, in log
 * order, on the rows as decided so far; save what changed in one call. A row that did not exist is made in state 'new', so
 * that whatever comes first about an order leaves its trace, and events decide the same in either order. */
#pragma once

#include "workers/runtime/service.h"

struct order_rows {
    struct uuid *ids; /* the batch's orders, distinct, ascending; arena */
    int *states;      /* index into the service's state names */
    bool *changed;    /* to be saved; all false at first */
    size_t count;
    struct pg_rows stored; /* as locked: row i is of ids[i]; order id and state come first */
};

/* Fills IDS, which has room for the whole batch, with the distinct orders of BATCH in ascending order, those of events
 * set aside left out; returns how many. */
size_t batch_order_ids(const struct batch *batch, struct uuid *ids);

#define ORDER_ROWS_SCOPE CLEANUP(order_rows_release) struct order_rows
void order_rows_release(struct order_rows *rows);

/* Calls CALL with the orders of all events that were not set aside; it locks a row each, in id order, and returns them
 * in that order. STATE_NAMES are the names of the schema's state type. */
MUST_CHECK bool order_rows_lock(struct batch *batch, const char *call, const char *const *state_names, size_t state_count,
                                struct order_rows *rows);

/* Notes that row ROW has moved on to STATE: to be saved where that is news. */
void order_rows_move(struct order_rows *rows, size_t row, int state);

/* Begins the parameters of a save with ids and states of the rows that changed, in their order; false: none has. */
MUST_CHECK bool order_rows_changed(const struct order_rows *rows, const char *const *state_names, struct pg_args *args);

/* Where the row of WORK's order is; WORK was not set aside before the lock. */
size_t order_rows_find(const struct order_rows *rows, const struct work *work);

/* Which line of the service's table handles WORK. */
size_t work_handle(const struct work *work);
