/* money.h - amounts as integers of a currency's minor unit (cents), and the currencies of ISO 4217. */
#pragma once

#include "base/cleanup.h"
#include "base/text.h"
#include <stdint.h>

/* Decimals of an active ISO 4217 code in upper case (USD 2, JPY 0, KWD 3), or -1 for anything else, fund and precious
 * metal codes without a minor unit included. Pure. */
int currency_decimals(struct text code);

enum { QUANTITY_DECIMALS = 3 }; /* quantities count thousandths: 14.5 is 14500 */

/* quantity x unit price of one line, rounded half up to a minor unit. False when int64 cannot hold it. Pure. */
MUST_CHECK bool money_line_total(int64_t quantity_milli, int64_t unit_price_minor, int64_t *total_minor);

/* *SUM += ADD; false on overflow, *SUM then as before. Pure. */
MUST_CHECK bool money_add(int64_t *sum, int64_t add);
