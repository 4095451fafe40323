// bench/workloads/containers.cc - the standard containers of C++, as programs use them.
//
// A container step checks what it takes out against what was put in. Operations are those of the
// container (a lookup with its insertion or removal, a string built, an element added), not calls
// of malloc: the calls each one makes are the library's business, and part of what is measured.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/random.h"
#include "harness/workload.h"
#include "workloads/checked.h"
#include "workloads/queue.h"

extern "C" {
extern const struct workload workload_containers_map, workload_containers_unordered_map,
    workload_containers_strings, workload_containers_vectors, workload_containers_lists,
    workload_containers_shared_ptr;
}

namespace {

template <class State> void *state_new(unsigned) {
    return new State;
}
template <class State> void state_delete(void *state) {
    delete static_cast<State *>(state);
}
void require(bool holds, const char *what) {
    if (!holds)
        workload_fail(what, nullptr);
}

// --- map: a table in order, half full, where a random key comes or goes.

constexpr unsigned KEYS = 4096, MAP_STEP = 256, VALUE_BYTES = 64;

using ordered = std::map<int, std::string>;

uint64_t map_step(void *state, bench_thread *thread) {
    auto &table = *static_cast<ordered *>(state);
    for (unsigned i = 0; i < MAP_STEP; i++) {
        int  key = static_cast<int>(random_below(thread, KEYS));
        auto at = table.lower_bound(key);
        if (at != table.end() && at->first == key) {
            require(at->second.front() == 'a' + key % 26, "a value of the map was overwritten");
            table.erase(at);
        } else {
            size_t length = 1 + random_below(thread, VALUE_BYTES);
            table.emplace_hint(at, key, std::string(length, static_cast<char>('a' + key % 26)));
        }
    }
    return MAP_STEP;
}

// --- unordered_map: sessions by name. From time to time the whole table goes, as a cache that is
// flushed, and grows anew through all its sizes.

constexpr unsigned SESSIONS = 8192, SESSION_STEP = 256, STEPS_TO_FLUSH = 64;

struct sessions {
    std::unordered_map<std::string, uint64_t> table;
    unsigned                                  steps = 0;
};

std::string session_name(uint64_t number) {
    char   name[32];
    size_t end = sizeof name;
    for (unsigned i = 0; i < 8; i++, number >>= 4)
        name[--end] = "0123456789abcdef"[number & 15];
    static const char prefix[] = "session:user:";
    end -= sizeof prefix - 1;
    std::copy_n(prefix, sizeof prefix - 1, name + end);
    return std::string(name + end, sizeof name - end);
}
uint64_t unordered_map_step(void *state, bench_thread *thread) {
    auto &live = *static_cast<sessions *>(state);
    for (unsigned i = 0; i < SESSION_STEP; i++) {
        uint64_t number = random_below(thread, SESSIONS);
        auto [at, added] = live.table.try_emplace(session_name(number), number);
        if (!added) {
            require(at->second == number, "a value of the unordered_map was overwritten");
            live.table.erase(at);
        }
    }
    if (++live.steps % STEPS_TO_FLUSH == 0)
        decltype(live.table)().swap(live.table);
    return SESSION_STEP;
}

// --- strings: a line of text is built field by field, split again and compared.

constexpr unsigned LINES = 8, FIELDS = 24, FIELD_BYTES = 48;

std::string line_build(bench_thread *thread, std::vector<std::string> &fields) {
    std::string line;
    for (unsigned i = 0; i < FIELDS; i++) {
        size_t      length = 1 + random_below(thread, FIELD_BYTES);
        std::string field(length, static_cast<char>('a' + i));
        line += field + '\t';
        fields.push_back(std::move(field));
    }
    return line;
}
std::vector<std::string> line_split(const std::string &line) {
    std::vector<std::string> fields;
    size_t                   from = 0;
    for (size_t tab; (tab = line.find('\t', from)) != std::string::npos; from = tab + 1)
        fields.push_back(line.substr(from, tab - from));
    return fields;
}
uint64_t strings_step(void *, bench_thread *thread) {
    for (unsigned i = 0; i < LINES; i++) {
        std::vector<std::string> fields;
        std::string              line = line_build(thread, fields);
        require(line_split(line) == fields, "a string was overwritten");
    }
    return LINES;
}

// --- vectors: lists of neighbours of a graph grow edge by edge, without a size known before; names
// of its nodes are collected and sorted.

constexpr unsigned NODES = 64, EDGES = 2048, NAMES = 64;

uint64_t graph_build(bench_thread *thread) {
    std::vector<std::vector<uint32_t>> neighbours;
    for (unsigned node = 0; node < NODES; node++)
        neighbours.emplace_back();
    for (uint32_t edge = 0; edge < EDGES; edge++)
        neighbours[random_below(thread, NODES)].push_back(edge);
    size_t edges = 0;
    for (auto &list : neighbours) {
        require(std::is_sorted(list.begin(), list.end()), "a vector was overwritten");
        edges += list.size();
    }
    require(edges == EDGES, "a vector lost elements");
    return EDGES;
}
uint64_t vectors_step(void *, bench_thread *thread) {
    std::vector<std::string> names;
    for (unsigned i = 0; i < NAMES; i++)
        names.push_back(session_name(random_next(thread)));
    std::sort(names.begin(), names.end());
    require(std::is_sorted(names.begin(), names.end()), "a sorted string was overwritten");
    return NAMES + graph_build(thread);
}

// --- lists: requests wait in a deque, are at work in a list, and leave it in any order.

constexpr unsigned WAITING = 512, WORKING = 64, REQUESTS = 256;

struct request {
    uint64_t          number;
    std::vector<char> body;
};
struct line_of_requests {
    std::deque<std::unique_ptr<request>> waiting;
    std::list<std::unique_ptr<request>>  working;
    uint64_t                             arrived = 0, begun = 0;
};

void request_arrives(line_of_requests &line, bench_thread *thread) {
    size_t bytes = random_size(thread, 16, 512);
    char   mark = static_cast<char>(line.arrived);
    line.waiting.push_back(
        std::make_unique<request>(request{line.arrived++, std::vector<char>(bytes, mark)}));
}
void request_begins(line_of_requests &line) {
    require(line.waiting.front()->number == line.begun++, "a deque lost its order");
    line.working.push_back(std::move(line.waiting.front()));
    line.waiting.pop_front();
}
void request_ends(line_of_requests &line, bench_thread *thread) {
    auto at = std::next(line.working.begin(), static_cast<int>(random_below(thread, 8)));
    require((*at)->body.back() == static_cast<char>((*at)->number), "a request was overwritten");
    line.working.erase(at);
}
uint64_t lists_step(void *state, bench_thread *thread) {
    auto &line = *static_cast<line_of_requests *>(state);
    for (unsigned i = 0; i < REQUESTS; i++) {
        request_arrives(line, thread);
        if (line.waiting.size() > WAITING)
            request_begins(line);
        if (line.working.size() > WORKING)
            request_ends(line, thread);
    }
    return REQUESTS;
}

// --- shared_ptr: each thread publishes documents to the next one and keeps the newest itself; who
// drops the last reference frees. The order of sending and taking is that of exchange.c's ring.

constexpr unsigned DOCUMENTS = 64, LETTERS = 64, INBOX_LETTERS = 2 * LETTERS, KEPT = 256;

struct document {
    uint64_t    number;
    std::string title;
    std::string text;
};
using letter = std::vector<std::shared_ptr<const document>>;

struct shelf {
    std::vector<std::shared_ptr<const document>> kept;
    uint64_t                                     written = 0;
};
struct library {
    explicit library(unsigned threads)
        : inboxes(queues_new(threads, INBOX_LETTERS)), shelves(threads) {
    }
    library(const library &) = delete;
    library &operator=(const library &) = delete;
    ~library() {
        queues_delete(inboxes, static_cast<unsigned>(shelves.size()));
    }
    queue             *inboxes;  // by rank
    std::vector<shelf> shelves;  // by rank; each used by its thread alone
};

void *library_setup(unsigned threads) {
    return new library(threads);
}
letter *letter_write(shelf &own, bench_thread *thread) {
    auto *written = new letter;
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        uint64_t number = own.written++;
        size_t   length = random_size(thread, 16, 512);
        auto     one = std::make_shared<const document>(
            document{number, session_name(number), std::string(length, 'a')});
        written->push_back(one);
        if (own.kept.size() < KEPT)
            own.kept.push_back(std::move(one));
        else
            own.kept[number % KEPT] = std::move(one);
    }
    return written;
}
void letter_read(std::unique_ptr<letter> taken) {
    for (auto &one : *taken) {
        require(one->title == session_name(one->number) && one->text.back() == 'a',
                "a shared document was overwritten");
        one.reset();
    }
}
uint64_t shared_ptr_step(void *state, bench_thread *thread) {
    auto    &shared = *static_cast<library *>(state);
    unsigned rank = thread->rank;
    queue   *next = &shared.inboxes[(rank + 1) % thread->count];
    for (unsigned i = 1; i <= LETTERS; i++)
        queue_put(next, letter_write(shared.shelves[rank], thread), i == LETTERS);
    for (unsigned i = 1; i <= LETTERS; i++) {
        void *taken = queue_take(&shared.inboxes[rank], i == LETTERS);
        letter_read(std::unique_ptr<letter>(static_cast<letter *>(taken)));
    }
    return uint64_t{LETTERS} * DOCUMENTS;
}

}  // namespace

