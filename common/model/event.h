/* event.h - the events between services: names, topics, and the envelope (CloudEvents 1.0, Kafka binary mode). */
#pragma once

#include "base/traceparent.h"
#include "base/uuid.h"

/* One row an event type: its name is ce_type, TOPIC where it goes, SOURCE the ce_source of its maker. */
struct event_type {
    const char *name;
    const char *topic;
    const char *source;
    const char *schema; /* ce_dataschema: "urn:orderline:event:order.created:1" */
};

/* The row of NAME, or NULL. Pure. */
const struct event_type *event_type_find(struct text name);

/* All rows, for tests and listings. */
extern const struct event_type event_types[];
extern const size_t event_type_count;

/* An event about to be written to an outbox. Slices belong to the maker's arena. */
struct event {
    struct uuid id; /* version 7; ce_id, the same on every re-send; its millisecond is ce_time */
    const struct event_type *type;
    struct uuid order_id;
    struct text payload; /* JSON object */
    struct traceparent trace;
};
