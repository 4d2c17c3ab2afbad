/* groups.h - where each group of commands is defined: <name>.c. */
#pragma once

struct group;

extern const struct group audit_group;
extern const struct group contact_group;
extern const struct group compensation_group;
extern const struct group customer_group;
extern const struct group dlq_group;
extern const struct group load_group;
extern const struct group order_group;
extern const struct group outbox_group;
extern const struct group stock_group;
extern const struct group webhook_group;
