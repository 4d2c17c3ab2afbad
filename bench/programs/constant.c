/* constant.c - a FastCGI process that answers the same bytes to everything: how fast nginx, the socket and libfcgi are
 * alone.
 *
 * bench-constant THREADS FILE, started by spawn-fcgi as order-api is. FILE holds a whole CGI answer, headers first. Each
 * request's body is read to its end, as order-api reads it. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 256 * 1024, BODY_MAX = 64 * 1024, THREADS_MAX = 1024 };

static char answer[ANSWER_MAX];
static int answer_len;

static void *serve(void *unused)
{
    static _Thread_local char body[BODY_MAX];
    FCGX_Request request;

    (void)unused;
    FCGX_InitRequest(&request, 0, 0);
    while (FCGX_Accept_r(&request) >= 0) {
        while (FCGX_GetStr(body, BODY_MAX, request.in) == BODY_MAX)
            ;
        FCGX_PutStr(answer, answer_len, request.out);
        FCGX_Detach(&request); /* closes without waiting for the web server, as order-api does */
        FCGX_Finish_r(&request);
    }
    return NULL;
}

static int complain(const char *what)
{
    fprintf(stderr, "bench-constant: %s\n", what);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    long threads = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    FILE *file;

    if (threads < 1 || threads > THREADS_MAX)
        return complain("usage: bench-constant THREADS FILE, as a child of spawn-fcgi");
    file = fopen(argv[2], "rb");
    if (!file)
        return complain("cannot open the answer's file");
    answer_len = (int)fread(answer, 1, sizeof answer, file);
    fclose(file);
    if (answer_len == 0 || FCGX_Init() != 0)
        return complain("no answer, or libfcgi cannot start");
    for (long i = 1; i < threads; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, serve, NULL) != 0)
            return complain("cannot start a thread");
    }
    /* libfcgi's handler of SIGTERM ends one accept; the others would serve on for ever. */
    serve(NULL);
    return EXIT_SUCCESS;
}
