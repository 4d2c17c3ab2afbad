/* notification_template.c - the two braces. */
#include "workers/services/notification_template.h"
#include "base/utf8.h"

static struct text rest_from(struct text text, const char *at)
{
    return (struct text){ at, text.len - (size_t)(at - text.ptr) };
}

static const char *find(struct text text, const char *two)
{
    return text.len > 0 ? memmem(text.ptr, text.len, two, 2) : NULL;
}

static int line_of(struct text source, const char *at, int first_line)
{
    for (const char *p = source.ptr; p < at; p++)
        first_line += *p == '\n';
    return first_line;
}

static int find_name(const struct template_names *names, struct text name)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_is(name, names->names[i]))
            return (int)i;
    return -1;
}

static void add_piece(struct template *template, struct text text, int name)
{
    if (text.len > 0 || name >= 0)
        template->pieces[template->count++] = (struct template_piece){ text, name };
}

static bool unknown(const struct template_names *names, const char *file, int line, struct text name, struct arena *arena,
                    struct fault *fault)
{
    struct buf known = BUF_IN(arena);

    for (size_t i = 0; i < names->count; i++)
        buf_printf(&known, "%s%s", i > 0 ? ", " : "", names->names[i]);
    buf_char(&known, '\0');
    return fault_set(fault, FAULT_INVALID, "template", "%s:%d: {{%.*s}} is unknown here; known are %s", file, line,
                     (int)(name.len < 40 ? name.len : 40), name.ptr, known.ptr);
}

/* Text before each "{{" and the name behind it: no more than two pieces a pair of braces, and the text at the end. */
static size_t pieces_at_most(struct text source)
{
    size_t count = 1;

    for (const char *open = find(source, "{{"); open; open = find(rest_from(source, open + 2), "{{")) {
        source = rest_from(source, open);
        count += 2;
    }
    return count;
}

bool template_parse(struct text source, const char *file, int first_line, const struct template_names *names,
                    struct arena *arena, struct template *template, struct fault *fault)
{
    struct text rest = source;

    *template = (struct template){ .pieces = arena_array(arena, pieces_at_most(source), sizeof *template->pieces) };
    if (!utf8_is_valid(source))
        return fault_set(fault, FAULT_INVALID, "template", "%s:%d: the text is no UTF-8", file, first_line);
    for (const char *open; (open = find(rest, "{{")) != NULL;) {
        struct text inside = rest_from(rest, open + 2);
        const char *close = find(inside, "}}");
        int name;

        if (!close)
            return fault_set(fault, FAULT_INVALID, "template", "%s:%d: {{ is not closed by }}", file,
                             line_of(source, open, first_line));
        inside.len = (size_t)(close - inside.ptr);
        name = find_name(names, inside);
        if (name < 0)
            return unknown(names, file, line_of(source, open, first_line), inside, arena, fault);
        add_piece(template, (struct text){ rest.ptr, (size_t)(open - rest.ptr) }, -1);
        add_piece(template, (struct text){ 0 }, name);
        rest = rest_from(rest, close + 2);
    }
    add_piece(template, rest, -1);
    return true;
}

static void add_html(struct buf *out, struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        switch (value.ptr[i]) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        case '\'':
            buf_str(out, "&#39;");
            break;
        default:
            buf_char(out, value.ptr[i]);
        }
    }
}

void template_fill(const struct template *template, const struct text *values, enum template_escape escape, struct buf *out)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct template_piece *piece = &template->pieces[i];

        if (piece->name < 0)
            buf_text(out, piece->text);
        else if (escape == TEMPLATE_HTML)
            add_html(out, values[piece->name]);
        else
            buf_text(out, values[piece->name]);
    }
}
