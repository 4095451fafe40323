// os/os_linux_operators.c - do all C++ operators new and delete of this process lead to ours?
//
// A module (the program, a library) that is bound to others, or has some of its own, may give what
// our malloc made to our delete and be right. Seen of each loaded module, by what the dynamic
// linker reads as well:
//
//     what it was bound to     where its relocations of an operator point to: to us, or they were
//                              not used so far (lazy binding)
//     what it shows            an operator of its own. Only the C++ runtime may: it has all of them
//     what it hides            cannot be seen. But who takes something of a C++ runtime, and malloc
//                              or free, and no operator new, may hide one (such as a library with
//                              a static libstdc++). And who takes operator new and a malloc of
//                              aligned blocks, and no aligned new, may hide that (a library built
//                              for an older libstdc++, with what that lacks inside)
//     what it was              of a module that is gone nothing is seen, and its blocks may live
//
// Not seen: hidden operators beside nothing at all of a C++ runtime; and those of a module that
// takes operator new from us, and hides another one than aligned new.
#include <elf.h>
#include <link.h>

#include "base/text.h"
#include "os/os.h"
#include "os/os_linux.h"

struct module {
    uintptr_t         base, start, end;
    const Elf64_Sym  *symbols;
    size_t            symbol_count;
    const char       *names;
    const Elf64_Rela *tables[2];
    size_t            counts[2];  // relocations
    const char       *name;       // its DT_SONAME; "" = none
    // What it takes from others.
    bool takes_new, takes_aligned_new;
    bool takes_runtime, takes_malloc, takes_aligned_malloc;
};

static bool is_any_of(const char *name, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (text_equal(name, words[i]))
            return true;
    return false;
}

static bool starts_with_any_of(const char *name, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (text_starts(name, words[i], NULL))
            return true;
    return false;
}
#define IS_ANY_OF(name, words) is_any_of(name, words, ARRAY_COUNT(words))
#define STARTS_WITH_ANY_OF(name, words) starts_with_any_of(name, words, ARRAY_COUNT(words))

// --- names ---------------------------------------------------------------------------------------

// The replaceable forms and whatever takes a program's own arguments, but for those that only give
// back the place they are told.
static bool is_operator(const char *name) {
    static const char *const operators[] = {"_Znwm", "_Znam", "_ZdlPv", "_ZdaPv"};
    static const char *const placements[] = {"_ZnwmPv", "_ZnamPv", "_ZdlPvS_", "_ZdaPvS_"};
    return STARTS_WITH_ANY_OF(name, operators) && !IS_ANY_OF(name, placements);
}

static bool is_of_runtime(const char *name) {
    static const char *const starts[] = {"_Z", "__cxa_", "__gxx_", "_Unwind_"};
    static const char *const others[] = {"__cxa_finalize", "__cxa_atexit", "__cxa_at_quick_exit",
                                         "__cxa_thread_atexit_impl"};
    static const char *const unwinders[] = {"dl_iterate_phdr", "_dl_find_object"};
    return (STARTS_WITH_ANY_OF(name, starts) && !IS_ANY_OF(name, others)) ||
           IS_ANY_OF(name, unwinders);
}

static void note_taken(struct module *module, const char *name) {
    static const char *const plain[] = {"malloc", "calloc", "realloc", "free", "memalign"};
    static const char *const aligned[] = {"aligned_alloc", "posix_memalign"};
    bool                     is_aligned_malloc = IS_ANY_OF(name, aligned);
    module->takes_aligned_malloc |= is_aligned_malloc;
    module->takes_malloc |= is_aligned_malloc || IS_ANY_OF(name, plain);
    module->takes_runtime |= is_of_runtime(name);
    module->takes_new |= text_equal(name, "_Znwm");
    module->takes_aligned_new |= text_equal(name, "_ZnwmSt11align_val_t");
}

// --- a module's tables ---------------------------------------------------------------------------

// The last chain ends the table, and all that is bound to others stands before the first.
static size_t count_symbols(const uint32_t *gnu_table) {
    enum { HEAD = 4, WORDS_OF_FILTER = 2 };
    uint32_t        bucket_count = gnu_table[0], first = gnu_table[1], last = 0;
    const uint32_t *buckets = gnu_table + HEAD + (size_t)WORDS_OF_FILTER * gnu_table[2];
    const uint32_t *chains = buckets + bucket_count;
    for (uint32_t i = 0; i < bucket_count; i++)
        last = buckets[i] > last ? buckets[i] : last;
    if (last < first)
        return first;
    while (!(chains[last - first] & 1))
        last++;
    return (size_t)last + 1;
}

