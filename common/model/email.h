/* email.h - addresses that mail can be sent to. */
#pragma once

#include "base/fault.h"
#include "base/text.h"

enum { EMAIL_MAX = 254 }; /* RFC 5321 section 4.5.3.1.3, the angle brackets taken off */

/* Accepts the plain form local@domain in ASCII: local part a dot-atom of at most 64 characters (RFC 5322 section 3.2.3),
 * domain of host names' labels (RFC 1123). Quoted local parts, address literals, comments and non-ASCII addresses (RFC 6531)
 * are refused: what passes can stand in a header and in an SMTP command as it is. FAULT (FAULT_INVALID) says what is wrong
 * with it, without repeating it. Pure. */
MUST_CHECK bool email_check(struct text address, struct fault *fault);

/* What follows the @ of an address that has passed email_check. Pure. */
struct text email_domain(struct text address);
