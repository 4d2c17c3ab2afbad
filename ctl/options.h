/* options.h - a command line of "--name value", "--name=value" and words. */
#pragma once

#include "ctl/ctl.h"

enum options_verdict { OPTIONS_READ, OPTIONS_HELP, OPTIONS_WRONG };

/* Reads the COUNT words in ARGV, those behind the command's name: options into COMMAND's struct, defaults included, the
 * others into CTL as arguments. "--json" and "--help" are known to every command; behind "--" all are arguments. WRONG after
 * a line a fault on stderr. */
MUST_CHECK enum options_verdict options_read(const struct command *command, int count, char **argv, struct ctl *ctl);
