/* replay.c - runs a target over the files of the folders that are named: the corpus as a plain test. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

enum { INPUT_MAX = 1 << 20 };

/* Each input has an allocation of its own length, so that a sanitizer sees the first byte read behind it. */
static void replay(const char *path)
{
    static uint8_t room[INPUT_MAX];
    FILE *file = fopen(path, "re");
    uint8_t *data;
    size_t size;

    if (!file) {
        perror(path);
        exit(EXIT_FAILURE); /* NOLINT(concurrency-mt-unsafe): there is one thread */
    }
    size = fread(room, 1, sizeof room, file);
    fclose(file);
    data = malloc(size ? size : 1);
    memcpy(data, room, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++) {
        struct dirent **files;
        int found = scandir(argv[i], &files, NULL, alphasort);

        for (int f = 0; f < found; f++) {
            char path[4096];

            snprintf(path, sizeof path, "%s/%s", argv[i], files[f]->d_name);
            if (files[f]->d_name[0] != '.') {
                printf("%s\n", path);
                fflush(stdout);
                replay(path);
                count++;
            }
            free(files[f]);
        }
        if (found >= 0)
            free(files);
    }
    printf("%zu inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
