# generate.pl FOLDER - writes generated.c and templates.cc, one program: many functions with
# switches, structures and tables, and templates over the containers of the C++ library.
use strict;
use warnings;

my $state = 11;
sub draw { $state = ($state * 1103515245 + 12345) % 2147483648; return int($state / 65536) % $_[0]; }

open my $c, '>', "$ARGV[0]/generated.c" or die $!;
print $c "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n";
for my $i (0 .. 24) {
    my @fields = map { (qw(int long char double), "struct s" . ($i - 1))[$i ? draw(5) : draw(4)] . " f$_;" } 0 .. 3 + draw(5);
    @fields = map { /struct/ ? (s/ f/ *f/r) : $_ } @fields;
    print $c "struct s$i { int key; @fields };\n";
    print $c "static const int table$i\[] = {", join(', ', map { draw(1000) } 0 .. 50), "};\n";
    print $c "static long work$i(long x, const char *text)\n{\n    struct s$i s;\n    memset(&s, 0, sizeof s);\n";
    print $c "    s.key = (int)(x % 97);\n    switch (x % 23) {\n";
    print $c "    case $_: s.key += table$i\[", draw(51), "] * (int)(x ^ ", draw(99), "); break;\n" for 0 .. 22;
    print $c "    }\n    for (int i = 0; i < 51; i++) s.key ^= table$i\[i] << (x & 7);\n";
    print $c "    return ", ($i ? "work" . draw($i) . "(x / 2 + s.key % 7, text) + " : ''), "s.key + (long)strlen(text);\n}\n";
}
print $c "long cxx(int n);\nint main(void)\n{\n    long sum = 0;\n";
print $c "    sum += work$_(sum % 1000 + $_, \"text $_ of the table\");\n" for 0 .. 24;
print $c "    printf(\"%ld %ld\\n\", sum, cxx(500));\n    return 0;\n}\n";
close $c;

open my $x, '>', "$ARGV[0]/templates.cc" or die $!;
print $x "#include <$_>\n" for qw(algorithm functional map memory string unordered_map vector);
print $x "template <int N> struct tower { tower<N - 1> below; std::vector<std::string> words;\n",
    "    long fill(int n) { for (int i = 0; i < n % (N + 3); i++) words.push_back(std::string(N, 'x'));\n",
    "        return below.fill(n) + (long)words.size() * N; } };\n",
    "template <> struct tower<0> { long fill(int n) { return n; } };\n";
for my $i (0 .. 1) {
    my $type = (qw(std::string int long double))[$i % 4];
    my $key = $type eq 'std::string' ? 'std::to_string(i * 7919 % 1009)' : "($type)(i * 7919 % 1009)";
    print $x "static long part$i(int n)\n{\n    std::map<$type, std::shared_ptr<std::vector<$type>>> m;\n",
        "    std::unordered_map<std::string, std::function<long(long)>> f;\n",
        "    for (int i = 0; i < n; i++) {\n        auto &v = m[$key];\n",
        "        if (!v) v = std::make_shared<std::vector<$type>>();\n        v->push_back($key);\n",
        "        f[std::to_string(i % 50)] = [i](long y) { return y + i * $i; };\n    }\n",
        "    long sum = 0;\n    for (auto &e : m) { std::sort(e.second->begin(), e.second->end());",
        " sum += (long)e.second->size(); }\n    for (int i = 0; i < 50; i++) sum = f[std::to_string(i)](sum);\n",
        "    return sum;\n}\n";
}
print $x 'extern "C" long cxx(int n)', "\n{\n    tower<12> t;\n    return t.fill(n)", (map { " + part$_(n)" } 0 .. 1), ";\n}\n";
close $x;
