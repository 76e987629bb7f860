# set: small
# seconds: 60
perl -we '
use strict; use POSIX qw(floor :sys_wait_h); use Socket; use List::Util qw(sum shuffle); use Time::HiRes qw(usleep);
my %h; $h{$_ % 97} += $_ for 1 .. 100000; print join(",", map { "$_=$h{$_}" } (sort { $a <=> $b } keys %h)[0 .. 2]), "\n";
my $text = join " ", 1 .. 5000; my $n = () = $text =~ /\b(\d)\d*\1\b/g; print "matches $n\n";
my @k = map { my $pid = fork; die unless defined $pid; if (!$pid) { usleep 1000; exit 10 + $_ } $pid } 1 .. 4;
print join(",", map { waitpid $_, 0; $? >> 8 } @k), "\n";
socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0 or die; if (!fork) { close $a; print $b "from child\n"; exit } close $b; print scalar <$a>; wait;
local $SIG{ALRM} = sub { die "alarm\n" }; eval { Time::HiRes::alarm(0.05); select undef, undef, undef, 5 }; print $@;
printf "%.15g %s %s %d\n", atan2(1, 1) * 4, 1e21, 9**20, floor(-2.5); print sprintf("%vd", "1.22.333"), " ", pack("nNvV", 1, 2, 3, 4) =~ s/(.)/sprintf "%02x", ord $1/gser, "\n";
my $re = qr/^(?:(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|\d+)\s*;?\s*)+$/; print "config\n" if "a = 1; b = \"x\\\"y\"" =~ $re;
open my $p, "-|", "echo piped; exit 3" or die; print <$p>; close $p; print $? >> 8, "\n"; print `printf backticks`, "\n";
sub fact { my $n = shift; $n < 2 ? 1 : $n * fact($n - 1) } print fact(20), "\n"; print scalar reverse("dlrow"), "\n"; print "ok\n" if eval { die { code => 5 } ; 1 } || $@->{code} == 5; kill USR1 => $$ if ($SIG{USR1} = sub { print "usr1\n" });
'
perl -MDigest::SHA=sha256_hex -MMIME::Base64 -MStorable=freeze,thaw -MData::Dumper -e '$Data::Dumper::Sortkeys=1; $Data::Dumper::Indent=0; print sha256_hex("x"), encode_base64("y"), Dumper(thaw(freeze({a=>[1,2],b=>{c=>3}}))), "\n"'
