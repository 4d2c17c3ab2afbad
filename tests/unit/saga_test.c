/* saga_test.c - every interleaving of one order's events over all services, with cancels, time-outs, nudges, repeats and
 * dead letters at every moment, ends where it may end.
 *
 * Breadth first over the states of saga_model.h, each visited once; so a state that is wrong comes with a shortest way that
 * leads to it. SAGA_DEEP=1 in the environment adds the exploration of a million states. */
#include "tests/unit/saga_model.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the states visited, and how each was reached ---- */

struct visit {
    struct saga saga;
    struct saga_step step; /* that led here, from visit number PARENT */
    uint32_t parent;
};

struct visits {
    struct visit *at;
    uint32_t count, room;
    uint32_t *slots; /* open addressing: number of a visit + 1, 0 free */
    uint32_t mask;
};

static void *allocate(void *old, size_t count, size_t size)
{
    void *memory = realloc(old, count * size);

    assert_non_null(memory);
    return memory;
}

/* FNV-1a, four bytes at a time. */
static uint64_t hash(const struct saga *saga)
{
    uint64_t sum = 14695981039346656037U;

    for (size_t i = 0; i < sizeof *saga; i += sizeof(uint32_t)) {
        uint32_t word = 0;

        memcpy(&word, (const char *)saga + i, sizeof *saga - i < sizeof word ? sizeof *saga - i : sizeof word);
        sum = (sum ^ word) * 1099511628211U;
    }
    return sum ^ sum >> 32;
}

static uint32_t *slot_of(const struct visits *visits, const struct saga *saga)
{
    uint32_t slot = (uint32_t)hash(saga) & visits->mask;

    while (visits->slots[slot] && memcmp(&visits->at[visits->slots[slot] - 1].saga, saga, sizeof *saga) != 0)
        slot = (slot + 1) & visits->mask;
    return &visits->slots[slot];
}

static void grow(struct visits *visits)
{
    visits->room = visits->room ? visits->room * 2 : 1024;
    visits->mask = visits->room * 2 - 1;
    visits->at = allocate(visits->at, visits->room, sizeof *visits->at);
    free(visits->slots);
    visits->slots = calloc((size_t)visits->mask + 1, sizeof *visits->slots);
    assert_non_null(visits->slots);
    for (uint32_t i = 0; i < visits->count; i++)
        *slot_of(visits, &visits->at[i].saga) = i + 1;
}

static void visit(struct visits *visits, const struct saga *saga, const struct saga_step *step, uint32_t parent)
{
    uint32_t *slot;

    if (visits->count == visits->room)
        grow(visits);
    slot = slot_of(visits, saga);
    if (*slot)
        return;
    visits->at[visits->count++] = (struct visit){ *saga, *step, parent };
    *slot = visits->count;
}

static void visits_free(struct visits *visits)
{
    free(visits->at);
    free(visits->slots);
}

/* ---- the exploration ---- */

/* What was found. The ends are states at rest. */
struct findings {
    uint32_t states, completed, cancelled;
    const char *wrong; /* with the first wrong state; NULL: there is none */
    char way[4096];    /* that leads to it */
};

static void print_way(const struct visits *visits, uint32_t end, char *out, size_t size)
{
    const struct visit *last = &visits->at[end];
    size_t used;

    if (end == 0) {
        snprintf(out, size, "the order is accepted");
        return;
    }
    print_way(visits, last->parent, out, size);
    used = strlen(out);
    if (used + 128 > size)
        return;
    used += (size_t)snprintf(out + used, size - used, "\n    ");
    saga_step_print(&visits->at[last->parent].saga, &last->step, out + used, size - used);
}

static struct findings explore(const struct saga_rules *rules, const struct saga_limits *limits)
{
    struct saga start = saga_start(limits);
    struct visits visits = { 0 };
    struct findings findings = { 0 };

