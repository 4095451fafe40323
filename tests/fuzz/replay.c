// tests/fuzz/replay.c - the driver of a fuzz target: libFuzzer's two names, or the kept inputs.
//
// Built with TIDE_FUZZ_LIVE libFuzzer's main calls LLVMFuzzerTestOneInput. Without, main gives
// every file of the folders named to the target, once, and prints how many there were: so the
// corpus is a test in every build, with any compiler.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/test.h"

_Noreturn void fuzz_fail(const char *file, int line, const char *what) {
    char text[512];
    snprintf(text, sizeof text, "%s:%d: found: %s\n", file, line, what);
    test_say(text);
    abort();
}

#ifdef TIDE_FUZZ_LIVE

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    fuzz_start();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    return fuzz_one(bytes, count);
}

#else

static unsigned files;

static void replay_file(const char *path) {
    struct stat about;
    int         fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && fstat(fd, &about) == 0);
    size_t size = (size_t)about.st_size;
    void  *bytes = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    CHECK(bytes != MAP_FAILED);
    close(fd);
    fuzz_one(bytes, size);
    if (size)
        munmap(bytes, size);
    files++;
}

static void replay_folder(const char *folder) {
    DIR *stream = opendir(folder);
    CHECK(stream != NULL);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        replay_file(path);
    }
    closedir(stream);
}

int main(int count, char **arguments) {
    test_watchdog(120);
    CHECK(count > 1);
    fuzz_start();
    for (int i = 1; i < count; i++)
        replay_folder(arguments[i]);
    printf("%u inputs\n", files);
    CHECK(files > 0);
    return 0;
}

#endif
