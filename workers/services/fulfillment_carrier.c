/* fulfillment_carrier.c - the simulator. */
#include "workers/services/fulfillment_carrier.h"
#include <strings.h>

static bool same_country(struct text country, struct text refused)
{
    return country.len == refused.len && strncasecmp(country.ptr, refused.ptr, refused.len) == 0;
}

/* 0..999, evenly over the orders: FNV-1a, with its upper bits brought down. */
static int64_t lot(const struct uuid *order_id, int64_t seed)
{
    uint64_t sum = 14695981039346656037U ^ (uint64_t)seed;

    for (size_t i = 0; i < sizeof order_id->bytes; i++)
        sum = (sum ^ order_id->bytes[i]) * 1099511628211U;
    return (int64_t)((sum ^ sum >> 32) % 1000);
}

static struct carrier_answer simulate_ship(const struct carrier *carrier, struct arena *arena, const struct uuid *order_id,
                                           struct text country)
{
    char id[UUID_TEXT_LEN + 1];

    if (same_country(country, text_of(carrier->refuse_country)))
        return (struct carrier_answer){ .reason = "country_not_served" };
    if (lot(order_id, carrier->seed) < carrier->refuse_permille)
        return (struct carrier_answer){ .reason = "no_capacity" };
    uuid_format(order_id, id);
    return (struct carrier_answer){ .tracking_number = arena_printf(arena, "SIM-%s", id) };
}

struct carrier carrier_simulator(const char *refuse_country, int64_t refuse_permille, int64_t seed, int64_t delay_ms)
{
    return (struct carrier){
        .name = "simulator",
        .delay_ms = delay_ms,
        .ship = simulate_ship,
        .refuse_country = refuse_country,
        .refuse_permille = refuse_permille,
        .seed = seed,
    };
}
