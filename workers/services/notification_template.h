/* notification_template.h - text with {{names}} in it, taken apart once and filled in many times.
 *
 * That is the whole language: no conditions, no loops, no blanks inside the braces. A name that nobody knows, or braces that
 * are never closed, are found when the template is read and not when the first mail is due. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"

/* What a template may name: position i of NAMES is position i of the values. */
struct template_names {
    const char *const *names;
    size_t count;
};

struct template_piece {
    struct text text; /* as it is, where NAME is -1 */
    int name;
};

struct template
{
    struct template_piece *pieces; /* arena */
    size_t count;
};

/* Takes SOURCE (UTF-8) apart, which has to live as long as TEMPLATE. FAULT (FAULT_INVALID) begins with FILE:LINE:, lines
 * counted from FIRST_LINE. */
MUST_CHECK bool template_parse(struct text source, const char *file, int first_line, const struct template_names *names,
                               struct arena *arena, struct template *template, struct fault *fault);

enum template_escape {
    TEMPLATE_PLAIN, /* values as they are */
    TEMPLATE_HTML,  /* & < > " ' of values as character references; the template's own text as it is */
};

/* Appends TEMPLATE with VALUES, one a name. */
void template_fill(const struct template *template, const struct text *values, enum template_escape escape, struct buf *out);
