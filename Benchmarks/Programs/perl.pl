# Words of a text: hashes, regular expressions, sorting, string building, subroutines. ARGV: the text, rounds. No modules, because
# their folders are compiled in.
my ($path, $rounds) = @ARGV;
my $sum = 0;
sub mix { my ($a, $b) = @_; return ($a * 31 + $b) % 4294967291 }
for my $round (1 .. $rounds) {
    open my $file, '<', $path or die "cannot read $path\n";
    my (%count, %by_length, $numbers, $changed);
    while (my $line = <$file>) {
        chomp $line;
        my @words = split ' ', $line;
        $count{lc $_}++ for @words;
        push @{ $by_length{length $words[0]} }, $words[0];
        $numbers += $1 if $line =~ /\b(\d+)\b/;
        $changed++ while $line =~ /([aeiou])[^aeiou\d\s]{1,2}\1/g;
        (my $copy = $line) =~ s/(\w+) (\d+)/$2-$1/;
        $sum = mix($sum, ord(substr $copy, -1) + length $copy);
    }
    my @best = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
    my $text = join ',', map { sprintf '%s:%d', $_, $count{$_} } @best[0 .. 40];
    $sum = mix($sum, unpack '%32C*', $text);
    $sum = mix($sum, scalar @{ $by_length{$_} }) for sort { $a <=> $b } keys %by_length;
    $sum = mix(mix($sum, $numbers), $changed);
}
print "$sum\n";
