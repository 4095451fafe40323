# history.pl - prints a stream for git fast-import: 400 commits on one branch, each changing a few
# of 60 files of a text from a fixed generator.
use strict;
use warnings;

my $state = 7;

sub draw {
    $state = ($state * 1103515245 + 12345) % 2147483648;
    return int($state / 65536) % $_[0];
}

my @files = map { [ map { "line $_ of value " . draw(100000) } 1 .. 60 + draw(400) ] } 1 .. 60;
for my $commit (1 .. 400) {
    my $message = "change number $commit\n";
    print "commit refs/heads/imported\n";
    print "committer Some One <one\@example.org> ", 1_600_000_000 + $commit * 3600, " +0000\n";
    print "data ", length $message, "\n$message";
    for my $file ($commit == 1 ? 0 .. 59 : map { draw(60) } 0 .. 4) {
        my $lines = $files[$file];
        splice @$lines, draw(scalar @$lines), draw(3), map { "new " . draw(1e6) } 0 .. draw(5);
        my $text = join("\n", @$lines) . "\n";
        print "M 100644 inline dir", $file % 7, "/file$file.txt\ndata ", length $text, "\n$text";
    }
    print "\n";
}
