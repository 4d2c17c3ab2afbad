/* window.c - see window.h. */
#include "workers/relay/window.h"

#include <assert.h>
#include <stdlib.h>

void window_init(struct window *window, int64_t capacity)
{
    *window = (struct window){ .capacity = capacity, .rows = calloc((size_t)capacity, sizeof *window->rows) };
    if (!window->rows)
        abort();
    window_reset(window);
}

void window_free(struct window *window)
{
    free(window->rows);
    window->rows = NULL;
}

/* Tickets go on, so that a late report finds nothing in place of its row. */
void window_reset(struct window *window)
{
    window->first = window->next;
    window->floor = WINDOW_START;
    window->settled = 0;
    window->marked = false;
}

void window_horizon(struct window *window, int64_t oldest_xid, int64_t next_xid, int64_t last_seq)
{
    if (window->marked && oldest_xid < window->mark_xid)
        return; /* someone from before the mark is still at work */
    if (window->marked)
        window->settled = window->mark_seq;
    window->mark_xid = next_xid;
    window->mark_seq = last_seq;
    window->marked = true;
}

static struct window_row *row_at(const struct window *window, int64_t ticket)
{
    return &window->rows[ticket % window->capacity];
}

void window_send(struct window *window, int64_t seq)
{
    assert(window_room(window) > 0);
    *row_at(window, window->next++) = (struct window_row){ .seq = seq };
}

int64_t window_seq(const struct window *window, int64_t ticket)
{
    return ticket >= window->first && ticket < window->next ? row_at(window, ticket)->seq : 0;
}

void window_sent_up_to(struct window *window, int64_t seq)
{
    int64_t known = seq < window->settled ? seq : window->settled;

    if (known >= window->floor)
        window->floor = known + 1;
}

void window_delivered(struct window *window, int64_t ticket)
{
    if (window_seq(window, ticket))
        row_at(window, ticket)->delivered = true;
}

int64_t window_in_flight(const struct window *window)
{
    return window->next - window->first;
}

int64_t window_room(const struct window *window)
{
    return window->capacity - window_in_flight(window);
}

size_t window_list(const struct window *window, int64_t from, int64_t *seqs)
{
    size_t count = 0;

    for (int64_t ticket = window->first; ticket < window->next; ticket++) {
        if (row_at(window, ticket)->seq >= from)
            seqs[count++] = row_at(window, ticket)->seq;
    }
    return count;
}

int64_t window_arrived(const struct window *window)
{
    int64_t ticket = window->first;

    while (ticket < window->next && row_at(window, ticket)->delivered)
        ticket++;
    return ticket - window->first;
}

size_t window_take(struct window *window, int64_t *seqs)
{
    size_t count = 0;

    for (int64_t left = window_arrived(window); left > 0; left--)
        seqs[count++] = row_at(window, window->first++)->seq;
    return count;
}
