#include "model/event.h"

#define EVENT(name, topic, source)                                                                                          \
    {                                                                                                                       \
        name, topic, source, "urn:orderline:event:" name ":1"                                                               \
    }

const struct event_type event_types[] = {
    EVENT("order.created", "orders", "/orderline/orders"),
    EVENT("order.confirmed", "orders", "/orderline/orders"),
    EVENT("order.completed", "orders", "/orderline/orders"),
    EVENT("order.cancelled", "orders", "/orderline/orders"),
    EVENT("order.nudged", "orders", "/orderline/orders"),
    EVENT("payment.authorized", "payments", "/orderline/payment"),
    EVENT("payment.declined", "payments", "/orderline/payment"),
    EVENT("payment.refunded", "payments", "/orderline/payment"),
    EVENT("inventory.reserved", "inventory", "/orderline/inventory"),
    EVENT("inventory.rejected", "inventory", "/orderline/inventory"),
    EVENT("inventory.released", "inventory", "/orderline/inventory"),
    EVENT("fulfillment.shipped", "fulfillment", "/orderline/fulfillment"),
    EVENT("fulfillment.rejected", "fulfillment", "/orderline/fulfillment"),
    EVENT("notification.sent", "notifications", "/orderline/notification"),
};

const size_t event_type_count = ARRAY_LEN(event_types);

const struct event_type *event_type_find(struct text name)
{
    for (size_t i = 0; i < event_type_count; i++) {
        if (text_is(name, event_types[i].name))
            return &event_types[i];
    }
    return NULL;
}
