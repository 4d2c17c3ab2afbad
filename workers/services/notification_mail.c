/* notification_mail.c - headers, encoded words, quoted-printable and the two parts of a message. */
#include "workers/services/notification_mail.h"
#include "base/utf8.h"
#include "model/email.h"

#include <time.h>

enum {
    LINE_MAX_LEN = 76,    /* of quoted-printable (RFC 2045 section 6.7) and of lines with encoded words (RFC 2047) */
    WORD_MAX_LEN = 75,    /* of one encoded word, delimiters included (RFC 2047 section 2) */
    HEADER_LINE_MAX = 78, /* recommended by RFC 5322 section 2.1.1 */
    DATE_LEN = 31,
};

static const char word_start[] = "=?UTF-8?Q?";
static const char upper_hex[] = "0123456789ABCDEF";

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7F;
}

static bool is_plain_ascii(struct text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            return false;
    return true;
}

/* ---- what is refused ---- */

static bool check_header(const char *name, struct text value, struct fault *fault)
{
    for (size_t i = 0; i < value.len; i++)
        if (is_control(value.ptr[i]))
            return fault_set(fault, FAULT_INVALID, "mail_header", "%s has a control character in it", name);
    return utf8_is_valid(value) || fault_set(fault, FAULT_INVALID, "mail_header", "%s is no UTF-8", name);
}

static bool check_body(const char *name, struct text body, struct fault *fault)
{
    return utf8_is_valid(body) || fault_set(fault, FAULT_INVALID, "mail_body", "the %s is no UTF-8", name);
}

static bool check(const struct mail *mail, struct fault *fault)
{
    return check_header("From", mail->from_name, fault) && check_header("Subject", mail->subject, fault) &&
           email_check(mail->from, fault) && email_check(mail->to, fault) && check_body("text", mail->plain, fault) &&
           check_body("HTML", mail->html, fault);
}

/* ---- headers ---- */

/* Letters and digits, and what may stand for itself in an encoded word wherever one may stand (RFC 2047 section 5 (3)). */
static bool stands_for_itself(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c != '\0' && strchr("!*+-/", c));
}

static void add_escaped(struct buf *out, char byte)
{
    buf_char(out, '=');
    buf_char(out, upper_hex[(unsigned char)byte >> 4]);
    buf_char(out, upper_hex[(unsigned char)byte & 15]);
}

static size_t encoded_len(struct text character)
{
    size_t len = 0;

    for (size_t i = 0; i < character.len; i++)
        len += stands_for_itself(character.ptr[i]) || character.ptr[i] == ' ' ? 1 : 3;
    return len;
}

/* VALUE as encoded words, a line each after the first; LINE_LEN bytes stand on the line already. No character is divided. */
static void add_encoded_words(struct buf *out, struct text value, size_t line_len)
{
    size_t used = WORD_MAX_LEN; /* of the open word, closing delimiter included: none is open */

    for (struct text rest = value; rest.len > 0;) {
        struct text character = { rest.ptr, utf8_char_len(rest) };
        size_t more = encoded_len(character);

        if (used + more > WORD_MAX_LEN || line_len + more > LINE_MAX_LEN) {
            if (rest.ptr != value.ptr) {
                buf_str(out, "?=\r\n ");
                line_len = 1;
            }
            buf_str(out, word_start);
            used = sizeof word_start - 1 + 2;
            line_len += used;
        }
        for (size_t i = 0; i < character.len; i++) {
            if (stands_for_itself(character.ptr[i]))
                buf_char(out, character.ptr[i]);
            else if (character.ptr[i] == ' ')
                buf_char(out, '_');
            else
                add_escaped(out, character.ptr[i]);
        }
        used += more;
        line_len += more;
        rest = (struct text){ rest.ptr + character.len, rest.len - character.len };
    }
    buf_str(out, "?=");
}

static void add_header(struct buf *out, const char *name, struct text value)
{
    buf_printf(out, "%s: %.*s\r\n", name, TEXT_FMT(value));
}

/* A value that reads like an encoded word is encoded too, so that it comes out as it went in. */
static bool goes_as_it_is(struct text value, size_t line_len)
{
    if (value.len == 0)
        return true;
    return is_plain_ascii(value) && line_len + value.len <= HEADER_LINE_MAX && value.ptr[0] != ' ' &&
           value.ptr[value.len - 1] != ' ' && !memmem(value.ptr, value.len, "=?", 2);
}

static void add_subject(struct buf *out, struct text subject)
{
    size_t line_len = sizeof "Subject: " - 1;

    buf_str(out, "Subject: ");
    if (goes_as_it_is(subject, line_len))
        buf_text(out, subject);
    else
        add_encoded_words(out, subject, line_len);
    buf_str(out, "\r\n");
}

