/* smtp.h - mail to an SMTP server (RFC 5321, by libcurl): started here, running and ending in a set of transfers. */
#pragma once

#include "io/transfers.h"

enum smtp_tls {
    SMTP_TLS_IF_OFFERED, /* STARTTLS where the server has it */
    SMTP_TLS_REQUIRED,   /* or no mail */
    SMTP_TLS_OFF,
};

struct smtp_mail {
    const char *url;             /* smtp://host:port, or smtps:// for TLS from the first byte on, whatever TLS says */
    const char *user, *password; /* user NULL: no authentication */
    enum smtp_tls tls;
    const char *from, *to; /* the envelope: plain addresses, model/email.h */
    struct text message;   /* with \r\n between lines; dots at the beginning of a line are seen to */
    int timeout_ms;        /* of the whole, connecting included */
    int connect_timeout_ms;
};

/* Starts to send MAIL, all of which is copied. Its end comes out of transfers_next with TAG. False, and nothing will come:
 * there is no room (FAULT is BUSY), or an address has a line break in it (INVALID). */
MUST_CHECK bool smtp_start(struct transfers *transfers, const struct smtp_mail *mail, void *tag, struct fault *fault);

enum smtp_verdict {
    SMTP_ACCEPTED, /* the server has taken it over */
    SMTP_LATER,    /* 4xx, no answer, no connection, or it does not let us in: perhaps it has it, so send the same again */
    SMTP_REFUSED,  /* 5xx: it will not take this mail however often it is sent */
};

/* Pure. */
enum smtp_verdict smtp_verdict(const struct transfer_result *result);
