// tests/process/helpers/families.cc - a C++ program in a process that tells families of functions.
//
// families: it makes mistakes, each in a process of its own, which has to end by SIGABRT.
// families told PLUGIN: the same, with that library loaded.
// families mixes PLUGIN [deepbind]: the two exchange blocks, and no process ends.
// families gone PLUGIN: its blocks are deleted when the library is closed.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/test.h"

namespace {

const std::size_t sizes[] = {1, 60, 5000, 200 * 1000};
const std::size_t guarded_max = 64 * 1024;

void mix_new_free(std::size_t bytes) {
    std::free(test_hide(::operator new(bytes)));
}
void mix_new_realloc(std::size_t bytes) {
    std::free(std::realloc(test_hide(::operator new(bytes)), 2 * bytes));
}
void mix_malloc_delete(std::size_t bytes) {
    ::operator delete(test_hide(std::malloc(bytes)));
}
void mix_array_delete(std::size_t bytes) {
    ::operator delete(test_hide(::operator new[](bytes)), bytes);
}
void mix_new_array(std::size_t bytes) {
    ::operator delete[](test_hide(::operator new(bytes)));
}
void (*const mistakes[])(std::size_t) = {mix_new_free, mix_new_realloc, mix_malloc_delete,
                                         mix_array_delete, mix_new_array};

bool is_told(void (*mistake)(std::size_t), std::size_t bytes) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        const rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        mistake(bytes);
        _exit(0);
    }
    int status = 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

void use_rightly() {
    std::vector<std::unique_ptr<std::vector<long>>> rows;
    for (int i = 0; i < 1000; i++)
        rows.push_back(std::make_unique<std::vector<long>>(static_cast<std::size_t>(i)));
}

void expect_told() {
    for (auto mistake : mistakes)
        for (std::size_t bytes : sizes)
            if (bytes <= guarded_max || std::getenv("TIDE_HARDENED") != nullptr)
                CHECK(is_told(mistake, bytes));
}

void *open_plugin(const char *path, int flags) {
    void *plugin = dlopen(path, RTLD_NOW | flags);
    if (plugin == nullptr)
        test_fail(__FILE__, __LINE__, dlerror());
    return plugin;
}

void exchange(void *plugin) {
    auto *its_new = reinterpret_cast<void *(*)(std::size_t)>(dlsym(plugin, "families_new"));
    auto *its_delete = reinterpret_cast<void (*)(void *)>(dlsym(plugin, "families_delete"));
    CHECK(its_new != nullptr && its_delete != nullptr);
    for (std::size_t bytes : sizes) {
        ::operator delete(test_hide(its_new(bytes)));
        its_delete(test_hide(::operator new(bytes)));
        its_delete(test_hide(its_new(bytes)));
    }
}

void outlive(void *plugin) {
    auto *its_new = reinterpret_cast<void *(*)(std::size_t)>(dlsym(plugin, "families_new"));
    CHECK(its_new != nullptr);
    void *block = its_new(60);
    CHECK_EQ(dlclose(plugin), 0);
    ::operator delete(test_hide(block));
}

}  // namespace

int main(int argc, char **argv) {
    test_need_tide();
    use_rightly();
    const char *mode = argc > 1 ? argv[1] : "told";
    void       *plugin = argc > 2 ? open_plugin(argv[2], argc > 3 ? RTLD_DEEPBIND : 0) : nullptr;
    if (std::strcmp(mode, "gone") == 0)
        outlive(plugin);
    else if (plugin)
        exchange(plugin);
    if (std::strcmp(mode, "told") == 0)
        expect_told();
    return 0;
}
