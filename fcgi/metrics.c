/* metrics.c - the shared file, and its text for Prometheus. */
#include "fcgi/metrics.h"
#include "base/metric.h"
#include "fcgi/router.h"
#include "io/redis.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What lies in the file. A program with another layout finds another size here and begins a file of its own. */
struct shared {
    char magic[8];
    uint64_t size;
    struct metrics slots[METRICS_PROCESSES];
};

struct metrics_file {
    int fd; /* -1: memory of this process */
    size_t own;
    struct shared *shared;
};

static const char magic[8] = "orderap2";
static const int statuses[METRICS_STATUSES - 1] = { 200, 201, 304, 400, 404, 405, 409, 413, 415, 422, 429, 500, 503 };
static const int64_t times_us[METRICS_TIMES - 1] = { 1000,   2500,   5000,    10000,   25000,   50000,   100000,
                                                     250000, 500000, 1000000, 2500000, 5000000, 10000000 };
static const char *const queue_names[METRICS_QUEUES] = { "memory", "writers", "readers", "queries", "probes" };
static const char *const redis_names[METRICS_REDIS_RESULTS] = { "hit", "miss", "distrust" };

/* ---- the file ---- */

/* Byte 0 guards the header, byte 1 + i says that slot i is taken. Open file description locks end with their process, and
 * are the file's, not a thread's. */
static bool lock_byte(int fd, off_t byte, bool wait)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

    return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) == 0;
}

static void unlock_byte(int fd, off_t byte)
{
    struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

    (void)fcntl(fd, F_OFD_SETLK, &lock);
}

static bool slot_is_taken(const struct metrics_file *file, size_t slot)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1 + (off_t)slot, .l_len = 1 };

    if (slot == file->own)
        return true;
    return file->fd >= 0 && fcntl(file->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool failed(struct fault *fault, const char *path)
{
    return fault_set(fault, FAULT_PERMANENT, "metrics_file", "METRICS_FILE %s: %s", path, strerrordesc_np(errno));
}

/* Whether FD is still what is found at PATH, and holds this layout or nothing yet. */
static bool is_ours(int fd, const char *path, struct stat *found)
{
    struct stat named;
    char head[sizeof magic + sizeof(uint64_t)];
    uint64_t size = sizeof(struct shared);

    if (fstat(fd, found) < 0 || stat(path, &named) < 0 || named.st_ino != found->st_ino || named.st_dev != found->st_dev)
        return false;
    if (found->st_size == 0)
        return true;
    return pread(fd, head, sizeof head, 0) == sizeof head && memcmp(head, magic, sizeof magic) == 0 &&
           memcmp(head + sizeof magic, &size, sizeof size) == 0 && found->st_size == (off_t)size;
}

/* Opens PATH with its header lock held; one with another layout makes way, whoever uses it keeps what it has open. */
static int open_locked(const char *path, struct stat *found, struct fault *fault)
{
    for (int attempt = 0; attempt < 10; attempt++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);

        if (fd < 0 || !lock_byte(fd, 0, true)) {
            (void)failed(fault, path);
            if (fd >= 0)
                close(fd);
            return -1;
        }
        if (is_ours(fd, path, found))
            return fd;
        (void)unlink(path);
        close(fd);
    }
    fault_set(fault, FAULT_PERMANENT, "metrics_file", "METRICS_FILE %s: others replace it all the time", path);
    return -1;
}

static bool map(struct metrics_file *file, const char *path, struct fault *fault)
{
    struct stat found;
    void *memory;

    file->fd = open_locked(path, &found, fault);
    if (file->fd < 0)
        return false;
    if (ftruncate(file->fd, sizeof(struct shared)) < 0)
        return failed(fault, path);
    memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
    if (memory == MAP_FAILED)
        return failed(fault, path);
    file->shared = memory;
    memcpy(file->shared->magic, magic, sizeof magic);
    file->shared->size = sizeof(struct shared);
    unlock_byte(file->fd, 0);
    return true;
}

static bool take_slot(struct metrics_file *file, const char *path, struct fault *fault)
{
    for (size_t i = 0; i < METRICS_PROCESSES; i++) {
        if (!lock_byte(file->fd, 1 + (off_t)i, false))
            continue;
        file->own = i;
        for (int queue = 0; queue < METRICS_QUEUES; queue++) {
            atomic_store(&file->shared->slots[i].waiting[queue], 0);
            atomic_store(&file->shared->slots[i].refusing[queue], 0);
        }
        return true;
    }
    return fault_set(fault, FAULT_PERMANENT, "metrics_file",
                     "METRICS_FILE %s: %d processes use it already, there is no room", path, METRICS_PROCESSES);
}

