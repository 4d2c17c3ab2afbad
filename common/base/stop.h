/* stop.h - SIGTERM, SIGINT and SIGQUIT as a file descriptor that becomes readable, for poll loops. */
#pragma once

#include <stdbool.h>

/* Once, before any thread and before any library that sets handlers of its own: SIGTERM, SIGINT and SIGQUIT (which is what
 * `multiwatch -s TERM` sends) raise the stop flag, without SA_RESTART; SIGPIPE is ignored. */
void stop_init(void);

/* Readable from the first signal on, for ever; any number of threads may poll it. */
int stop_fd(void);

/* Whether stopping was asked for. Async-signal and thread safe. */
bool stop_requested(void);

/* Asks the own process to stop, as a signal would. */
void stop_request(void);

/* Sleeps for MS at the most; returns true at once when stopping was asked for. */
bool stop_wait_ms(int ms);