const struct workload workload_containers_map = {
    .name = "containers_map",
    .family = "containers",
    .pattern = "std::map of strings: a sorted table where random keys come and go",
    .threads = ON_1,
    .quick = ON_1,
    .steps = 9000,
    .churn = UINT64_C(120) << 20,
    .solo = false,
    .apart = false,
    .setup = state_new<ordered>,
    .step = map_step,
    .counters = nullptr,
    .teardown = state_delete<ordered>,
};
const struct workload workload_containers_unordered_map = {
    .name = "containers_unordered_map",
    .family = "containers",
    .pattern = "std::unordered_map: sessions by name come and go, the whole table is flushed at"
               " times",
    .threads = ON_1,
    .quick = ON_1,
    .steps = 12000,
    .churn = UINT64_C(180) << 20,
    .solo = false,
    .apart = false,
    .setup = state_new<sessions>,
    .step = unordered_map_step,
    .counters = nullptr,
    .teardown = state_delete<sessions>,
};
const struct workload workload_containers_strings = {
    .name = "containers_strings",
    .family = "containers",
    .pattern = "std::string: lines of text are built from fields and split again",
    .threads = ON_1,
    .quick = ON_1,
    .steps = 10000,
    .churn = UINT64_C(600) << 20,
    .solo = false,
    .apart = false,
    .setup = nullptr,
    .step = strings_step,
    .counters = nullptr,
    .teardown = nullptr,
};
const struct workload workload_containers_vectors = {
    .name = "containers_vectors",
    .family = "containers",
    .pattern = "std::vector: lists of a graph grow by appending, names are collected and sorted",
    .threads = ON_1,
    .quick = ON_1,
    .steps = 9000,
    .churn = UINT64_C(270) << 20,
    .solo = false,
    .apart = false,
    .setup = nullptr,
    .step = vectors_step,
    .counters = nullptr,
    .teardown = nullptr,
};
const struct workload workload_containers_lists = {
    .name = "containers_lists",
    .family = "containers",
    .pattern = "std::deque and std::list: requests wait in order and leave the work list out of"
               " order",
    .threads = ON_1,
    .quick = 0,
    .steps = 15000,
    .churn = UINT64_C(800) << 20,
    .solo = false,
    .apart = false,
    .setup = state_new<line_of_requests>,
    .step = lists_step,
    .counters = nullptr,
    .teardown = state_delete<line_of_requests>,
};
const struct workload workload_containers_shared_ptr = {
    .name = "containers_shared_ptr",
    .family = "containers",
    .pattern = "std::shared_ptr: documents are kept by their writer and read by the next thread;"
               " the last one frees",
    .threads = ON_2 | ON_4,
    .quick = ON_4,
    .steps = 250,
    .churn = UINT64_C(350) << 20,
    .solo = false,
    .apart = false,
    .setup = library_setup,
    .step = shared_ptr_step,
    .counters = nullptr,
    .teardown = state_delete<library>,
};