// Some dynamic linkers put addresses in place of what the file has, some do not.
static const void *table_at(const struct module *module, const Elf64_Dyn *entry) {
    uintptr_t at = entry->d_un.d_ptr;
    return (const void *)(at < module->base ? module->base + at : at);
}

static void read_dynamic(struct module *module, const Elf64_Dyn *entry) {
    const Elf64_Dyn *name = NULL;
    for (; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB:   module->symbols = table_at(module, entry); break;
        case DT_STRTAB:   module->names = table_at(module, entry); break;
        case DT_RELA:     module->tables[0] = table_at(module, entry); break;
        case DT_RELASZ:   module->counts[0] = entry->d_un.d_val / sizeof(Elf64_Rela); break;
        case DT_JMPREL:   module->tables[1] = table_at(module, entry); break;
        case DT_PLTRELSZ: module->counts[1] = entry->d_un.d_val / sizeof(Elf64_Rela); break;
        case DT_SONAME:   name = entry; break;
        case DT_HASH:
            module->symbol_count = ((const uint32_t *)table_at(module, entry))[1];
            break;
        case DT_GNU_HASH:
            module->symbol_count = count_symbols(table_at(module, entry));
            break;
        default: break;
        }
    }
    module->name = name && module->names ? module->names + name->d_un.d_val : "";
}

// False: it has no tables.
static bool read_module(const struct dl_phdr_info *info, struct module *module) {
    const Elf64_Dyn *dynamic = NULL;
    *module = (struct module){.base = info->dlpi_addr, .start = UINTPTR_MAX};
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const Elf64_Phdr *part = &info->dlpi_phdr[i];
        uintptr_t         start = module->base + part->p_vaddr;
        if (part->p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)start;
        if (part->p_type != PT_LOAD)
            continue;
        module->start = start < module->start ? start : module->start;
        module->end = max_size(module->end, start + part->p_memsz);
    }
    if (dynamic)
        read_dynamic(module, dynamic);
    return module->symbols && module->names;
}

// --- what they tell ------------------------------------------------------------------------------

// Bound to us; or to nobody so far, and then it points to the module's own stub.
static bool is_bound_to_us(const struct module *module, const Elf64_Rela *relocation,
                           const Elf64_Sym *symbol) {
    uintptr_t value = *(const uintptr_t *)(module->base + relocation->r_offset);
    value -= (uintptr_t)relocation->r_addend;
    if (os_is_in_our_object(value) || value == 0)
        return true;
    return value >= module->start && value < module->end &&
           (symbol->st_shndx == SHN_UNDEF || value != module->base + symbol->st_value);
}

static bool look_at_bindings(struct module *module) {
    for (unsigned table = 0; table < ARRAY_COUNT(module->tables); table++) {
        const Elf64_Rela *relocation = module->tables[table];
        for (size_t i = 0; relocation && i < module->counts[table]; i++, relocation++) {
            const Elf64_Sym *symbol = &module->symbols[ELF64_R_SYM(relocation->r_info)];
            const char      *name = module->names + symbol->st_name;
            if (symbol == module->symbols)  // the first means none
                continue;
            if (is_operator(name) && !is_bound_to_us(module, relocation, symbol))
                return false;
            if (symbol->st_shndx == SHN_UNDEF)
                note_taken(module, name);
        }
    }
    return true;
}

static bool shows_operators(const struct module *module) {
    for (size_t i = 1; i < module->symbol_count; i++) {
        const Elf64_Sym *symbol = &module->symbols[i];
        if (symbol->st_shndx != SHN_UNDEF && is_operator(module->names + symbol->st_name))
            return true;
    }
    return false;
}

static bool may_hide_operators(const struct module *module) {
    if (!module->takes_runtime || !module->takes_malloc)
        return false;
    return !module->takes_new || (module->takes_aligned_malloc && !module->takes_aligned_new);
}

static int look_at_module(struct dl_phdr_info *info, size_t bytes, void *answer) {
    static const char *const runtimes[] = {"libstdc++.so.", "libc++.so.", "libc++abi.so.",
                                           "libgcc_s.so."};
    struct module            module;
    bool                     is_fine = bytes >= sizeof *info && info->dlpi_subs == 0;
    if (is_fine && (!read_module(info, &module) || os_is_in_our_object(module.start)))
        return 0;
    is_fine = is_fine && look_at_bindings(&module);
    if (is_fine && !STARTS_WITH_ANY_OF(module.name, runtimes))
        is_fine = !shows_operators(&module) && !may_hide_operators(&module);
    *(bool *)answer = is_fine;
    return !is_fine;
}

bool os_operators_are_ours(void) {
    bool answer = true;
    dl_iterate_phdr(look_at_module, &answer);
    return answer;
}
