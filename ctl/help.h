/* help.h - what orderctl says about itself, all from the tables: help at three depths, and the man page. */
#pragma once

#include "ctl/ctl.h"
#include <stdio.h>

void help_program(FILE *out);
void help_group(const struct group *group, FILE *out);
void help_command(const struct group *group, const struct command *command, FILE *out);

/* orderctl(1) in the man macros, for `man -l`. */
void help_man(FILE *out);
