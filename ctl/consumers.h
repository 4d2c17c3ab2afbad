/* consumers.h - the consumer groups of Orderline and how far they have come. */
#pragma once

#include "ctl/ctl.h"

struct consumers {
    int64_t behind;
    size_t count;
    struct text examples[8]; /* one a group that is not at the end: "orderline-payment: 3 messages behind" */
};

/* Asks the broker for every group; memory of the arena. */
MUST_CHECK bool consumers_read(const struct ctl *ctl, struct consumers *consumers, struct fault *fault);
