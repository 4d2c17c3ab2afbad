#include "ctl/journal.h"
#include "io/json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A line: an attempt or an answer. PLACE keeps the order of the file through the sort. */
struct fact {
    int64_t number;
    size_t place;
    bool is_answer;
    struct uuid customer; /* of an attempt */
    int64_t total_minor;
    int64_t status; /* of an answer */
    struct uuid order;
};

struct facts {
    struct fact *list;
    size_t count, cap;
};

static bool read_int(const struct json_doc *doc, const char *name, int64_t *value)
{
    struct text digits = json_number(doc, json_get(doc->root, name));
    char text[24], *end;

    if (!digits.ptr || digits.len >= sizeof text)
        return false;
    memcpy(text, digits.ptr, digits.len);
    text[digits.len] = '\0';
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/* NULL, or what is wrong with the line. */
static const char *read_fact(const struct json_doc *doc, struct fact *fact)
{
    if (!read_int(doc, "n", &fact->number))
        return "has no integer \"n\"";
    fact->is_answer = json_get(doc->root, "status") != NULL;
    if (!fact->is_answer) {
        if (!json_uuid(json_get(doc->root, "customer"), &fact->customer))
            return "has no UUID \"customer\"";
        return read_int(doc, "total", &fact->total_minor) ? NULL : "has no integer \"total\"";
    }
    if (!read_int(doc, "status", &fact->status))
        return "has no integer \"status\"";
    if (fact->status == 201 && !json_uuid(json_get(doc->root, "order"), &fact->order))
        return "has no UUID \"order\"";
    return NULL;
}

static bool add_line(struct facts *facts, struct text line, struct arena *scratch, const char **wrong)
{
    struct fault fault = { 0 };
    JSON_SCOPE doc = { 0 };
    struct fact fact = { .place = facts->count };

    *wrong = json_parse(line, scratch, &doc, &fault) ? read_fact(&doc, &fact) : "is not JSON";
    if (*wrong)
        return false;
    if (facts->count == facts->cap) {
        facts->cap = facts->cap ? facts->cap * 2 : 1024;
        facts->list = reallocarray(facts->list, facts->cap, sizeof *facts->list);
        if (!facts->list)
            abort(); /* as arena_alloc: nothing sensible is left to do */
    }
    facts->list[facts->count++] = fact;
    return true;
}

static bool read_lines(FILE *file, const char *path, struct facts *facts, struct fault *fault)
{
    ARENA_SCOPE scratch = { 0 };
    char *line = NULL;
    size_t cap = 0;
    const char *wrong = NULL;
    ssize_t len;

    for (int64_t number = 1; !wrong && (len = getline(&line, &cap, file)) > 0; number++) {
        if (line[len - 1] != '\n')
            break;
        if (!add_line(facts, (struct text){ line, (size_t)len - 1 }, &scratch, &wrong))
            fault_set(fault, FAULT_INVALID, "journal", "%s:%lld %s", path, (long long)number, wrong);
        arena_reset(&scratch);
    }
    free(line);
    return !wrong;
}

static int by_number(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static void take(struct journal_order *order, const struct fact *fact)
{
    if (!fact->is_answer) {
        order->customer = fact->customer;
        order->total_minor = fact->total_minor;
        order->attempts++;
        return;
    }
    if (fact->status != 201)
        return;
    if (order->acknowledged && !uuid_equal(&order->order, &fact->order))
        order->contradicted = true;
    if (!order->acknowledged)
        order->order = fact->order;
    order->acknowledged = true;
}

/* Facts, sorted, into one entry an order. */
static void gather(const struct facts *facts, struct arena *arena, struct journal *journal)
{
    journal->orders = arena_array(arena, facts->count, sizeof *journal->orders);
    for (size_t i = 0; i < facts->count; i++) {
        if (i == 0 || facts->list[i].number != facts->list[i - 1].number)
            journal->orders[journal->count++].number = facts->list[i].number;
        take(&journal->orders[journal->count - 1], &facts->list[i]);
    }
}

bool journal_read(const char *path, struct arena *arena, struct journal *journal, struct fault *fault)
{
    FILE *file = fopen(path, "re");
    struct facts facts = { 0 };
    bool read;

    *journal = (struct journal){ 0 };
    if (!file)
        return fault_set(fault, FAULT_INVALID, "journal", "%s: %m", path);
    read = read_lines(file, path, &facts, fault);
    fclose(file);
    if (read && facts.count > 0) {
        qsort(facts.list, facts.count, sizeof *facts.list, by_number);
        gather(&facts, arena, journal);
    }
    free(facts.list);
    return read;
}
