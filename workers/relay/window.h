/* window.h - which rows of the outbox are on their way, and from where on to read for more. Pure: no I/O, no clock.
 *
 * Sequence numbers are drawn at insertion and seen at commit, so a lower one may turn up after a higher one. Reading goes on
 * from the FLOOR: below it every row has been read, and no other can appear there any more (the horizon says so). What is
 * in flight at or above the floor is left out of a read by name. */
#pragma once

#include "base/cleanup.h"
#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_START = 1 }; /* the first seq there is */

/* One row on its way to the broker. */
struct window_row {
    int64_t seq;
    bool delivered;
};

/* Rows in flight in the order sent, oldest first, numbered by tickets: row T lies at T % capacity. */
struct window {
    struct window_row *rows; /* owned */
    int64_t capacity;
    int64_t first, next; /* tickets: the oldest row in flight, the next one to be sent */
    int64_t floor;
    int64_t settled;            /* no row can appear any more up to this seq */
    int64_t mark_xid, mark_seq; /* once every transaction before mark_xid has ended, all is settled up to mark_seq */
    bool marked;
};

void window_init(struct window *window, int64_t capacity);
void window_free(struct window *window);

/* Forgets everything: nothing is in flight, and reading starts from the beginning of the table. */
void window_reset(struct window *window);

/* Takes in what outbox_horizon returned. Reads made after it may raise the floor accordingly. */
void window_horizon(struct window *window, int64_t oldest_xid, int64_t next_xid, int64_t last_seq);

/* A row was sent: NEXT was its ticket. There has to be room. */
void window_send(struct window *window, int64_t seq);

/* The row of TICKET, 0 for one from before a reset. */
int64_t window_seq(const struct window *window, int64_t ticket);

/* After a read and after sending its rows in order: all visible rows up to SEQ are in flight or gone. INT64_MAX: all there
 * were. */
void window_sent_up_to(struct window *window, int64_t seq);

/* The row of TICKET has arrived. A ticket from before a reset is passed over. */
void window_delivered(struct window *window, int64_t ticket);

int64_t window_in_flight(const struct window *window);
int64_t window_room(const struct window *window);

/* Fills SEQS (room for all in flight) with the rows in flight at or above FROM; returns how many. */
size_t window_list(const struct window *window, int64_t from, int64_t *seqs);

/* How many rows at the head have all arrived. */
int64_t window_arrived(const struct window *window);

/* Takes those out, filling SEQS; returns how many. */
size_t window_take(struct window *window, int64_t *seqs);
