/* notification_mail_test.c - messages byte for byte, and as another parser (Python's) reads them. */
#include "tests/unit/unit.h"
#include "workers/services/notification_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct mail a_mail(void)
{
    struct mail mail = {
        .date_ms = 1796101399123,
        .from_name = TEXT("Orderline"),
        .from = TEXT("orders@shop.example"),
        .to = TEXT("ann@example.com"),
        .trace = TEXT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        .subject = TEXT("Your order"),
        .plain = TEXT("Hello,\n\nbye = \n"),
    };

    assert_true(uuid_parse(TEXT("019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52"), &mail.id));
    return mail;
}

static struct text written(const struct mail *mail, struct arena *arena)
{
    struct buf out = BUF_IN(arena);
    struct fault fault = { 0 };

    if (!mail_write(mail, &out, &fault))
        fail_msg("%s", fault.detail);
    return buf_view(&out);
}

static void a_message_byte_for_byte(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct mail mail = a_mail();
    struct text message = written(&mail, &arena);

    (void)state;
    assert_string_equal(arena_copy(&arena, message).ptr,
                        "Date: Tue, 01 Dec 2026 05:03:19 +0000\r\n"
                        "From: \"Orderline\"\r\n <orders@shop.example>\r\n"
                        "To: <ann@example.com>\r\n"
                        "Message-ID: <019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52@shop.example>\r\n"
                        "Subject: Your order\r\n"
                        "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
                        "Auto-Submitted: auto-generated\r\n"
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "Hello,\r\n\r\nbye =3D=20\r\n");
}

/* ---- another reader ---- */

static const char reader[] = "import email, email.policy, sys\n"
                             "m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)\n"
                             "assert not m.defects, m.defects\n"
                             "a, = m['From'].addresses\n"
                             "sys.stdout.reconfigure(newline='')\n"
                             "print(m['Subject'], a.display_name, a.addr_spec, m['To'], m['Message-ID'], sep='|')\n"
                             "for kind in 'plain', 'html':\n"
                             "    part = m.get_body(preferencelist=(kind,))\n"
                             "    if part is not None:\n"
                             "        assert not part.defects, part.defects\n"
                             "        print(kind, part.get_content(), sep='|', end='')\n";

static void assert_lines_are_short_ascii(struct text message)
{
    size_t len = 0;

    for (size_t i = 0; i < message.len; i++) {
        assert_true((unsigned char)message.ptr[i] < 0x80);
        len = message.ptr[i] == '\n' ? 0 : len + 1;
        assert_true(len <= 79); /* the \r counts */
        assert_true(message.ptr[i] != '\n' || (i > 0 && message.ptr[i - 1] == '\r'));
    }
}

/* What Python's parser finds in MAIL: "subject|name|from|to|message id\n", then "plain|..." and "html|...". */
static const char *read_by_python(const struct mail *mail, struct arena *arena)
{
    char path[] = "/tmp/mail_test.XXXXXX";
    struct text message = written(mail, arena);
    struct buf found = BUF_IN(arena);
    int file = mkstemp(path);
    FILE *python;
    size_t got;

    assert_lines_are_short_ascii(message);
    assert_true(file >= 0);
    assert_int_equal(write(file, message.ptr, message.len), (ssize_t)message.len);
    close(file);
    python = popen(arena_printf(arena, "/usr/bin/python3 -c \"%s\" <%s", reader, path).ptr, "r");
    assert_non_null(python);
    do {
        got = fread(buf_reserve(&found, 4096), 1, 4096, python);
        found.len += got;
    } while (got > 0);
    assert_int_equal(pclose(python), 0);
    unlink(path);
    return arena_copy(arena, buf_view(&found)).ptr;
}

static void another_parser_reads_what_was_written(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct mail mail = a_mail();

    (void)state;
    mail.html = TEXT("<p title=\"a=b\">\xc3\xa4</p>\n");
    assert_string_equal(read_by_python(&mail, &arena), "Your order|Orderline|orders@shop.example|ann@example.com|"
                                                       "<019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52@shop.example>\n"
                                                       "plain|Hello,\n\nbye = \nhtml|<p title=\"a=b\">\xc3\xa4</p>\n");
}

static const char *subject_by_python(struct text subject, struct arena *arena)
{
    struct mail mail = a_mail();
    const char *found;

    mail.subject = subject;
    found = read_by_python(&mail, arena);
    return arena_printf(arena, "%.*s", (int)(strchr(found, '|') - found), found).ptr;
}

static void subjects_of_any_kind_come_out_as_they_went_in(void **state)
{
    static const char *const subjects[] = {
        "",
        "x",
        "Bestellung \xc3\xbc"
        "ber 14 \xe2\x82\xac",
        "=?UTF-8?Q?not_encoded?=",
        "a_b=c?d e",
        "Your order is long, longer than a line of a header should ever be, and goes on and on and on",
        "\xf0\x9f\x93\xa6\xf0\x9f\x93\xa6\xf0\x9f\x93\xa6\xf0\x9f\x93\xa6\xf0\x9f\x93\xa6\xf0\x9f\x93\xa6\xf0\x9f\x93\xa6"
        "\xf0\x9f\x93\xa6\xf0\x9f\x93\xa6\xf0\x9f\x93\xa6 end",
        "0123456789012345678901234567890123456789012345678901234567890123456789\xc3\xa4",
    };
    ARENA_SCOPE arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
        assert_string_equal(subject_by_python(text_of(subjects[i]), &arena), subjects[i]);
}

