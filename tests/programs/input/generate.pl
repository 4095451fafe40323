# generate.pl FOLDER - writes generated.c and templates.cc, one program: many functions with
# switches, structures and tables, and templates over the containers of the C++ library.
use strict;
use warnings;

my $state = 11;

sub draw {
    $state = ($state * 1103515245 + 12345) % 2147483648;
    return int($state / 65536) % $_[0];
}

# One structure, one table and one function, which calls an earlier one.
sub c_unit {
    my ($i) = @_;
    my @types = (qw(int long char double), $i ? "struct s" . ($i - 1) . " *" : ());
    my $fields = join ' ', map { $types[draw(scalar @types)] . " f$_;" } 0 .. 3 + draw(5);
    my $table = join ', ', map { draw(1000) } 0 .. 50;
    my $cases = join "\n", map {
        "    case $_: s.key += table$i\[" . draw(51) . "] * (int)(x ^ " . draw(99) . "); break;"
    } 0 .. 22;
    my $other = $i ? "work" . draw($i) . "(x / 2 + s.key % 7, text) + " : '';
    return <<"END";
struct s$i { int key; $fields };
static const int table$i\[] = {$table};
static long work$i(long x, const char *text)
{
    struct s$i s;
    memset(&s, 0, sizeof s);
    s.key = (int)(x % 97);
    switch (x % 23) {
$cases
    }
    for (int i = 0; i < 51; i++) s.key ^= table$i\[i] << (x & 7);
    return ${other}s.key + (long)strlen(text);
}
END
}

# A function over a map of shared vectors of TYPE and a hash map of closures.
sub template_unit {
    my ($i, $type, $key) = @_;
    return <<"END";
static long part$i(int n)
{
    std::map<$type, std::shared_ptr<std::vector<$type>>> m;
    std::unordered_map<std::string, std::function<long(long)>> f;
    for (int i = 0; i < n; i++) {
        auto &v = m[$key];
        if (!v) v = std::make_shared<std::vector<$type>>();
        v->push_back($key);
        f[std::to_string(i % 50)] = [i](long y) { return y + i * $i; };
    }
    long sum = 0;
    for (auto &e : m) {
        std::sort(e.second->begin(), e.second->end());
        sum += (long)e.second->size();
    }
    for (int i = 0; i < 50; i++) sum = f[std::to_string(i)](sum);
    return sum;
}
END
}

my $last = 24;
open my $c, '>', "$ARGV[0]/generated.c" or die $!;
print $c "#include <$_>\n" for qw(stdio.h stdlib.h string.h math.h);
print $c c_unit($_) for 0 .. $last;
print $c "long cxx(int n);\nint main(void)\n{\n    long sum = 0;\n";
print $c "    sum += work$_(sum % 1000 + $_, \"text $_ of the table\");\n" for 0 .. $last;
print $c "    printf(\"%ld %ld\\n\", sum, cxx(500));\n    return 0;\n}\n";
close $c or die $!;

open my $x, '>', "$ARGV[0]/templates.cc" or die $!;
print $x "#include <$_>\n" for qw(algorithm functional map memory string unordered_map vector);
print $x <<'END';
template <int N> struct tower {
    tower<N - 1> below;
    std::vector<std::string> words;
    long fill(int n)
    {
        for (int i = 0; i < n % (N + 3); i++) words.push_back(std::string(N, 'x'));
        return below.fill(n) + (long)words.size() * N;
    }
};
template <> struct tower<0> { long fill(int n) { return n; } };
END
print $x template_unit(0, 'std::string', 'std::to_string(i * 7919 % 1009)');
print $x template_unit(1, 'long', '(long)(i * 7919 % 1009)');
print $x <<'END';
extern "C" long cxx(int n)
{
    tower<12> t;
    return t.fill(n) + part0(n) + part1(n);
}
END
close $x or die $!;
