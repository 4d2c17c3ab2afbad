/* main.c - order-api: settings, start and graceful end. */
#include "base/failpoint.h"
#include "base/log.h"
#include "base/stop.h"
#include "fcgi/app.h"
#include "fcgi/fastcgi.h"
#include "model/order.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define AT(member) offsetof(struct app_settings, member)

static const struct setting settings_table[] = {
    { "DATABASE_URL", SETTING_SECRET, AT(database_url), NULL, 0, 0, "PostgreSQL, as role orderline_orders" },
    { "REDIS_URL", SETTING_SECRET, AT(redis_url), NULL, 0, 0, "Redis, where finished answers are remembered" },
    { "THREADS", SETTING_INT, AT(threads), "2", 1, 64, "threads that take requests" },
    { "REQUESTS_MAX", SETTING_INT, AT(requests_max), "256", 1, 16384, "requests under way at once; past it 503" },
    { "WRITERS", SETTING_INT, AT(writers), "2", 1, 64, "connections that create orders" },
    { "READERS", SETTING_INT, AT(readers), "1", 1, 64, "connections that read single orders" },
    { "QUERY_THREADS", SETTING_INT, AT(query_threads), "2", 1, 64, "connections for lists, timelines and cancels" },
    { "BATCH_MAX", SETTING_INT, AT(batch_max), "64", 1, 64, "orders in one transaction" },
    { "QUEUE_MAX", SETTING_INT, AT(queue_max), "1024", 1, 65536,
      "requests that wait for a connection, a kind; past it 503" },
    { "OUTBOX_MAX", SETTING_INT, AT(outbox_max), "1000000", 1, 1000000000,
      "events that may wait for Kafka; past it creates get 503 until a tenth has gone" },
    { "REDIS_TIMEOUT_MS", SETTING_INT, AT(redis_timeout_ms), "100", 1, 5000, "ms for a command of Redis" },
    { "SQL_TIMEOUT_MS", SETTING_INT, AT(sql_timeout_ms), "3000", 100, 60000, "ms for a call of PostgreSQL" },
    { "REQUEST_TIMEOUT_MS", SETTING_INT, AT(request_timeout_ms), "5000", 100, 60000, "ms for a request to begin its call" },
    { "METRICS_FILE", SETTING_TEXT, AT(metrics_file), "", 0, 0,
      "counted in here, together with other processes; empty: each by itself" },
    { "LOG_LEVEL", SETTING_LEVEL, AT(log_level), "info", 0, 0, "debug, info, warn or error" },
    { "OTEL_EXPORTER_OTLP_ENDPOINT", SETTING_TEXT, AT(otlp_endpoint), "", 0, 0,
      "http(s)://collector:4318 that spans go to, as OTLP/HTTP in JSON; none: no spans" },
    { "OTEL_EXPORTER_OTLP_HEADERS", SETTING_SECRET, AT(otlp_headers), "", 0, 0, "name=value,... sent along with spans" },
};

static const struct program program = {
    .name = "order-api",
    .summary = "The order API behind a web server: FastCGI on the listening socket that is descriptor 0.",
    .settings = settings_table,
    .setting_count = ARRAY_LEN(settings_table),
};

enum {
    IO_TIMEOUT_MS = 10000,
    EXPIRE_EVERY_MS = 100, /* how late a deadline is noticed */
    OWN_DESCRIPTORS = 20,  /* standard ones, the stop's, Redis, probes and backlog, what a look-up of a name opens */
    OF_A_THREAD = 3,       /* epoll, the spare one, and a connection that is refused */
};

/* Signals are the main thread's alone: a read that one interrupts would cost libfcgi its request. */
static void signals_mask(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    pthread_sigmask(how, &set, NULL);
}

/* As many requests at once as there are descriptors for: a connection that nobody can accept would wait for its answer until
 * the web server gives up, one that is refused knows it at once. */
static bool requests_fit(const struct app_settings *settings, int *requests_max, struct fault *fault)
{
    rlim_t others = OWN_DESCRIPTORS + (rlim_t)(settings->threads * OF_A_THREAD + settings->writers + settings->readers +
                                               settings->query_threads);
    rlim_t wanted = others + (rlim_t)settings->requests_max;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return fault_set(fault, FAULT_PERMANENT, "descriptors", "getrlimit: %m");
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur <= others)
        return fault_set(fault, FAULT_INVALID, "descriptors", "%llu open files are allowed, %llu are needed at the least",
                         (unsigned long long)limit.rlim_cur, (unsigned long long)others + 1);
    *requests_max = (int)(limit.rlim_cur < wanted ? limit.rlim_cur - others : (rlim_t)settings->requests_max);
    if (*requests_max < settings->requests_max)
        log_warn("%llu open files are allowed: fewer requests at once than REQUESTS_MAX",
                 (unsigned long long)limit.rlim_cur);
    return true;
}

static int failed(const struct fault *fault)
{
    log_error("cannot start: %s", fault->detail);
    return EXIT_FAILURE;
}

static int serve(const struct app_settings *settings)
{
    struct fault fault = { 0 };
    struct fastcgi *fastcgi;
    struct app app;
    struct fastcgi_options options = {
        .listen_fd = STDIN_FILENO,
        .threads = (int)settings->threads,
        .requests_max = (int)settings->requests_max,
        .io_timeout_ms = IO_TIMEOUT_MS,
        .body_max = ORDER_BODY_MAX,
        .take = app_take,
        .context = &app,
    };

    if (!requests_fit(settings, &options.requests_max, &fault))
        return failed(&fault);
    if (!app_start(&app, settings, &fault)) {
        app_stop(&app);
        return failed(&fault);
    }
    fastcgi = fastcgi_start(&options, &fault);
    if (!fastcgi) {
        app_stop(&app);
        return failed(&fault);
    }
    signals_mask(SIG_UNBLOCK);
    log_info("ready: %d requests at once", options.requests_max);
    while (!fastcgi_ended(fastcgi, EXPIRE_EVERY_MS))
        app_expire(&app);
    fastcgi_free(fastcgi);
    app_stop(&app);
    log_info("stopped");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct app_settings settings;

    settings_read(&program, argc, argv, &settings);
    failpoint_init();
    stop_init();
    signals_mask(SIG_BLOCK);
    log_start(program.name, (enum log_level)settings.log_level);
    return serve(&settings);
}
