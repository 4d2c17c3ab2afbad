/* notification_conversation.c - every state against every event. */
#include "workers/services/notification_conversation.h"

const char *const conversation_state_names[CONVERSATION_STATES] = { "new", "confirmed", "completed", "cancelled" };

struct conversation_decision conversation_decide(enum conversation_state state, enum conversation_event event)
{
    static const struct conversation_decision decisions[CONVERSATION_STATES][CONVERSATION_EVENTS] = {
        [CONVERSATION_NEW] = {
            [CONVERSATION_ON_CREATED] = { .state = CONVERSATION_CONFIRMED, .say = "confirmation" },
            [CONVERSATION_ON_COMPLETED] = { .state = CONVERSATION_COMPLETED, .say = "completed" },
            [CONVERSATION_ON_CANCELLED] = { .state = CONVERSATION_CANCELLED, .say = "cancelled" },
        },
        [CONVERSATION_CONFIRMED] = {
            [CONVERSATION_ON_CREATED] = { .state = CONVERSATION_CONFIRMED },
            [CONVERSATION_ON_COMPLETED] = { .state = CONVERSATION_COMPLETED, .say = "completed" },
            [CONVERSATION_ON_CANCELLED] = { .state = CONVERSATION_CANCELLED, .say = "cancelled" },
        },
        [CONVERSATION_COMPLETED] = {
            [CONVERSATION_ON_CREATED] = { .state = CONVERSATION_COMPLETED },
            [CONVERSATION_ON_COMPLETED] = { .state = CONVERSATION_COMPLETED },
            [CONVERSATION_ON_CANCELLED] = { .state = CONVERSATION_COMPLETED, .contradiction = true },
        },
        [CONVERSATION_CANCELLED] = {
            [CONVERSATION_ON_CREATED] = { .state = CONVERSATION_CANCELLED },
            [CONVERSATION_ON_COMPLETED] = { .state = CONVERSATION_CANCELLED, .contradiction = true },
            [CONVERSATION_ON_CANCELLED] = { .state = CONVERSATION_CANCELLED },
        },
    };

    return decisions[state][event];
}
