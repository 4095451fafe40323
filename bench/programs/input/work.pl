# bench/programs/input/work.pl ROUNDS - what perl does: text in, an index of its words, reports
# out, with a part of the index living on from round to round. Prints check sums.
use strict;
use warnings;

my $state = 3;
my @syllables = qw(ka lo mi ter san vel or ni dra pe sto ul gri ban ex fo qui ja hem wy);

sub draw {
    $state = ($state * 1103515245 + 12345) & 0x7fffffff;
    return ($state >> 8) % $_[0];
}

sub word {
    return join '', map { $syllables[draw(20)] } 0 .. draw(4);
}

sub text {
    my ($lines) = @_;
    my $text = '';
    for (1 .. $lines) {
        $text .= join(' ', map { word() } 0 .. 3 + draw(12)) . "; n=" . draw(10000) . "\n";
    }
    return $text;
}

my %index;
my ($checked, $numbers) = (0, 0);
for my $round (1 .. $ARGV[0]) {
    my $text = text(9000);
    my $number = 0;
    for my $line (split /\n/, $text) {
        $number++;
        my ($words, $n) = $line =~ /^(.*); n=(\d+)$/ or die;
        $numbers += $n;
        for my $word (split ' ', $words) {
            push @{ $index{$word}{lines} }, "$round:$number";
            $index{$word}{count}++;
        }
    }
    (my $changed = $text) =~ s/\b(\w)(\w*)\b/\U$1\E$2/g;
    my %by_length;
    push @{ $by_length{length $_} }, $_ for keys %index;
    my $report = '';
    for my $length (sort { $a <=> $b } keys %by_length) {
        $report .= "$length\t" . join(',', sort @{ $by_length{$length} }) . "\n";
    }
    my @top = (sort { $index{$b}{count} <=> $index{$a}{count} || $a cmp $b } keys %index)[0 .. 99];
    $report .= sprintf "%-20s %8d %s\n", $_, $index{$_}{count},
        join('/', @{ $index{$_}{lines} }[0 .. 2]) for @top;
    $checked = ($checked * 31 + unpack '%32C*', $report . $changed) & 0xffffffff;
    delete @index{ grep { draw(3) == 0 } sort keys %index };
}
print "$checked $numbers ", scalar(keys %index), "\n";