struct metrics_file *metrics_open(const char *path, struct fault *fault)
{
    struct metrics_file *file = calloc(1, sizeof *file);

    if (!file)
        abort(); /* at the start of the process, as arena_alloc */
    file->fd = -1;
    if (path[0] ? map(file, path, fault) && take_slot(file, path, fault)
                : (file->shared = calloc(1, sizeof *file->shared)) != NULL)
        return file;
    metrics_close(file);
    return NULL;
}

void metrics_close(struct metrics_file *file)
{
    if (!file)
        return;
    if (file->fd < 0)
        free(file->shared);
    else if (file->shared)
        munmap(file->shared, sizeof *file->shared);
    if (file->fd >= 0)
        close(file->fd);
    free(file);
}

struct metrics *metrics_own(struct metrics_file *file)
{
    return &file->shared->slots[file->own];
}

/* ---- counting ---- */

void metrics_answer(struct metrics *metrics, size_t route, int status, int64_t us)
{
    size_t at = 0, time = 0;

    while (at < ARRAY_LEN(statuses) && statuses[at] != status)
        at++;
    while (time < ARRAY_LEN(times_us) && us > times_us[time])
        time++;
    metrics_add(&metrics->answers[route][at], 1);
    metrics_add(&metrics->times[route][time], 1);
    metrics_add(&metrics->times_us[route], (uint64_t)us);
}

void metrics_batch(struct metrics *metrics, enum metrics_queue queue, size_t count)
{
    size_t size = 0;

    if (!metrics)
        return;
    while (size < METRICS_SIZES - 1 && count > (size_t)1 << size)
        size++;
    metrics_add(&metrics->batches[queue][size], 1);
    metrics_add(&metrics->works[queue], count);
}

void metrics_waiting(struct metrics *metrics, enum metrics_queue queue, int change)
{
    if (metrics)
        atomic_fetch_add_explicit(&metrics->waiting[queue], change, memory_order_relaxed);
}

void metrics_refused(struct metrics *metrics, enum metrics_queue queue)
{
    if (metrics)
        metrics_add(&metrics->refused[queue], 1);
}

void metrics_refusing(struct metrics *metrics, enum metrics_queue queue, bool refusing)
{
    if (metrics)
        atomic_store_explicit(&metrics->refusing[queue], refusing, memory_order_relaxed);
}

/* ---- telling ---- */

/* The sum over all slots, of gauges over those taken; TAKEN is how many that are. */
static void sum_up(const struct metrics_file *file, struct metrics *sum, int *taken)
{
    enum { COUNTERS = offsetof(struct metrics, waiting) / sizeof(uint64_t) };
    _Atomic uint64_t *into = (_Atomic uint64_t *)sum;

    *taken = 0;
    for (size_t slot = 0; slot < METRICS_PROCESSES; slot++) {
        const struct metrics *metrics = &file->shared->slots[slot];
        const _Atomic uint64_t *from = (const _Atomic uint64_t *)metrics;

        for (size_t i = 0; i < COUNTERS; i++)
            metrics_add(&into[i], atomic_load_explicit(&from[i], memory_order_relaxed));
        if (!slot_is_taken(file, slot))
            continue;
        ++*taken;
        for (int queue = 0; queue < METRICS_QUEUES; queue++) {
            atomic_fetch_add(&sum->waiting[queue], atomic_load(&metrics->waiting[queue]));
            atomic_fetch_add(&sum->refusing[queue], atomic_load(&metrics->refusing[queue]));
        }
    }
}

enum { LABELS_MAX = 80 };

static const char *labels(size_t route, char text[static LABELS_MAX])
{
    struct route_name name = route_name(route);

    snprintf(text, LABELS_MAX, "method=\"%s\",route=\"%s\"", name.method, name.path);
    return text;
}

static void render_answers(const struct metrics *sum, struct buf *out)
{
    metric_head(out, "order_api_requests_total", "counter", "Requests answered.");
    for (size_t route = 0; route < route_count(); route++)
        for (size_t i = 0; i < METRICS_STATUSES; i++) {
            uint64_t answers = sum->answers[route][i];
            char status[8] = "other", text[LABELS_MAX];

            if (i < ARRAY_LEN(statuses) && statuses[i])
                snprintf(status, sizeof status, "%d", statuses[i]);
            if (answers > 0)
                buf_printf(out, "order_api_requests_total{%s,status=\"%s\"} %" PRIu64 "\n", labels(route, text), status,
                           answers);
        }
}

