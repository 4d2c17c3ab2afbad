/* provider.h - the payment provider's own books, as deploy/provider has them at /v1/ledger. */
#pragma once

#include "ctl/ctl.h"

/* Money that moved; parallel arrays, one element an entry. */
struct provider_books {
    int64_t charges, refunds;
    struct pg_array *orders; /* as the provider spells their ids: text */
    struct pg_array *kinds;  /* "charge" or "refund" */
    struct pg_array *currencies;
    struct pg_array *amounts; /* in minor units */
};

/* Whether URL is one that provider_read can ask: no slash at its end, else as http_url_check. */
MUST_CHECK bool provider_url_check(const char *url, struct fault *fault);

/* Reads all of the provider at URL, page by page, each within PAYMENT_TIMEOUT_MS, shown PAYMENT_TOKEN. Memory of the arena.
 */
MUST_CHECK bool provider_read(const struct ctl *ctl, const char *url, struct provider_books *books, struct fault *fault);