    visit(&visits, &start, &(struct saga_step){ 0 }, 0);
    for (uint32_t i = 0; i < visits.count && !findings.wrong; i++) {
        struct saga saga = visits.at[i].saga; /* visits.at moves as it grows */
        struct saga_step steps[SAGA_STEPS_MAX];
        size_t count;

        findings.wrong = saga_wrong(&saga);
        if (findings.wrong) {
            print_way(&visits, i, findings.way, sizeof findings.way);
            break;
        }
        findings.completed += saga_at_rest(&saga) && saga.order == ORDER_COMPLETED;
        findings.cancelled += saga_at_rest(&saga) && saga.order == ORDER_CANCELLED;
        count = saga_steps(&saga, steps);
        for (size_t step = 0; step < count; step++) {
            struct saga next = saga_after(&saga, &steps[step], rules);

            visit(&visits, &next, &steps[step], i);
        }
    }
    findings.states = visits.count;
    visits_free(&visits);
    return findings;
}

/* Nudges, repeats, dead letters and failing calls by pairs; three at once is the deep one. */
static const struct saga_limits limits[] = {
    { .repeats = 1, .asides = 1 },
    { .nudges = 1, .repeats = 1 },
    { .nudges = 1, .asides = 1 },
    { .nudges = 1, .failures = 2 },
    { .nudges = 1, .repeats = 1, .asides = 1 },
};
enum { DEEP = ARRAY_LEN(limits) - 1 };

static void every_interleaving_ends_completed_or_cancelled_with_everything_given_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < (getenv("SAGA_DEEP") ? DEEP + 1 : DEEP); i++) {
        struct findings findings = explore(&saga_rules, &limits[i]);

        if (findings.wrong)
            fail_msg("%s:\n%s", findings.wrong, findings.way);
        print_message(
            "nudges %d, repeats %d, dead letters %d, failing calls %d: %u states; at rest %u COMPLETED, %u CANCELLED\n",
            limits[i].nudges, limits[i].repeats, limits[i].asides, limits[i].failures, findings.states, findings.completed,
            findings.cancelled);
        assert_true(findings.completed > 0 && findings.cancelled > 0);
    }
}

/* ---- that it would notice: rules with one mistake each ---- */

static struct charge_decision charge_forgets_the_mark(enum charge_state state, enum charge_event event)
{
    return state == CHARGE_NEW && event == CHARGE_ON_CANCELLED ? (struct charge_decision){ .state = CHARGE_NEW }
                                                               : charge_decide(state, event);
}

static struct charge_decision charge_is_kept_on_cancel(enum charge_state state, enum charge_event event)
{
    return state == CHARGE_AUTHORIZED && event == CHARGE_ON_CANCELLED
               ? (struct charge_decision){ .state = CHARGE_AUTHORIZED }
               : charge_decide(state, event);
}

static struct charge_decision charge_under_way_forgets_the_mark(enum charge_state state, enum charge_event event)
{
    return state == CHARGE_CHARGING && event == CHARGE_ON_CANCELLED ? (struct charge_decision){ .state = CHARGE_CHARGING }
                                                                    : charge_decide(state, event);
}

static struct charge_decision charge_given_up_is_taken_for_a_no(enum charge_state state, enum charge_event event)
{
    return state == CHARGE_CANCELLING && event == CHARGE_ON_GAVE_UP ? (struct charge_decision){ .state = CHARGE_CANCELLED }
                                                                    : charge_decide(state, event);
}

static struct charge_decision charge_says_nothing(enum charge_state state, enum charge_event event)
{
    struct charge_decision decision = charge_decide(state, event);

    decision.emit = decision.state == CHARGE_DECLINED ? NULL : decision.emit;
    return decision;
}

static struct reservation_decision reservation_forgets_the_mark(enum reservation_state state, enum reservation_event event)
{
    return state == RESERVATION_NEW && event == RESERVATION_ON_CANCELLED
               ? (struct reservation_decision){ .state = RESERVATION_NEW }
               : reservation_decide(state, event);
}

static struct reservation_decision reservation_is_kept_on_cancel(enum reservation_state state, enum reservation_event event)
{
    return state == RESERVATION_RESERVED && event == RESERVATION_ON_CANCELLED
               ? (struct reservation_decision){ .state = RESERVATION_RESERVED }
               : reservation_decide(state, event);
}

static struct reservation_decision reservation_is_released_again(enum reservation_state state, enum reservation_event event)
{
    return state == RESERVATION_RELEASED && event == RESERVATION_ON_CANCELLED
               ? (struct reservation_decision){ .state = RESERVATION_RELEASED, .movement = "released" }
               : reservation_decide(state, event);
}

