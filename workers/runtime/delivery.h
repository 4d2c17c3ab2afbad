/* delivery.h - a message as received, and what the runtime makes of it. */
#pragma once

#include "io/kafka.h"
#include "workers/runtime/service.h"

enum delivery_kind {
    DELIVERY_WORK,     /* for the handler of its row, or set aside where it is condemned */
    DELIVERY_UNHANDLED /* of a type that this service does not take: its offset moves, nothing else happens */
};

struct delivery {
    const struct kafka_record *record;
    enum delivery_kind kind;
    size_t row;        /* of the service's table; handle_count where no type could be read */
    bool has_event_id; /* false only in condemned ones; likewise below */
    bool has_order_id;
    struct work work;
    struct json_doc doc;    /* owned; released by delivery_free */
    struct fault condemned; /* kind FAULT_NONE, or why it goes to the dead letters without a look by the handler */
};

/* Reads RECORD, which has to outlive DELIVERY: event id, type, order id (the key) and payload. What cannot be read
 * condemns it; nothing is written anywhere. */
void delivery_decode(const struct kafka_record *record, struct arena *arena, struct delivery *delivery);

void delivery_free(struct delivery *deliveries, size_t count);
