// Prints the payloads of three UDP datagrams over IPv4: libpcap by koffi, loaded by its name.
const koffi = require('koffi');

const pcap = koffi.load('libpcap.so.0.8');
koffi.opaque('pcap_t');
koffi.struct('header', { seconds: 'long', fraction: 'long', caplen: 'uint32', len: 'uint32' });
koffi.struct('program', { length: 'uint', instructions: 'void *' });
const open = pcap.func('pcap_t *pcap_open_live(const char *, int, int, int, _Out_ uint8 *)');
const compile = pcap.func('int pcap_compile(pcap_t *, _Out_ program *, const char *, int, uint32)');
const setfilter = pcap.func('int pcap_setfilter(pcap_t *, program *)');
const next = pcap.func('void *pcap_next(pcap_t *, _Out_ header *)');
const geterr = pcap.func('const char *pcap_geterr(pcap_t *)');

const [device, expression] = process.argv.slice(2);
const error = Buffer.alloc(256);
const p = open(device, 65535, 0, 100, error);
if (p === null) throw new Error(error.toString());
const program = {};
if (compile(p, program, expression, 1, 0) !== 0) throw new Error(geterr(p));
if (setfilter(p, program) !== 0) throw new Error(geterr(p));
console.error('ready');
for (let packets = 0; packets < 3;) {
  const header = {};
  const data = next(p, header);
  if (data === null) continue;
  console.log(Buffer.from(koffi.decode(data, 'uint8', header.caplen)).toString('latin1', 28));
  packets += 1;
}
