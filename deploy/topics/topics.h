/* topics.h - the one list of topics; every broker, local or not, gets exactly these. */
#pragma once

static const char *const topics[] = { "orders", "payments", "inventory", "fulfillment", "notifications" };
