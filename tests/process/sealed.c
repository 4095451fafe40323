// tests/process/sealed.c - settings cannot be written past the library: whoever tries dies of
// SIGSEGV. A setting changed in the running process opens them.
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/support/death.h"
#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { PAGE = 4096 };

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
            if (strcmp(texts + symbols[k].st_name, name) == 0)
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

static void overwrite(void *word) {
    *(volatile uint64_t *)word = 1;
}

static int how_it_ends(void *word) {
    struct death death;
    death_run(overwrite, word, &death);
    CHECK(!death.hung);
    return death.signal;
}

int main(void) {
    uintptr_t base = 0;
    test_watchdog(30);
    test_need_tide();
    if (sysconf(_SC_PAGESIZE) != PAGE)
        test_skip("pages here are larger than what is sealed");
    uintptr_t offset = offset_of(TEST_LIBRARY, "options_page");
    if (offset == 0)
        test_skip("the library was stripped");
    dl_iterate_phdr(find_library, &base);
    CHECK(base != 0 && test_aligned((void *)(base + offset), PAGE));
    uint64_t *word = (uint64_t *)(base + offset);
    CHECK_EQ(how_it_ends(word), SIGSEGV);
    CHECK_EQ(how_it_ends(word + PAGE / sizeof *word - 1), SIGSEGV);
    char text[32];
    CHECK_EQ(tide_option_get("huge_cache", text, sizeof text), 0);
    CHECK_EQ(how_it_ends(word), SIGSEGV);
    CHECK_EQ(tide_option_set("huge_cache", "1M"), 0);
    CHECK_EQ(tide_option_get("huge_cache", text, sizeof text), 0);
    CHECK(strcmp(text, "1M") == 0);
    CHECK_EQ(how_it_ends(word), 0);
    return 0;
}
