# threads.pl - interpreter threads: each clones the whole interpreter with its data, works on its
# copy and dies; a queue carries the results.
use strict;
use warnings;
use threads;
use Thread::Queue;

my %shared_shape = map { $_ => [ map { "item$_" } 0 .. $_ % 7 ] } 1 .. 3000;
my $queue = Thread::Queue->new;

sub work {
    my ($id) = @_;
    my $sum = 0;
    for my $key (keys %shared_shape) {
        push @{ $shared_shape{$key} }, "thread$id";
        $sum += length join ',', @{ $shared_shape{$key} };
    }
    my @list = sort map { $_ * 7919 % 10007 . "x$id" } 1 .. 5000;
    $queue->enqueue("$id $sum $list[0] $list[-1]");
    return scalar @list;
}

for my $round (1 .. 5) {
    my @threads = map { threads->create(\&work, "$round$_") } 1 .. 4;
    print "round $round: ", join(' ', map { $_->join } @threads), "\n";
}
$queue->end;
my @results;
while (defined(my $line = $queue->dequeue)) { push @results, $line }
print "$_\n" for sort @results;
print join(',', @{ $shared_shape{6} }), "\n";