static void add_from(struct buf *out, const struct mail *mail)
{
    struct text name = mail->from_name;

    buf_str(out, "From: ");
    if (name.len > 0 && is_plain_ascii(name) && name.len <= HEADER_LINE_MAX / 3) {
        buf_char(out, '"');
        for (size_t i = 0; i < name.len; i++) {
            if (name.ptr[i] == '"' || name.ptr[i] == '\\')
                buf_char(out, '\\');
            buf_char(out, name.ptr[i]);
        }
        buf_char(out, '"');
    } else if (name.len > 0) {
        add_encoded_words(out, name, sizeof "From: " - 1);
    }
    buf_printf(out, "%s<%.*s>\r\n", name.len > 0 ? "\r\n " : "", TEXT_FMT(mail->from));
}

/* "Tue, 01 Dec 2026 05:03:19 +0000" (RFC 5322 section 3.3); the locale is C's, programs never set another. */
static void add_date(struct buf *out, int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    char date[DATE_LEN + 1];
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &parts);
    add_header(out, "Date", text_of(date));
}

/* ---- body ---- */

/* BODY as quoted-printable: a soft break before a line grows too long, a blank at a line's end escaped. */
static void add_quoted_printable(struct buf *out, struct text body)
{
    size_t line_len = 0;

    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        bool ends_line = i + 1 == body.len || body.ptr[i + 1] == '\n' ||
                         (body.ptr[i + 1] == '\r' && i + 2 < body.len && body.ptr[i + 2] == '\n');
        bool as_is = (c > ' ' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !ends_line);
        size_t more = as_is ? 1 : 3;

        if (c == '\r' && i + 1 < body.len && body.ptr[i + 1] == '\n')
            continue;
        if (c == '\n') {
            buf_str(out, "\r\n");
            line_len = 0;
            continue;
        }
        if (line_len + more > LINE_MAX_LEN - 1) { /* the '=' of the soft break counts */
            buf_str(out, "=\r\n");
            line_len = 0;
        }
        if (as_is)
            buf_char(out, c);
        else
            add_escaped(out, c);
        line_len += more;
    }
    if (line_len > 0)
        buf_str(out, "\r\n");
}

static void add_part(struct buf *out, const char *type, struct text body)
{
    buf_printf(out, "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
    add_quoted_printable(out, body);
}

/* No line of quoted-printable begins with "--=_": the boundary cannot occur in a part (RFC 2045 section 6.7 recommends it).
 */
static void add_alternatives(struct buf *out, const struct mail *mail, const char *id)
{
    buf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n--=_%s\r\n", id, id);
    add_part(out, "text/plain", mail->plain);
    buf_printf(out, "\r\n--=_%s\r\n", id);
    add_part(out, "text/html", mail->html);
    buf_printf(out, "\r\n--=_%s--\r\n", id);
}

bool mail_write(const struct mail *mail, struct buf *out, struct fault *fault)
{
    char id[UUID_TEXT_LEN + 1];

    if (!check(mail, fault))
        return false;
    uuid_format(&mail->id, id);
    add_date(out, mail->date_ms);
    add_from(out, mail);
    buf_printf(out, "To: <%.*s>\r\n", TEXT_FMT(mail->to));
    buf_printf(out, "Message-ID: <%s@%.*s>\r\n", id, TEXT_FMT(email_domain(mail->from)));
    add_subject(out, mail->subject);
    if (mail->trace.len > 0)
        add_header(out, "Traceparent", mail->trace);
    add_header(out, "Auto-Submitted", TEXT("auto-generated")); /* RFC 3834: no vacation notes in return */
    add_header(out, "MIME-Version", TEXT("1.0"));
    if (mail->html.len > 0)
        add_alternatives(out, mail, id);
    else
        add_part(out, "text/plain", mail->plain);
    return true;
}

/* ---- the sender's setting ---- */

static struct text trim(struct text text)
{
    while (text.len > 0 && text.ptr[0] == ' ')
        text = (struct text){ text.ptr + 1, text.len - 1 };
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

bool mail_sender_parse(struct text text, struct text *name, struct text *address, struct fault *fault)
{
    const char *open = text.len > 0 ? memchr(text.ptr, '<', text.len) : NULL;

    *name = (struct text){ 0 };
    *address = text;
    if (open) {
        if (text.ptr[text.len - 1] != '>')
            return fault_set(fault, FAULT_INVALID, "mail_sender", "has no > at its end");
        *name = trim((struct text){ text.ptr, (size_t)(open - text.ptr) });
        *address = (struct text){ open + 1, text.len - (size_t)(open - text.ptr) - 2 };
        if (name->len >= 2 && name->ptr[0] == '"' && name->ptr[name->len - 1] == '"')
            *name = (struct text){ name->ptr + 1, name->len - 2 };
    }
    return check_header("the name", *name, fault) && email_check(*address, fault);
}
