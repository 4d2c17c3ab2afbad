/* metric.h - what programs count, and how it is told in Prometheus' text format 0.0.4. */
#pragma once

#include "base/buf.h"
#include <stdatomic.h>
#include <stdint.h>

enum { METRIC_BOUNDS = 12 };

/* Upper bounds of a histogram's buckets, rising, in the unit that is counted; times PER_UNIT they are the unit that is told.
 */
struct metric_scale {
    int64_t bounds[METRIC_BOUNDS];
    double per_unit;
};

/* Zero-initialise. Any thread adds and reads, without a lock: a reader can do with a value a moment old. */
struct metric_histogram {
    _Atomic uint64_t counts[METRIC_BOUNDS + 1]; /* each value once; the last: past all bounds */
    _Atomic int64_t sum;
};

extern const struct metric_scale metric_sizes;   /* of batches */
extern const struct metric_scale metric_work_us; /* 1 ms to 30 s */
extern const struct metric_scale metric_age_ms;  /* 50 ms to a quarter of an hour */

void metric_observe(struct metric_histogram *histogram, const struct metric_scale *scale, int64_t value);

/* "# HELP" and "# TYPE" of a metric, in front of its values. */
void metric_head(struct buf *out, const char *name, const char *type, const char *help);

/* The samples of one histogram; LABELS without braces, such as `service="order"`. */
void metric_histogram(struct buf *out, const char *name, const char *labels, const struct metric_scale *scale,
                      const struct metric_histogram *histogram);

/* build_info, which every program tells. */
void metric_build(struct buf *out, const char *program, const char *service);

/* Processor time and memory of this process. */
void metric_process(struct buf *out, const char *service);
