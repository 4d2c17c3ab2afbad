/* saga_model.h - one order and all services that work on it, as a model: the services' own decision functions, and between
 * them topics that keep the order of their own events and promise nothing else.
 *
 * A state holds everything that can still matter. What can happen next is every step that the real system allows: a service
 * takes the next event of one of its topics, whatever the outer world answers it; an event that was taken comes once more,
 * as if the inbox had forgotten it; a call to the gateway comes to its outcome, or is given up until an operator has it made
 * again; the customer cancels; an order that stands still is nudged, or given up. */
#pragma once

#include "model/order_state.h"
#include "workers/services/fulfillment_shipment.h"
#include "workers/services/inventory_reservation.h"
#include "workers/services/notification_conversation.h"
#include "workers/services/order_steps.h"
#include "workers/services/payment_charge.h"
#include <stdint.h>

enum saga_topic { TOPIC_ORDERS, TOPIC_PAYMENTS, TOPIC_INVENTORY, TOPIC_FULFILLMENT, TOPICS };

enum saga_service {
    SERVICE_ORDER,
    SERVICE_PAYMENT,
    SERVICE_INVENTORY,
    SERVICE_FULFILLMENT,
    SERVICE_NOTIFICATION,
    SAGA_SERVICES,
};

enum { LOG_MAX = 8 };

/* Made of bytes alone, so that equal states are equal bytes. */
struct saga {
    uint8_t order, charge, reservation, shipment, conversation; /* states of the services' rows */
    uint8_t taken, given_back;                                  /* times money went to us, and back */
    uint8_t reserved, released, gone;                           /* the ledger's movements of its lines */
    uint8_t parcels, questions, later;    /* questions to the carrier that wait; whether it takes its time in this step */
    uint8_t confirmations, outcomes_told; /* messages to the customer */
    uint8_t call;                         /* of the gateway, under way: enum charge_call */
    uint8_t nudges, repeats, asides;      /* that may still come */
    uint8_t failures;                     /* likewise, of calls */
    uint8_t forbidden;                    /* a step was taken that never may be: index into a table of the model */
    uint8_t length[TOPICS];
    uint8_t log[TOPICS][LOG_MAX];   /* what each topic tells of the order: indices into event_types */
    uint8_t letters[SAGA_SERVICES]; /* how many are set aside */
    uint8_t letter[SAGA_SERVICES][LOG_MAX];
    uint8_t read[SAGA_SERVICES][TOPICS]; /* how far each service is */
};

/* The functions under test; a test puts a wrong one in, to see that it is noticed. */
struct saga_rules {
    size_t (*steps)(enum order_state from, const struct order_cause *cause, enum order_state steps[static ORDER_STATES]);
    bool (*cancellable)(enum order_state from, enum cancel_reason reason);
    struct charge_decision (*charge)(enum charge_state state, enum charge_event event);
    struct reservation_decision (*reservation)(enum reservation_state state, enum reservation_event event);
    struct shipment_decision (*shipment)(enum shipment_state state, enum shipment_event event);
    struct conversation_decision (*conversation)(enum conversation_state state, enum conversation_event event);
};

/* Those that the services run with. */
extern const struct saga_rules saga_rules;

/* How often what is not bounded by itself may happen to one order. */
struct saga_limits {
    uint8_t nudges, repeats, asides, failures;
};

/* An order just accepted: its row PENDING, order.created in its topic. */
struct saga saga_start(const struct saga_limits *limits);

struct saga_step {
    enum saga_step_kind {
        STEP_TAKE,   /* SERVICE takes its next event of TOPIC; whoever it asks answers YES */
        STEP_REPEAT, /* the same with event number INDEX of TOPIC, which it has taken before */
        STEP_ASIDE,  /* SERVICE cannot apply its next event of TOPIC: to the dead letters */
        STEP_REPLAY, /* SERVICE takes the first of its dead letters */
        STEP_ANSWER, /* the gateway's outcome of the call under way: YES, or no */
        STEP_FAIL,   /* the call is given up, for an operator */
        STEP_CANCEL, /* the customer cancels */
        STEP_NUDGE,  /* worker-order asks for news */
        STEP_EXPIRE, /* worker-order gives up */
        STEP_LATER,  /* as STEP_TAKE; the carrier takes its time */
        STEP_SETTLE, /* the carrier answers a question that waited */
        STEP_KINDS,
    } kind;
    uint8_t service, topic, index, yes;
};

enum { SAGA_STEPS_MAX = 2 * SAGA_SERVICES * (TOPICS * (LOG_MAX + 2) + 1) + 6 };

/* Every step that can come next. Returns how many. */
size_t saga_steps(const struct saga *from, struct saga_step steps[static SAGA_STEPS_MAX]);

/* FROM after STEP, which saga_steps has named. */
struct saga saga_after(const struct saga *from, const struct saga_step *step, const struct saga_rules *rules);

/* Whether every service has taken everything there is. */
bool saga_at_rest(const struct saga *saga);

/* What is wrong with a state, in words; NULL: nothing. Looks at what must hold at any time, and at rest also at what an
 * order must have come to. */
const char *saga_wrong(const struct saga *saga);

/* Writes STEP in words. */
void saga_step_print(const struct saga *from, const struct saga_step *step, char *out, size_t size);
