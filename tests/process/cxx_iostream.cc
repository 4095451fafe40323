// tests/process/cxx_iostream.cc - a C++ program with streams, threads, exceptions, thread_local
// objects and static destructors.
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test.h"

namespace {

constexpr int kThreads = 6, kRounds = 300;

// Lives until after main; its destructor frees what the program built up.
struct registry {
    std::map<std::string, std::vector<int>> table;
    ~registry() {
        if (table.size() != 2000)
            _exit(97);
    }
};

registry global_registry;

thread_local std::vector<std::string> thread_words;

std::string describe(int number) {
    std::ostringstream stream;
    stream << "number " << number << ' ' << std::string(static_cast<size_t>(number % 100), 'x');
    return stream.str();
}

// An exception is an allocation too, made by the C++ runtime.
int throw_and_catch(int number) {
    try {
        throw std::runtime_error(describe(number));
    } catch (const std::exception &error) {
        return static_cast<int>(std::string(error.what()).size());
    }
}

void work(int *sum) {
    for (int i = 0; i < kRounds; i++) {
        thread_words.push_back(describe(i));
        *sum += throw_and_catch(i);
        auto shared = std::make_shared<std::map<int, std::string>>();
        for (int j = 0; j < 20; j++)
            (*shared)[j] = thread_words.back();
        CHECK((*shared)[7] == thread_words.back());
    }
}

}  // namespace

int main() {
    test_watchdog(30);
    test_need_tide();
    int                      sums[kThreads] = {};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; i++)
        threads.emplace_back(work, &sums[i]);
    for (auto &thread : threads)
        thread.join();
    for (int i = 1; i < kThreads; i++)
        CHECK_EQ(sums[i], sums[0]);
    for (int i = 0; i < 2000; i++)
        global_registry.table[describe(i)].assign(50, i);
    std::istringstream input("3 4 5");
    int                a = 0, b = 0, c = 0;
    input >> a >> b >> c;
    std::cout << "sum " << a + b + c << ' ' << sums[0] << std::endl;
    CHECK_EQ(a + b + c, 12);
    return 0;
}
