/* failpoint.h - named places where tests make the process die, stall or fail; nothing at all in release builds.
 *
 * FAILPOINTS="relay.after_produce=kill@3,api.after_commit=sleep:500,payment.before_commit=fail@1"
 * NAME=ACTION[:ARG][@N]: on the Nth passage (every passage without @N) kill -9 the own process, sleep ARG ms, or fail. */
#pragma once

#include <stdbool.h>

#ifdef ORDERLINE_FAILPOINTS
/* Reads FAILPOINTS once, before threads; an unreadable value ends the process with exit 78. */
void failpoint_init(void);
/* Acts as told for NAME; true only where the action is `fail`. Thread safe. */
bool failpoint_hit(const char *name);
#else
static inline void failpoint_init(void)
{
}
static inline bool failpoint_hit(const char *name)
{
    (void)name;
    return false;
}
#endif
