/* main.c - librdkafka's mock cluster as a broker of its own, for machines that cannot fetch Apache Kafka.
 * All in memory: 5 MiB a partition, the oldest dropped silently; a restart forgets everything. Enough to see orders
 * walk through the stages, no evidence on durability. */
#include "base/settings.h"
#include "base/stop.h"
#include "topics.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct config {
    int64_t port, partitions;
};

static const struct setting settings[] = {
    { "BROKER_PORT", SETTING_INT, offsetof(struct config, port), "9092", 1, 65535, "port on 127.0.0.1" },
    { "KAFKA_PARTITIONS", SETTING_INT, offsetof(struct config, partitions), "6", 1, 1000, "partitions of each topic" },
};
static const struct program program = { "embedded-broker", "an in-memory stand-in for Apache Kafka", settings,
                                        ARRAY_LEN(settings) };
static struct config config;

/* The mock cluster asks for any free port of 127.0.0.1 and has no setting for another: the executable's bind() comes
 * before libc's and puts ours in. A restart has to get the same port while old connections linger. */
int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    int (*real_bind)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");

    if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in wanted = *(const struct sockaddr_in *)address;

        if (wanted.sin_port == 0 && wanted.sin_addr.s_addr == htonl(INADDR_LOOPBACK)) {
            wanted.sin_port = htons((uint16_t)config.port);
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
            return real_bind(fd, (const struct sockaddr *)&wanted, sizeof(wanted));
        }
    }
    return real_bind(fd, address, length);
}

int main(int argc, char **argv)
{
    char problem[256] = "no cluster";

    settings_read(&program, argc, argv, &config);
    stop_init();
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, problem, sizeof(problem));
    rd_kafka_mock_cluster_t *cluster = kafka ? rd_kafka_mock_cluster_new(kafka, 1) : NULL;
    if (!cluster) {
        fprintf(stderr, "embedded-broker: port %lld: %s\n", (long long)config.port, problem);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        rd_kafka_resp_err_t error = rd_kafka_mock_topic_create(cluster, topics[i], (int)config.partitions, 1);

        if (error) {
            fprintf(stderr, "embedded-broker: topic %s: %s\n", topics[i], rd_kafka_err2str(error));
            return EXIT_FAILURE;
        }
    }
    fprintf(stderr, "embedded-broker: in memory only, on %s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    while (!stop_requested())
        poll(&(struct pollfd){ .fd = stop_fd(), .events = POLLIN }, 1, -1);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(kafka);
    return EXIT_SUCCESS;
}
