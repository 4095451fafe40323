// tests/process/sealed.c - what is constant after the start cannot be written past the library:
// whoever tries dies of SIGSEGV. A setting changed in the running process is sealed again, whoever
// else changes one meanwhile: threads, handlers, forked children.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/support/death.h"
#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { PAGE = 4096, CHANGES = 2000, FORKS = 40, INTERRUPTS = 300 };

// Compilers add to names of data that is a file's own.
static bool is_named(const char *symbol, const char *name) {
    size_t length = strlen(name);
    return strncmp(symbol, name, length) == 0 && (symbol[length] == 0 || symbol[length] == '.');
}

// The symbol table of the file, which names hidden data too; 0 when it was stripped.
static uintptr_t offset_of(const char *path, const char *name) {
    struct stat status;
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && fstat(fd, &status) == 0);
    const char *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(file != MAP_FAILED);
    close(fd);
    const ElfW(Ehdr) *head = (const void *)file;
    const ElfW(Shdr) *sections = (const void *)(file + head->e_shoff);
    for (unsigned i = 0; i < head->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB)
            continue;
        const ElfW(Sym) *symbols = (const void *)(file + sections[i].sh_offset);
        const char *texts = file + sections[sections[i].sh_link].sh_offset;
        for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; k++)
            if (ELF64_ST_TYPE(symbols[k].st_info) == STT_OBJECT &&
                is_named(texts + symbols[k].st_name, name))
                return symbols[k].st_value;
    }
    return 0;
}

static int find_library(struct dl_phdr_info *info, size_t bytes, void *base) {
    (void)bytes;
    if (strstr(info->dlpi_name, "libtidemalloc.so") != NULL)
        *(uintptr_t *)base = info->dlpi_addr;
    return 0;
}

// NULL: the library was stripped.
static uint64_t *find(const char *name) {
    uintptr_t base = 0, offset = offset_of(TEST_LIBRARY, name);
    dl_iterate_phdr(find_library, &base);
    CHECK(base != 0);
    if (offset == 0)
        return NULL;
    CHECK(test_aligned((void *)(base + offset), PAGE));
    return (uint64_t *)(base + offset);
}

static void overwrite(void *word) {
    *(volatile uint64_t *)word = 1;
}

static int how_it_ends(void *word) {
    struct death death;
    death_run(overwrite, word, &death);
    CHECK(!death.hung);
    return death.signal;
}

static void expect_sealed(uint64_t *page) {
    CHECK(page != NULL);
    CHECK_EQ(how_it_ends(page), SIGSEGV);
    CHECK_EQ(how_it_ends(page + PAGE / sizeof *page - 1), SIGSEGV);
}

static bool is_set(const char *name, const char *value) {
    char text[32];
    CHECK_EQ(tide_option_get(name, text, sizeof text), 0);
    return strcmp(text, value) == 0;
}

static void test_changes(uint64_t *page) {
    expect_sealed(page);
    CHECK_EQ(tide_option_set("huge_cache", "1M"), 0);
    CHECK(is_set("huge_cache", "1M"));
    expect_sealed(page);
    errno = 7;
    CHECK_EQ(mallopt(M_MMAP_THRESHOLD, 2 << 20), 1);
    CHECK_EQ(errno, 7);
    CHECK(is_set("huge_threshold", "2M"));
    expect_sealed(page);
}

static _Atomic bool is_over;

static void *change_top_pad(void *endless) {
    for (int i = 1; i < CHANGES || (endless && !is_over); i++)
        CHECK_EQ(tide_option_set("top_pad", i % 2 ? "64K" : "128K"), 0);
    CHECK_EQ(tide_option_set("top_pad", "192K"), 0);
    return NULL;
}

static void test_threads(uint64_t *page) {
    pthread_t other;
    CHECK_EQ(pthread_create(&other, NULL, change_top_pad, NULL), 0);
    for (int i = 0; i < CHANGES; i++)
        CHECK_EQ(tide_option_set("huge_cache", i % 2 ? "3M" : "4M"), 0);
    CHECK_EQ(pthread_join(other, NULL), 0);
    CHECK(is_set("top_pad", "192K"));
    CHECK(is_set("huge_cache", "3M"));
    expect_sealed(page);
}

static void change_and_overwrite(void *word) {
    if (tide_option_set("huge_cache", "5M") == 0 && is_set("huge_cache", "5M"))
        overwrite(word);
}

// The other thread may be in the middle of a change at each fork.
static void test_forks(uint64_t *page) {
    pthread_t other;
    is_over = false;
    CHECK_EQ(pthread_create(&other, NULL, change_top_pad, page), 0);
    for (int i = 0; i < FORKS; i++) {
        struct death death;
        death_run(change_and_overwrite, page, &death);
        CHECK(!death.hung);
        CHECK_EQ(death.signal, SIGSEGV);
    }
    is_over = true;
    CHECK_EQ(pthread_join(other, NULL), 0);
    expect_sealed(page);
}

static volatile sig_atomic_t interrupts, wrong_answers;

static void on_alarm(int signal) {
    int saved = errno;
    int answer = tide_option_set("top_pad", signal % 2 ? "64K" : "128K");
    wrong_answers += answer != 0 && answer != EBUSY;
    interrupts++;
    errno = saved;
}

static void test_handler(uint64_t *page) {
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; interrupts < INTERRUPTS; i++)
        CHECK_EQ(tide_option_set("huge_cache", i % 2 ? "3M" : "4M"), 0);
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK_EQ(wrong_answers, 0);
    expect_sealed(page);
}

// What only some processes have: this program again, with the setting.
static void run_with(const char *setting, const char *value, const char *page) {
    int   status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        setenv(setting, value, 1);
        execl("/proc/self/exe", "sealed", page, NULL);
        _exit(99);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv) {
    void *volatile block = malloc(100);  // the first sample, where blocks are sampled
    test_watchdog(argc > 1 ? 60 : 240);
    test_need_tide();
    CHECK(block != NULL);
    if (sysconf(_SC_PAGESIZE) != PAGE)
        test_skip("pages here are larger than what is sealed");
    uint64_t *page = find(argc > 1 ? argv[1] : "options_page");
    if (argc > 1) {
        expect_sealed(page);
        return 0;
    }
    if (!page)
        test_skip("the library was stripped");
    run_with("TIDE_HARDENED", "1", "secret_keys");
    run_with("TIDE_GUARD", "1/1", "fault_page");
    run_with("TIDE_GUARD", "1/1", "guarded_pool");
    test_changes(page);
    test_threads(page);
    test_forks(page);
    test_handler(page);
    return 0;
}
