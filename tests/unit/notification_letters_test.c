/* notification_letters_test.c - the letters as shipped, and directories with something wrong in them. */
#include "tests/unit/unit.h"
#include "workers/services/notification_letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char shipped[] = "../../workers/services/letters";

static struct letter_facts facts_of(struct arena *arena)
{
    struct letter_facts facts = {
        .currency = "USD", .total_minor = 102217, .reason = TEXT("out_of_stock"), .failed_sku = TEXT("SKU-9")
    };

    assert_true(uuid_parse(TEXT("019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52"), &facts.order_id));
    facts.lines = (struct lines){ arena_array(arena, 2, sizeof *facts.lines.at), 2 };
    facts.lines.at[0] = (struct line){ TEXT("SKU-1"), 33000 };
    facts.lines.at[1] = (struct line){ TEXT("<&>"), 14500 };
    return facts;
}

static bool contains(struct text text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static struct letter shipped_letter(enum letter_kind kind, struct arena *arena)
{
    struct letter_facts facts = facts_of(arena);
    struct fault fault;
    struct letters *letters = arena_alloc(arena, sizeof *letters);

    if (!letters_load(shipped, arena, letters, &fault))
        fail_msg("%s", fault.detail);
    return letter_fill(letters, kind, &facts, arena);
}

static void the_confirmation_lists_what_was_ordered(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct letter letter = shipped_letter(LETTER_CONFIRMATION, &arena);

    (void)state;
    assert_true(text_is(letter.subject, "Your order 019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52"));
    assert_true(contains(letter.plain, "of 2026-04-01 06:01 UTC:\n\n33 x SKU-1\n14.5 x <&>\n\nTotal: 1022.17 USD\n"));
    assert_true(contains(letter.html, "<pre>33 x SKU-1\n14.5 x &lt;&amp;&gt;</pre>"));
}

static void each_outcome_has_its_letter(void **state)
{
    ARENA_SCOPE arena = { 0 };

    (void)state;
    assert_true(contains(shipped_letter(LETTER_COMPLETED, &arena).plain, "has been shipped"));
    assert_true(
        contains(shipped_letter(LETTER_CANCELLED, &arena).plain, "is cancelled: what you ordered is out of stock: SKU-9."));
    assert_true(contains(shipped_letter(LETTER_CANCELLED, &arena).html, "out of stock"));
}

static void amounts_have_the_decimals_of_their_currency(void **state)
{
    static const struct {
        const char *currency, *total;
    } cases[] = { { "JPY", "102217 JPY" }, { "KWD", "102.217 KWD" }, { "EUR", "1022.17 EUR" } };
    ARENA_SCOPE arena = { 0 };
    struct letters letters;
    struct fault fault;

    (void)state;
    assert_true(letters_load(shipped, &arena, &letters, &fault));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct letter_facts facts = facts_of(&arena);

        memcpy(facts.currency, cases[i].currency, 4);
        assert_true(contains(letter_fill(&letters, LETTER_COMPLETED, &facts, &arena).plain, cases[i].total));
    }
}

static void every_reason_of_a_cancel_has_a_sentence(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct letters letters;
    struct fault fault;

    (void)state;
    assert_true(letters_load(shipped, &arena, &letters, &fault));
    for (size_t i = 0; i < CANCEL_REASONS; i++) {
        struct letter_facts facts = facts_of(&arena);

        facts.reason = text_of(cancel_reason_name((enum cancel_reason)i));
        assert_false(contains(letter_fill(&letters, LETTER_CANCELLED, &facts, &arena).plain, facts.reason.ptr));
    }
}

/* ---- directories with a fault ---- */

static void write_file(const char *directory, const char *name, const char *content)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (!content) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const struct {
    const char *name, *content;
} good[] = {
    { "confirmation.txt", "Subject: {{orderId}}\n\n{{lines}}\n" },
    { "completed.txt", "Subject: on its way\n\n{{total}}\n" },
    { "cancelled.txt", "Subject: {{reason}}\n\n{{reason}}" },
    { "reasons.txt",
      "payment_declined: a\nout_of_stock: b\ncancelled_by_customer: c\ntimed_out: d\nfulfillment_refused: e\n" },
    { "completed.html", "{{orderedAt}}" },
};

/* What letters_load says of a good directory in which NAME holds CONTENT (NULL: is missing); "" where nothing is wrong. */
static struct fault fault_of(const char *name, const char *content)
{
    char directory[] = "/tmp/letters_test.XXXXXX";
    ARENA_SCOPE arena = { 0 };
    struct letters letters;
    struct fault fault;

    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        write_file(directory, good[i].name, good[i].content);
    write_file(directory, name, content);
    (void)!letters_load(directory, &arena, &letters, &fault);
    if (content)
        write_file(directory, name, NULL);
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (strcmp(good[i].name, name) != 0)
            write_file(directory, good[i].name, NULL);
    assert_int_equal(rmdir(directory), 0);
    if (fault.kind != FAULT_NONE) /* without the directory, whose name is another each time */
        memmove(fault.detail, fault.detail + sizeof directory, sizeof fault.detail - sizeof directory);
    return fault;
}

static void a_directory_without_html_will_do(void **state)
{
    (void)state;
    assert_int_equal(fault_of("completed.html", NULL).kind, FAULT_NONE);
}

static void faults_are_found_when_loading(void **state)
{
    static const struct {
        const char *name, *content, *why;
    } cases[] = {
        { "completed.txt", NULL, "completed.txt: No such file or directory" },
        { "reasons.txt", NULL, "reasons.txt: No such file or directory" },
        { "completed.txt", "", "completed.txt:1: the first line has to be \"Subject: ...\"" },
        { "completed.txt", "Subject: \n\nx", "completed.txt:1: the first line has to be \"Subject: ...\"" },
        { "completed.txt", "Subject: a\nb\n", "completed.txt:2: an empty line has to follow the subject" },
        { "completed.txt", "Subject: a", "completed.txt:2: an empty line has to follow the subject" },
        { "completed.txt", "Subject: a\n\nb\n{{lines}}",
          "completed.txt:4: {{lines}} is unknown here; known are orderId, orderedAt, total, currency" },
        { "confirmation.txt", "Subject: {{lines}}\n\nb",
          "confirmation.txt:1: {{lines}} is unknown here; known are orderId, orderedAt, total, currency" },
        { "cancelled.txt", "Subject: a\n\n{{reason", "cancelled.txt:3: {{ is not closed by }}" },
        { "cancelled.html", "<p>\n{{x}}",
          "cancelled.html:2: {{x}} is unknown here; known are orderId, orderedAt, total, currency, reason" },
        { "reasons.txt", "timed_out: a\ntimed_out: b\n",
          "reasons.txt:2: a line is \"<reason>: ...\", with a reason of a cancel that has none yet" },
        { "reasons.txt", "bored: a\n",
          "reasons.txt:1: a line is \"<reason>: ...\", with a reason of a cancel that has none yet" },
        { "reasons.txt", "timed_out: a\n", "reasons.txt: there is no line for payment_declined" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fault fault = fault_of(cases[i].name, cases[i].content);

        assert_string_equal(fault.detail, cases[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_confirmation_lists_what_was_ordered),
        cmocka_unit_test(each_outcome_has_its_letter),
        cmocka_unit_test(amounts_have_the_decimals_of_their_currency),
        cmocka_unit_test(every_reason_of_a_cancel_has_a_sentence),
        cmocka_unit_test(a_directory_without_html_will_do),
        cmocka_unit_test(faults_are_found_when_loading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