static void render_times(const struct metrics *sum, struct buf *out)
{
    static const char name[] = "order_api_request_duration_seconds";
    char text[LABELS_MAX];

    metric_head(out, "order_api_request_duration_seconds", "histogram",
                "From the whole request to its answer, without the web server.");
    for (size_t route = 0; route < route_count(); route++) {
        uint64_t below = 0;

        labels(route, text);
        for (size_t i = 0; i < METRICS_TIMES; i++) {
            below += sum->times[route][i];
            buf_printf(out, "%s_bucket{%s,le=\"", name, text);
            if (i < ARRAY_LEN(times_us))
                buf_printf(out, "%g", (double)times_us[i] / 1e6);
            else
                buf_str(out, "+Inf");
            buf_printf(out, "\"} %" PRIu64 "\n", below);
        }
        buf_printf(out, "%s_sum{%s} %.6f\n", name, text, (double)sum->times_us[route] / 1e6);
        buf_printf(out, "%s_count{%s} %" PRIu64 "\n", name, text, below);
    }
}

static void render_batches(const struct metrics *sum, struct buf *out)
{
    static const char name[] = "order_api_batch_size";

    metric_head(out, "order_api_batch_size", "histogram", "Works done together in one call of the database.");
    for (int queue = 0; queue < METRICS_QUEUES; queue++) {
        uint64_t below = 0;

        for (size_t i = 0; i < METRICS_SIZES; i++) {
            below += sum->batches[queue][i];
            buf_printf(out, "%s_bucket{queue=\"%s\",le=\"", name, queue_names[queue]);
            if (i < METRICS_SIZES - 1)
                buf_printf(out, "%d", 1 << i);
            else
                buf_str(out, "+Inf");
            buf_printf(out, "\"} %" PRIu64 "\n", below);
        }
        buf_printf(out, "%s_sum{queue=\"%s\"} %" PRIu64 "\n", name, queue_names[queue], sum->works[queue]);
        buf_printf(out, "%s_count{queue=\"%s\"} %" PRIu64 "\n", name, queue_names[queue], below);
    }
}

static void render_queues(const struct metrics *sum, struct buf *out)
{
    metric_head(out, "order_api_queue_depth", "gauge", "Works that wait for a batch.");
    for (int queue = 0; queue < METRICS_QUEUES; queue++)
        buf_printf(out, "order_api_queue_depth{queue=\"%s\"} %" PRId64 "\n", queue_names[queue], sum->waiting[queue]);
    metric_head(out, "order_api_queue_refused_total", "counter", "Works refused with 503, since QUEUE_MAX were waiting.");
    for (int queue = 0; queue < METRICS_QUEUES; queue++)
        buf_printf(out, "order_api_queue_refused_total{queue=\"%s\"} %" PRIu64 "\n", queue_names[queue],
                   sum->refused[queue]);
}

/* PostgreSQL's: a queue of a process each, where one is enough to tell. */
static void render_breakers(const struct metrics *sum, struct buf *out)
{
    bool refusing = false;

    for (int queue = 0; queue < METRICS_QUEUES; queue++)
        refusing |= sum->refusing[queue] > 0;
    metric_head(out, "breaker_open", "gauge",
                "1 while a server that has failed is left alone: by any process, redis by the one that answers.");
    buf_printf(out, "breaker_open{service=\"order-api\",server=\"postgresql\"} %d\n", refusing);
    buf_printf(out, "breaker_open{service=\"order-api\",server=\"redis\"} %d\n", redis_is_given_up());
}

void metrics_render(const struct metrics_file *file, struct buf *out)
{
    struct metrics sum = { 0 };
    int taken;

    sum_up(file, &sum, &taken);
    render_answers(&sum, out);
    render_times(&sum, out);
    render_batches(&sum, out);
    render_queues(&sum, out);
    metric_head(out, "order_api_redis_lookups_total", "counter", "Creates that asked Redis for a finished answer.");
    for (int result = 0; result < METRICS_REDIS_RESULTS; result++)
        buf_printf(out, "order_api_redis_lookups_total{result=\"%s\"} %" PRIu64 "\n", redis_names[result],
                   sum.redis[result]);
    render_breakers(&sum, out);
    metric_build(out, "order-api", "order-api");
    metric_head(out, "order_api_processes", "gauge", "Processes that these numbers are the sum of.");
    buf_printf(out, "order_api_processes %d\n", taken);
}
