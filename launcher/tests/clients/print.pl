# Prints the payloads of three UDP datagrams over IPv4, with Net::Pcap.
use strict;
use warnings;
use Net::Pcap;

my ($device, $expression) = @ARGV;
my ($error, $filter);
my $p = Net::Pcap::open_live($device, 65535, 0, 100, \$error) or die "$error\n";
Net::Pcap::compile($p, \$filter, $expression, 1, 0) == 0 or die Net::Pcap::geterr($p);
Net::Pcap::setfilter($p, $filter) == 0 or die Net::Pcap::geterr($p);
print STDERR "ready\n";
$| = 1;
Net::Pcap::loop($p, 3, sub { print substr($_[2], 28), "\n" }, undef);
Net::Pcap::close($p);
