/* Runs a fuzz target over every file of a corpus folder, each whole and cut at every 7th byte. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    fseek(f, 0, SEEK_END);
    long end = ftell(f);
    rewind(f);
    size_t n = end > 0 ? (size_t)end : 0;
    uint8_t *data = malloc(n + 1);
    if (!data || fread(data, 1, n, f) != n) abort();
    fclose(f);
    size_t runs = 0;
    for (size_t cut = 0; cut < n && cut < 20000; cut += 7, runs++) {
        uint8_t *piece = malloc(cut + 1); /* its own allocation: reading past the cut is seen */
        if (!piece) abort();
        memcpy(piece, data, cut);
        LLVMFuzzerTestOneInput(piece, cut);
        free(piece);
    }
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    return runs + 1;
}

int main(int argc, char **argv)
{
    size_t runs = 0, files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (!d) {
            fprintf(stderr, "no corpus at %s\n", argv[i]);
            return 1;
        }
        for (struct dirent *e; (e = readdir(d));) {
            char path[4096];
            if (e->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            runs += run_file(path);
            files++;
        }
        closedir(d);
    }
    printf("%zu files, %zu inputs\n", files, runs);
    return files == 0;
}