static void names_of_senders_come_out_as_they_went_in(void **state)
{
    static const char *const senders[] = { "Orders, Inc.", "Say \"hi\" \\ there", "M\xc3\xbcller & S\xc3\xb6hne" };
    ARENA_SCOPE arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
        struct mail mail = a_mail();
        const char *expected = arena_printf(&arena, "Your order|%s|orders@shop.example|", senders[i]).ptr;

        mail.from_name = text_of(senders[i]);
        assert_memory_equal(read_by_python(&mail, &arena), expected, strlen(expected));
    }
}

static void bodies_of_any_bytes_come_out_as_they_went_in(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct buf body = BUF_IN(&arena);
    struct mail mail = a_mail();

    (void)state;
    for (int line = 0; line < 120; line++) { /* each length around the bound, with each kind of end */
        for (int i = 0; i < line; i++)
            buf_str(&body, (line + i) % 7 == 0 ? "\xc3\xa4" : "x");
        buf_str(&body, line % 3 == 0 ? " \n" : line % 3 == 1 ? "\t\n" : "=\n");
    }
    buf_str(&body, ".\n..\nFrom here\n--=_\n\x01\n");
    mail.plain = buf_view(&body);
    assert_string_equal(strstr(read_by_python(&mail, &arena), "plain|"),
                        arena_printf(&arena, "plain|%.*s", TEXT_FMT(mail.plain)).ptr);
}

static void lines_that_end_in_crlf_are_lines(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct mail mail = a_mail();

    (void)state;
    mail.plain = TEXT("a \r\nb");
    assert_non_null(strstr(arena_copy(&arena, written(&mail, &arena)).ptr, "\r\n\r\na=20\r\nb\r\n"));
}

/* ---- what is refused ---- */

static void refuse(struct mail mail, const char *why)
{
    ARENA_SCOPE arena = { 0 };
    struct buf out = BUF_IN(&arena);
    struct fault fault = { 0 };

    assert_false(mail_write(&mail, &out, &fault));
    assert_int_equal(fault.kind, FAULT_INVALID);
    assert_string_equal(fault.detail, why);
    assert_int_equal(out.len, 0);
}

static void headers_cannot_be_injected(void **state)
{
    struct mail mail = a_mail();

    (void)state;
    mail.subject = TEXT("Hi\r\nBcc: all@example.com");
    refuse(mail, "Subject has a control character in it");
    mail.subject = TEXT("Hi\nBcc: all@example.com");
    refuse(mail, "Subject has a control character in it");
    mail.subject = TEXT("Hi\0");
    refuse(mail, "Subject has a control character in it");
    mail = a_mail();
    mail.from_name = TEXT("x\r\n");
    refuse(mail, "From has a control character in it");
    mail = a_mail();
    mail.to = TEXT("ann@example.com>\r\nBcc: <all@example.com");
    refuse(mail, "the address takes letters, digits, dots and hyphens after the @");
    mail = a_mail();
    mail.from = TEXT("x");
    refuse(mail, "the address has no @");
}

static void what_is_no_utf8_is_refused(void **state)
{
    struct mail mail = a_mail();

    (void)state;
    mail.subject = TEXT("\xff");
    refuse(mail, "Subject is no UTF-8");
    mail = a_mail();
    mail.plain = TEXT("\xff");
    refuse(mail, "the text is no UTF-8");
    mail = a_mail();
    mail.html = TEXT("\xff");
    refuse(mail, "the HTML is no UTF-8");
}

/* ---- the sender's setting ---- */

static void a_sender_has_a_name_or_none(void **state)
{
    static const struct {
        const char *text, *name, *address;
    } cases[] = {
        { "orders@shop.example", "", "orders@shop.example" },
        { "<orders@shop.example>", "", "orders@shop.example" },
        { "Orderline <orders@shop.example>", "Orderline", "orders@shop.example" },
        { "\"Orders, Inc.\" <orders@shop.example>", "Orders, Inc.", "orders@shop.example" },
    };
    struct text name, address;
    struct fault fault;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(mail_sender_parse(text_of(cases[i].text), &name, &address, &fault));
        assert_true(text_is(name, cases[i].name));
        assert_true(text_is(address, cases[i].address));
    }
    assert_false(mail_sender_parse(TEXT(""), &name, &address, &fault));
    assert_false(mail_sender_parse(TEXT("Orderline"), &name, &address, &fault));
    assert_false(mail_sender_parse(TEXT("Orderline <orders@shop.example"), &name, &address, &fault));
    assert_false(mail_sender_parse(TEXT("a\nb <orders@shop.example>"), &name, &address, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_byte_for_byte),
        cmocka_unit_test(another_parser_reads_what_was_written),
        cmocka_unit_test(subjects_of_any_kind_come_out_as_they_went_in),
        cmocka_unit_test(names_of_senders_come_out_as_they_went_in),
        cmocka_unit_test(bodies_of_any_bytes_come_out_as_they_went_in),
        cmocka_unit_test(lines_that_end_in_crlf_are_lines),
        cmocka_unit_test(headers_cannot_be_injected),
        cmocka_unit_test(what_is_no_utf8_is_refused),
        cmocka_unit_test(a_sender_has_a_name_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
