/* notification_mail.h - a mail as the bytes that go to an SMTP server (RFC 5322, MIME by RFC 2045 to 2047). */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "base/uuid.h"

struct mail {
    struct uuid id;        /* becomes the Message-ID, with the sender's domain behind it */
    int64_t date_ms;       /* Unix time */
    struct text trace;     /* a traceparent, becomes the header Traceparent; len 0: none */
    struct text from_name; /* may be empty */
    struct text from, to;  /* both have passed email_check */
    struct text subject;   /* the texts are UTF-8 ... */
    struct text plain;     /* ... with \n between lines */
    struct text html;      /* len 0: no such part */
};

/* Appends MAIL to OUT: lines end with \r\n and have at most 78 bytes, 300 where an address needs them; all is ASCII. The
 * same mail gives the same bytes. What could end a header's line early (a control character) or is no UTF-8 is refused
 * (FAULT_INVALID), naming the part. Dots at the beginning of a line are left to the transport. Pure apart from OUT. */
MUST_CHECK bool mail_write(const struct mail *mail, struct buf *out, struct fault *fault);

/* Takes "Name <local@domain>", "\"Name\" <local@domain>" or the address alone apart. FAULT (FAULT_INVALID) says what is
 * wrong. The slices point into TEXT. Pure. */
MUST_CHECK bool mail_sender_parse(struct text text, struct text *name, struct text *address, struct fault *fault);
