/* delivery.h - a message as received, and what the runtime makes of it. */
#pragma once

#include "io/kafka.h"
#include "store/deadletter.h"
#include "workers/runtime/service.h"

/* What a customer or the order's own service has ended must end everywhere, whatever went wrong before. */
#define NEVER_HELD_TYPE "order.cancelled"

enum delivery_kind {
    DELIVERY_WORK,     /* for the handler of its row, or set aside where it is condemned */
    DELIVERY_UNHANDLED /* of a known type that this service does not take: its offset moves, nothing else happens */
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
    int64_t letter;         /* the dead letter it is replayed from, 0: it comes from Kafka */
};

/* Reads RECORD, which has to outlive DELIVERY: event id, type, order id (the key) and payload. What cannot be read
 * condemns it; nothing is written anywhere. */
void delivery_decode(const struct kafka_record *record, struct arena *arena, struct delivery *delivery);

/* LETTER as it was received once: RECORD points into it. */
void delivery_record(const struct deadletter *letter, struct arena *arena, struct kafka_record *record);

void delivery_free(struct delivery *deliveries, size_t count);
