/* groups.c - the groups of commands: one line each. */
#include "ctl/groups.h"
#include "ctl/ctl.h"

const struct group *const groups[] = {
    &compensation_group, &contact_group, &order_group, &outbox_group, &webhook_group, &audit_group,
};
const size_t group_count = ARRAY_LEN(groups);
