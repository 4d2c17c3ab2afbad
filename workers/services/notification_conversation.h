/* notification_conversation.h - what an order's customer is told: what each event makes of it. */
#pragma once

#include <stdbool.h>

enum conversation_state {
    CONVERSATION_NEW,       /* nothing said */
    CONVERSATION_CONFIRMED, /* told that the order is accepted */
    CONVERSATION_COMPLETED, /* told that it is on its way */
    CONVERSATION_CANCELLED, /* told that it is cancelled */
    CONVERSATION_STATES,
};

/* As in the schema: notification.conversation_state. */
extern const char *const conversation_state_names[CONVERSATION_STATES];

enum conversation_event {
    CONVERSATION_ON_CREATED,   /* order.created */
    CONVERSATION_ON_COMPLETED, /* order.completed */
    CONVERSATION_ON_CANCELLED, /* order.cancelled */
    CONVERSATION_EVENTS,
};

struct conversation_decision {
    enum conversation_state state;
    const char *say;    /* the kind of message, as in the schema and in notification.sent; NULL: none */
    bool contradiction; /* the order's row never lets this happen: for an operator to see */
};

/* A confirmation that comes after the outcome stays unsaid. Pure. */
struct conversation_decision conversation_decide(enum conversation_state state, enum conversation_event event);