static struct shipment_decision shipment_answers_a_nudge_by_shipping(enum shipment_state state, enum shipment_event event)
{
    return state == SHIPMENT_NEW && event == SHIPMENT_ON_NUDGED
               ? (struct shipment_decision){ .state = SHIPMENT_SHIPPED, .emit = "fulfillment.shipped" }
               : shipment_decide(state, event);
}

static struct shipment_decision shipment_ignores_a_late_answer(enum shipment_state state, enum shipment_event event)
{
    return state == SHIPMENT_REQUESTED ? (struct shipment_decision){ .state = SHIPMENT_REQUESTED }
                                       : shipment_decide(state, event);
}

static struct conversation_decision conversation_repeats_itself(enum conversation_state state, enum conversation_event event)
{
    return state == CONVERSATION_CANCELLED && event == CONVERSATION_ON_CANCELLED
               ? (struct conversation_decision){ .state = CONVERSATION_CANCELLED, .say = "cancelled" }
               : conversation_decide(state, event);
}

static size_t steps_out_of_cancelled(enum order_state from, const struct order_cause *cause,
                                     enum order_state steps[static ORDER_STATES])
{
    return order_steps(from == ORDER_CANCELLED ? ORDER_INVENTORY : from, cause, steps);
}

static size_t steps_past_a_stage(enum order_state from, const struct order_cause *cause,
                                 enum order_state steps[static ORDER_STATES])
{
    size_t count = order_steps(from, cause, steps);

    if (count < 2)
        return count;
    steps[0] = steps[count - 1];
    return 1;
}

static bool cancellable_at_any_time(enum order_state from, enum cancel_reason reason)
{
    return order_state_cancellable(from, reason) || from == ORDER_FULFILLMENT;
}

static void each_mistake_is_noticed(void **state)
{
    static const struct {
        const char *mistake;
        struct saga_rules rules; /* members left NULL: as they are */
    } cases[] = {
        { "a cancel that comes first leaves no mark at the charge", { .charge = charge_forgets_the_mark } },
        { "a cancel does not refund", { .charge = charge_is_kept_on_cancel } },
        { "a cancel leaves no mark at a charge under way", { .charge = charge_under_way_forgets_the_mark } },
        { "a charge without an answer is taken for none", { .charge = charge_given_up_is_taken_for_a_no } },
        { "a declined payment is kept secret", { .charge = charge_says_nothing } },
        { "a cancel that comes first leaves no mark at the reservation", { .reservation = reservation_forgets_the_mark } },
        { "a cancel does not release", { .reservation = reservation_is_kept_on_cancel } },
        { "a repeated cancel releases again", { .reservation = reservation_is_released_again } },
        { "shipped on less than order.confirmed", { .shipment = shipment_answers_a_nudge_by_shipping } },
        { "what the carrier says later is lost", { .shipment = shipment_ignores_a_late_answer } },
        { "a repeated cancel is told again", { .conversation = conversation_repeats_itself } },
        { "a cancelled order goes on", { .steps = steps_out_of_cancelled } },
        { "an early success leaves out stages", { .steps = steps_past_a_stage } },
        { "a cancel while it is being shipped", { .cancellable = cancellable_at_any_time } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct saga_rules rules = saga_rules;
        struct findings findings = { 0 };

        rules.steps = cases[i].rules.steps ? cases[i].rules.steps : rules.steps;
        rules.cancellable = cases[i].rules.cancellable ? cases[i].rules.cancellable : rules.cancellable;
        rules.charge = cases[i].rules.charge ? cases[i].rules.charge : rules.charge;
        rules.reservation = cases[i].rules.reservation ? cases[i].rules.reservation : rules.reservation;
        rules.shipment = cases[i].rules.shipment ? cases[i].rules.shipment : rules.shipment;
        rules.conversation = cases[i].rules.conversation ? cases[i].rules.conversation : rules.conversation;
        for (size_t limit = 0; limit < DEEP && !findings.wrong; limit++)
            findings = explore(&rules, &limits[limit]);
        if (!findings.wrong)
            fail_msg("not noticed: %s", cases[i].mistake);
        print_message("%s: %s\n", cases[i].mistake, findings.wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_interleaving_ends_completed_or_cancelled_with_everything_given_back),
        cmocka_unit_test(each_mistake_is_noticed),
    };

    return cmocka_run_group_tests_name("saga", tests, NULL, NULL);
}
