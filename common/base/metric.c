/* metric.c - see metric.h. */
#include "base/metric.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

const struct metric_scale metric_sizes = { { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000 }, 1 };
const struct metric_scale metric_work_us = {
    { 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 2000000, 10000000, 30000000 }, 1e-6
};
const struct metric_scale metric_age_ms = { { 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 900000 },
                                            1e-3 };

void metric_observe(struct metric_histogram *histogram, const struct metric_scale *scale, int64_t value)
{
    size_t at = 0;

    while (at < METRIC_BOUNDS && value > scale->bounds[at])
        at++;
    atomic_fetch_add_explicit(&histogram->counts[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}

void metric_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_histogram(struct buf *out, const char *name, const char *labels, const struct metric_scale *scale,
                      const struct metric_histogram *histogram)
{
    uint64_t below = 0;

    for (size_t i = 0; i <= METRIC_BOUNDS; i++) {
        below += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket{%s,le=\"", name, labels);
        if (i < METRIC_BOUNDS)
            buf_printf(out, "%g", (double)scale->bounds[i] * scale->per_unit);
        else
            buf_str(out, "+Inf");
        buf_printf(out, "\"} %" PRIu64 "\n", below);
    }
    buf_printf(out, "%s_sum{%s} %.10g\n", name, labels,
               (double)atomic_load_explicit(&histogram->sum, memory_order_relaxed) * scale->per_unit);
    buf_printf(out, "%s_count{%s} %" PRIu64 "\n", name, labels, below);
}

void metric_build(struct buf *out, const char *program, const char *service)
{
    metric_head(out, "build_info", "gauge", "1; what runs is in the labels.");
    buf_printf(out, "build_info{service=\"%s\",program=\"%s\",version=\"%s\"} 1\n", service, program, ORDERLINE_VERSION);
}

/* ---- the process, as the kernel tells ---- */

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Resident bytes; 0 where /proc does not tell. */
static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long pages = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

void metric_process(struct buf *out, const char *service)
{
    metric_head(out, "process_cpu_seconds_total", "counter", "Time of the processor that this process has taken.");
    buf_printf(out, "process_cpu_seconds_total{service=\"%s\"} %.3f\n", service, seconds_of(CLOCK_PROCESS_CPUTIME_ID));
    metric_head(out, "process_resident_memory_bytes", "gauge", "Memory of this process that is in RAM.");
    buf_printf(out, "process_resident_memory_bytes{service=\"%s\"} %" PRId64 "\n", service, resident_bytes());
}
