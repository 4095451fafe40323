# words.pl - makes a text from a fixed generator and works on it: counting in hashes, matching,
# substituting, sorting by several keys, nested structures, closures, pack. Prints digests.
use strict;
use warnings;
use Digest::SHA qw(sha1_hex);
use Encode qw(encode decode);

my $state = 2024;

sub draw {
    $state = ($state * 1103515245 + 12345) % 2147483648;
    return int($state / 65536) % $_[0];
}

my @syllables = qw(ba ne ti lo ru mar sen dov kal wix jup zeh);
my @words = map { join '', map { $syllables[draw(12)] } 0 .. draw(5) } 1 .. 3000;
my $text = join '', map { $words[draw(3000)] . (draw(9) ? ' ' : ".\n") } 1 .. 60_000;
print "text ", length $text, ' ', sha1_hex($text), "\n";

my (%count, %where);
while ($text =~ /\b(\w+)\b/g) {
    $count{$1}++;
    push @{ $where{$1} }, pos $text;
}
my @best = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print "$_ $count{$_} $where{$_}[-1]\n" for @best[0 .. 9];

(my $changed = $text) =~ s/(\w)(\w+?)(ba|ne)(\w*)/\u$1<$3>\L$4$2/g;
print "changed ", sha1_hex($changed), "\n";
my %pairs;
$pairs{"$1-$2"}++ while $text =~ /(?=\b(\w{4,})\s+(\w{4,})\b)/g;
my @pairs = map { "$_$pairs{$_}" } sort keys %pairs;
print "pairs ", scalar @pairs, ' ', sha1_hex("@pairs"), "\n";

my %tree;
for my $word (@best) {
    my $node = \%tree;
    $node = $node->{$_} //= {} for split //, $word;
    $node->{end} = { count => $count{$word}, at => [ @{ $where{$word} } ] };
}
my $walk;
$walk = sub {
    my ($node, $depth) = @_;
    my $sum = $node->{end} ? $node->{end}{count} * $depth : 0;
    $sum += $walk->($node->{$_}, $depth + 1) for grep { $_ ne 'end' } sort keys %$node;
    return $sum;
};
print "tree ", $walk->(\%tree, 1), "\n";

my @lines = split /\n/, $text;
my @order = map { $_->[1] } sort { $a->[0] <=> $b->[0] or $a->[1] cmp $b->[1] }
    map { [ length, $_ ] } @lines;
print "order ", sha1_hex(join "\n", @order), "\n";
my $packed = join '', map { pack 'N n/a* C', $count{$_}, $_, length } @best;
my @unpacked = unpack '(N n/a* C)*', $packed;
print "packed ", length $packed, ' ', sha1_hex("@unpacked"), "\n";

my @greek = map { chr(0x3b1 + draw(24)) x (1 + draw(6)) } 1 .. 20_000;
my $wide = decode('UTF-8', encode('UTF-8', "@greek"));
my %letters;
$letters{$_}++ for split //, $wide;
print "wide ", length $wide, "\n";
printf "%x %d\n", ord, $letters{$_} for sort keys %letters;

my $grown = '';
$grown .= chr(97 + $_ % 26) x ($_ % 700) for 1 .. 8000;
substr($grown, $_ * 100, 10) = 'xy' x ($_ % 9) for 1 .. 2000;
print "grown ", length $grown, ' ', sha1_hex($grown), "\n";
%count = %where = %pairs = ();
undef %tree;
print "end\n";
