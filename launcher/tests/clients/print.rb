# Prints the payloads of three UDP datagrams over IPv4, with pcaprub.
require 'pcaprub'

device, expression = ARGV
capture = PCAPRUB::Pcap.open_live(device, 65_535, false, 100)
capture.setfilter(expression)
warn 'ready'
packets = 0
while packets < 3
  data = capture.next
  next sleep(0.01) if data.nil?

  puts data.byteslice(28..)
  packets += 1
end
