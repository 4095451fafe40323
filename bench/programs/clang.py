# bench/programs/clang.py - clang++ compiles one generated file that includes much of the C++
# library and instantiates its templates over types of its own.
from .shared.command import Command
from .shared.draw import Draw
from .shared.program import digest_of_file

UNITS = 3
HEADERS = ("algorithm", "functional", "iostream", "map", "memory", "numeric", "regex", "set",
           "sstream", "string", "thread", "tuple", "unordered_map", "variant", "vector")

UNIT = """
struct key{n} {{
    int a; std::string b;
    bool operator<(const key{n} &o) const {{ return std::tie(a, b) < std::tie(o.a, o.b); }}
    bool operator==(const key{n} &o) const {{ return a == o.a && b == o.b; }}
}};
struct hash{n} {{
    size_t operator()(const key{n} &k) const {{ return std::hash<std::string>()(k.b) + {c} * k.a; }}
}};
using value{n} = std::variant<int, double, std::string, std::shared_ptr<std::vector<key{n}>>>;
template <int depth> struct tower{n} {{
    static constexpr long sum = depth * {c} % {d} + tower{n}<depth - 1>::sum;
}};
template <> struct tower{n}<0> {{ static constexpr long sum = {d}; }};
long part{n}(int count) {{
    std::map<key{n}, value{n}> ordered;
    std::unordered_map<key{n}, std::set<key{n}>, hash{n}> hashed;
    std::function<long(const key{n} &)> weigh =
        [&](const key{n} &k) {{ return k.a % {d} + count; }};
    for (int i = 0; i < count; i++) {{
        key{n} k{{i % {c}, std::to_string(i * {d})}};
        ordered[k] = std::make_shared<std::vector<key{n}>>(3, k);
        hashed[k].insert(k);
    }}
    std::ostringstream out;
    long sum = tower{n}<200>::sum;
    for (auto &entry : ordered)
        sum += std::visit([&](auto &v) -> long {{ return (long)sizeof v + weigh(entry.first); }},
                          entry.second);
    std::vector<std::pair<key{n}, long>> pairs;
    for (auto &[k, s] : hashed) pairs.emplace_back(k, std::accumulate(s.begin(), s.end(), 0L,
        [&](long t, const key{n} &x) {{ return t + weigh(x); }}));
    std::stable_sort(pairs.begin(), pairs.end(),
        [](auto &x, auto &y) {{ return x.first < y.first; }});
    for (auto &[k, t] : pairs) out << k.a << ' ' << k.b << ' ' << t << '\\n';
    return sum + (long)std::regex_replace(out.str(), std::regex("[0-9]{{{w}}}"), "#").size();
}}
"""


class Clang(Command):
    name = "clang"
    what = "clang++ -O1: one file with much of the C++ library and templates over its own types"
    packages = ("clang", "g++")
    binary = "clang++"

    def make_inputs(self):
        draw = Draw(3)
        units = [UNIT.format(n=number, c=3 + draw.below(90), d=5 + draw.below(900),
                             w=1 + draw.below(3)) for number in range(self.scaled(UNITS))]
        self.write("unit.cc", "".join(f"#include <{name}>\n" for name in HEADERS) + "".join(units))

    def command(self):
        return ["clang++", "-std=c++17", "-O1", "-c", "-o", "unit.o", self.path("unit.cc")]

    def answer(self):
        return digest_of_file(self.path("run", "unit.o"))


def programs(scale=1.0):
    return [Clang(scale)]
