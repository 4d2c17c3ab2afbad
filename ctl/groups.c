/* groups.c - the groups of commands: one line each. */
#include "ctl/groups.h"
#include "ctl/ctl.h"

const struct group *const groups[] = {
    &order_group,  &stock_group, &contact_group,      &customer_group, &webhook_group,
    &outbox_group, &dlq_group,   &compensation_group, &audit_group,    &load_group,
};
const size_t group_count = ARRAY_LEN(groups);
