/* backoff.h - how long to wait before something is tried again. */
#pragma once

/* Milliseconds before try ATTEMPT + 1, after ATTEMPT (from 1) failures: FIRST_MS doubling up to MAX_MS, of that between half
 * and all by chance, so that those who failed together don't return together. Thread safe. */
int backoff_ms(int attempt, int first_ms, int max_ms);
