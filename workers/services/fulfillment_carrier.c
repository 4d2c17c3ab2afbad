/* fulfillment_carrier.c - the simulator. */
#include "workers/services/fulfillment_carrier.h"
#include <strings.h>

static bool same_country(struct text country, struct text refused)
{
    return country.len == refused.len && strncasecmp(country.ptr, refused.ptr, refused.len) == 0;
}

static struct carrier_answer simulate_ship(const struct carrier *carrier, struct arena *arena, const struct uuid *order_id,
                                           struct text country)
{
    char id[UUID_TEXT_LEN + 1];

    if (same_country(country, text_of(carrier->refuse_country)))
        return (struct carrier_answer){ .reason = "country_not_served" };
    uuid_format(order_id, id);
    return (struct carrier_answer){ .tracking_number = arena_printf(arena, "SIM-%s", id) };
}

struct carrier carrier_simulator(const char *refuse_country)
{
    return (struct carrier){ .name = "simulator", .ship = simulate_ship, .refuse_country = refuse_country };
}
