/* notification_conversation_test.c - every state of a conversation against every event. */
#include "tests/unit/unit.h"
#include "workers/services/notification_conversation.h"
#include <string.h>

static void each_event_says_its_own_thing(void **state)
{
    (void)state;
    assert_string_equal(conversation_decide(CONVERSATION_NEW, CONVERSATION_ON_CREATED).say, "confirmation");
    assert_string_equal(conversation_decide(CONVERSATION_CONFIRMED, CONVERSATION_ON_COMPLETED).say, "completed");
    assert_string_equal(conversation_decide(CONVERSATION_CONFIRMED, CONVERSATION_ON_CANCELLED).say, "cancelled");
}

/* All sequences of five events, repeats and every order included. */
static void whatever_comes_each_thing_is_said_once_and_nothing_after_the_outcome(void **state)
{
    (void)state;
    for (int sequence = 0; sequence < 243; sequence++) {
        enum conversation_state current = CONVERSATION_NEW;
        int outcomes = 0, confirmations = 0, rest = sequence;

        for (int step = 0; step < 5; step++, rest /= 3) {
            enum conversation_event event = (enum conversation_event)(rest % 3);
            struct conversation_decision decision = conversation_decide(current, event);

            if (decision.say) {
                assert_int_equal(outcomes, 0);
                assert_int_not_equal(decision.state, current);
                if (strcmp(decision.say, "confirmation") == 0)
                    confirmations++;
                else
                    outcomes++;
            }
            current = decision.state;
        }
        assert_in_range(confirmations, 0, 1);
        assert_in_range(outcomes, 0, 1);
    }
}

static void a_second_outcome_of_the_other_kind_is_a_contradiction(void **state)
{
    (void)state;
    for (enum conversation_state from = CONVERSATION_NEW; from < CONVERSATION_STATES; from++)
        for (enum conversation_event event = CONVERSATION_ON_CREATED; event < CONVERSATION_EVENTS; event++) {
            bool expected = (from == CONVERSATION_COMPLETED && event == CONVERSATION_ON_CANCELLED) ||
                            (from == CONVERSATION_CANCELLED && event == CONVERSATION_ON_COMPLETED);

            assert_int_equal(conversation_decide(from, event).contradiction, expected);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_says_its_own_thing),
        cmocka_unit_test(whatever_comes_each_thing_is_said_once_and_nothing_after_the_outcome),
        cmocka_unit_test(a_second_outcome_of_the_other_kind_is_a_contradiction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
