/*
 * pcap-nflog: libpcap's interface, with Linux NFLOG as a capture device.
 *
 * Every function of libpcap 1.10 and what pcap-nflog adds, pcap_nflog_*. Generated from the functions' sources.
 *
 * Beside libpcap's own header, that one declares its types. Where it is not installed, or PCAP_NFLOG_STANDALONE is
 * defined, this one does.
 */
#ifndef PCAP_NFLOG_H
#define PCAP_NFLOG_H

#ifndef PCAP_NFLOG_STANDALONE
#if defined(__has_include)
#if !__has_include(<pcap/pcap.h>)
#define PCAP_NFLOG_STANDALONE
#endif
#endif
#endif

#ifndef PCAP_NFLOG_STANDALONE
#include <pcap/pcap.h>
#include <pcap/namedb.h>
#else
#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Which packets `pcap_setdirection` chooses: of both ways, received ones, sent ones.
 */
typedef enum { PCAP_D_INOUT = 0, PCAP_D_IN, PCAP_D_OUT } pcap_direction_t;

/**
 * What the source strings of savefiles and of devices begin with: `pcap_open`.
 */
#define PCAP_SRC_FILE_STRING "file://"
#define PCAP_SRC_IF_STRING "rpcap://"

/**
 * The length of a frame check sequence: in the value of `pcap_datalink_ext`, and as such a value.
 */
#define LT_FCS_LENGTH_PRESENT(x) ((x) & 0x04000000)
#define LT_FCS_LENGTH(x) (((x) & 0xF0000000) >> 28)
#define LT_FCS_DATALINK_EXT(x) ((((x) & 0xF) << 28) | 0x04000000)

/**
 * The codes of a filter program's instructions, as linux/bpf_common.h has them.
 */
#define BPF_RELEASE 199606
#define BPF_ALIGNMENT sizeof(bpf_int32)
#define BPF_WORDALIGN(x) (((x)+(BPF_ALIGNMENT-1))&~(BPF_ALIGNMENT-1))
#define BPF_MEMWORDS 16
#define BPF_CLASS(code) ((code) & 0x07)
#define BPF_LD 0x00
#define BPF_LDX 0x01
#define BPF_ST 0x02
#define BPF_STX 0x03
#define BPF_ALU 0x04
#define BPF_JMP 0x05
#define BPF_RET 0x06
#define BPF_MISC 0x07
#define BPF_SIZE(code) ((code) & 0x18)
#define BPF_W 0x00
#define BPF_H 0x08
#define BPF_B 0x10
#define BPF_MODE(code) ((code) & 0xe0)
#define BPF_IMM 0x00
#define BPF_ABS 0x20
#define BPF_IND 0x40
#define BPF_MEM 0x60
#define BPF_LEN 0x80
#define BPF_MSH 0xa0
#define BPF_OP(code) ((code) & 0xf0)
#define BPF_ADD 0x00
#define BPF_SUB 0x10
#define BPF_MUL 0x20
#define BPF_DIV 0x30
#define BPF_OR 0x40
#define BPF_AND 0x50
#define BPF_LSH 0x60
#define BPF_RSH 0x70
#define BPF_NEG 0x80
#define BPF_MOD 0x90
#define BPF_XOR 0xa0
#define BPF_JA 0x00
#define BPF_JEQ 0x10
#define BPF_JGT 0x20
#define BPF_JGE 0x30
#define BPF_JSET 0x40
#define BPF_SRC(code) ((code) & 0x08)
#define BPF_K 0x00
#define BPF_X 0x08
#define BPF_RVAL(code) ((code) & 0x18)
#define BPF_A 0x10
#define BPF_MISCOP(code) ((code) & 0xf8)
#define BPF_TAX 0x00
#define BPF_TXA 0x80
#ifndef BPF_STMT
#define BPF_STMT(code, k) { (unsigned short)(code), 0, 0, k }
#endif
#ifndef BPF_JUMP
#define BPF_JUMP(code, k, jt, jf) { (unsigned short)(code), jt, jf, k }
#endif

/**
 * Major number of the savefile format.
 */
#define PCAP_VERSION_MAJOR 2

/**
 * Minor number of the savefile format.
 */
#define PCAP_VERSION_MINOR 4

/**
 * The size of an error buffer, in bytes.
 */
#define PCAP_ERRBUF_SIZE 256

/**
 * The size of a source string and of each of its parts, in bytes: `pcap_createsrcstr`, `pcap_parsesrcstr`.
 */
#define PCAP_BUF_SIZE 1024

/**
 * The size of a list of hosts in bytes: `pcap_remoteact_list`.
 */
#define RPCAP_HOSTLIST_SIZE 1024

/**
 * Generic error.
 */
#define PCAP_ERROR -1

/**
 * The loop was ended by `pcap_breakloop`.
 */
#define PCAP_ERROR_BREAK -2

/**
 * The capture was not activated.
 */
#define PCAP_ERROR_NOT_ACTIVATED -3

/**
 * The capture is active already.
 */
#define PCAP_ERROR_ACTIVATED -4

/**
 * No such device.
 */
#define PCAP_ERROR_NO_SUCH_DEVICE -5

/**
 * Monitor mode is not supported.
 */
#define PCAP_ERROR_RFMON_NOTSUP -6

/**
 * The capture is not in monitor mode.
 */
#define PCAP_ERROR_NOT_RFMON -7

/**
 * No permission to open the device.
 */
#define PCAP_ERROR_PERM_DENIED -8

/**
 * The interface is down.
 */
#define PCAP_ERROR_IFACE_NOT_UP -9

/**
 * The time stamp type cannot be set.
 */
#define PCAP_ERROR_CANTSET_TSTAMP_TYPE -10

/**
 * No permission for promiscuous mode.
 */
#define PCAP_ERROR_PROMISC_PERM_DENIED -11

/**
 * The time stamp precision is not supported.
 */
#define PCAP_ERROR_TSTAMP_PRECISION_NOTSUP -12

/**
 * Generic warning.
 */
#define PCAP_WARNING 1

/**
 * Promiscuous mode is not supported.
 */
#define PCAP_WARNING_PROMISC_NOTSUP 2

/**
 * The time stamp type is not supported.
 */
#define PCAP_WARNING_TSTAMP_TYPE_NOTSUP 3

/**
 * For `pcap_compile`: the network mask is not known.
 */
#define PCAP_NETMASK_UNKNOWN 4294967295

/**
 * For `pcap_nametoproto` and others: unknown, or more than one.
 */
#define PROTO_UNDEF -1

/**
 * For `pcap_init`: strings are in the local encoding.
 */
#define PCAP_CHAR_ENC_LOCAL 0

/**
 * For `pcap_init`: strings are in UTF-8.
 */
#define PCAP_CHAR_ENC_UTF_8 1

/**
 * Stamps from the host.
 */
#define PCAP_TSTAMP_HOST 0

/**
 * From the host, of low precision.
 */
#define PCAP_TSTAMP_HOST_LOWPREC 1

/**
 * From the host, of high precision.
 */
#define PCAP_TSTAMP_HOST_HIPREC 2

/**
 * From the adapter, synchronized with the host's clock.
 */
#define PCAP_TSTAMP_ADAPTER 3

/**
 * From the adapter, not synchronized.
 */
#define PCAP_TSTAMP_ADAPTER_UNSYNCED 4

/**
 * From the host, of high precision, not synchronized.
 */
#define PCAP_TSTAMP_HOST_HIPREC_UNSYNCED 5

/**
 * Stamps in microseconds.
 */
#define PCAP_TSTAMP_PRECISION_MICRO 0

/**
 * Stamps in nanoseconds.
 */
#define PCAP_TSTAMP_PRECISION_NANO 1

/**
 * The device is a loopback.
 */
#define PCAP_IF_LOOPBACK 1

/**
 * The device is up.
 */
#define PCAP_IF_UP 2

/**
 * The device is running.
 */
#define PCAP_IF_RUNNING 4

/**
 * The device is a radio.
 */
#define PCAP_IF_WIRELESS 8

/**
 * The bits of a connection's status.
 */
#define PCAP_IF_CONNECTION_STATUS 48

/**
 * It is not known whether the device is connected.
 */
#define PCAP_IF_CONNECTION_STATUS_UNKNOWN 0

/**
 * The device is connected.
 */
#define PCAP_IF_CONNECTION_STATUS_CONNECTED 16

/**
 * The device is not connected.
 */
#define PCAP_IF_CONNECTION_STATUS_DISCONNECTED 32

/**
 * Connectedness makes no sense for the device.
 */
#define PCAP_IF_CONNECTION_STATUS_NOT_APPLICABLE 48

/**
 * A source: a savefile.
 */
#define PCAP_SRC_FILE 2

/**
 * A source: a device of this host.
 */
#define PCAP_SRC_IFLOCAL 3

/**
 * A source: a device of another host.
 */
#define PCAP_SRC_IFREMOTE 4

/**
 * For `pcap_open`: promiscuous mode.
 */
#define PCAP_OPENFLAG_PROMISCUOUS 1

/**
 * For `pcap_open`: packets of another host come over UDP.
 */
#define PCAP_OPENFLAG_DATATX_UDP 2

/**
 * For `pcap_open`: without the remote capture's own packets.
 */
#define PCAP_OPENFLAG_NOCAPTURE_RPCAP 4

/**
 * For `pcap_open`: without packets that this host sends; Windows only.
 */
#define PCAP_OPENFLAG_NOCAPTURE_LOCAL 8

/**
 * For `pcap_open`: immediate mode.
 */
#define PCAP_OPENFLAG_MAX_RESPONSIVENESS 16

/**
 * No authentication.
 */
#define RPCAP_RMTAUTH_NULL 0

/**
 * A user's name and password, sent in the clear.
 */
#define RPCAP_RMTAUTH_PWD 1

/**
 * No sampling.
 */
#define PCAP_SAMP_NOSAMP 0

/**
 * Sampling: one packet of every `value`.
 */
#define PCAP_SAMP_1_EVERY_N 1

/**
 * Sampling: the first packet after every `value` milliseconds.
 */
#define PCAP_SAMP_FIRST_AFTER_N_MS 2

#define DLT_NULL 0

#define DLT_EN10MB 1

#define DLT_EN3MB 2

#define DLT_AX25 3

#define DLT_PRONET 4

#define DLT_CHAOS 5

#define DLT_IEEE802 6

#define DLT_ARCNET 7

#define DLT_SLIP 8

#define DLT_PPP 9

#define DLT_FDDI 10

#define DLT_ATM_RFC1483 11

#define DLT_RAW 12

#define DLT_SLIP_BSDOS 15

#define DLT_PPP_BSDOS 16

#define DLT_ATM_CLIP 19

#define DLT_REDBACK_SMARTEDGE 32

#define DLT_PPP_SERIAL 50

#define DLT_PPP_ETHER 51

#define DLT_SYMANTEC_FIREWALL 99

#define DLT_CHDLC 104

#define DLT_C_HDLC 104

#define DLT_IEEE802_11 105

#define DLT_FRELAY 107

#define DLT_LOOP 108

#define DLT_ENC 109

#define DLT_HDLC 112

#define DLT_LINUX_SLL 113

#define DLT_LTALK 114

#define DLT_ECONET 115

#define DLT_IPFILTER 116

#define DLT_PFLOG 117

#define DLT_CISCO_IOS 118

#define DLT_PRISM_HEADER 119

#define DLT_AIRONET_HEADER 120

#define DLT_HHDLC 121

#define DLT_IP_OVER_FC 122

#define DLT_SUNATM 123

#define DLT_RIO 124

#define DLT_PCI_EXP 125

#define DLT_AURORA 126

#define DLT_IEEE802_11_RADIO 127

#define DLT_TZSP 128

#define DLT_ARCNET_LINUX 129

#define DLT_JUNIPER_MLPPP 130

#define DLT_JUNIPER_MLFR 131

#define DLT_JUNIPER_ES 132

#define DLT_JUNIPER_GGSN 133

#define DLT_JUNIPER_MFR 134

#define DLT_JUNIPER_ATM2 135

#define DLT_JUNIPER_SERVICES 136

#define DLT_JUNIPER_ATM1 137

#define DLT_APPLE_IP_OVER_IEEE1394 138

#define DLT_MTP2_WITH_PHDR 139

#define DLT_MTP2 140

#define DLT_MTP3 141

#define DLT_SCCP 142

#define DLT_DOCSIS 143

#define DLT_LINUX_IRDA 144

#define DLT_IBM_SP 145

#define DLT_IBM_SN 146

#define DLT_USER0 147

#define DLT_USER1 148

#define DLT_USER2 149

#define DLT_USER3 150

#define DLT_USER4 151

#define DLT_USER5 152

#define DLT_USER6 153

#define DLT_USER7 154

#define DLT_USER8 155

#define DLT_USER9 156

#define DLT_USER10 157

#define DLT_USER11 158

#define DLT_USER12 159

#define DLT_USER13 160

#define DLT_USER14 161

#define DLT_USER15 162

#define DLT_IEEE802_11_RADIO_AVS 163

#define DLT_JUNIPER_MONITOR 164

#define DLT_BACNET_MS_TP 165

#define DLT_LINUX_PPP_WITHDIRECTION 166

#define DLT_PPP_PPPD 166

#define DLT_PPP_WITH_DIRECTION 166

#define DLT_JUNIPER_PPPOE 167

#define DLT_JUNIPER_PPPOE_ATM 168

#define DLT_GPRS_LLC 169

#define DLT_GPF_T 170

#define DLT_GPF_F 171

#define DLT_GCOM_T1E1 172

#define DLT_GCOM_SERIAL 173

#define DLT_JUNIPER_PIC_PEER 174

#define DLT_ERF_ETH 175

#define DLT_ERF_POS 176

#define DLT_LINUX_LAPD 177

#define DLT_JUNIPER_ETHER 178

#define DLT_JUNIPER_PPP 179

#define DLT_JUNIPER_FRELAY 180

#define DLT_JUNIPER_CHDLC 181

#define DLT_MFR 182

#define DLT_JUNIPER_VP 183

#define DLT_A429 184

#define DLT_A653_ICM 185

#define DLT_USB 186

#define DLT_USB_FREEBSD 186

#define DLT_BLUETOOTH_HCI_H4 187

#define DLT_IEEE802_16_MAC_CPS 188

#define DLT_USB_LINUX 189

#define DLT_CAN20B 190

#define DLT_IEEE802_15_4_LINUX 191

#define DLT_PPI 192

#define DLT_IEEE802_16_MAC_CPS_RADIO 193

#define DLT_JUNIPER_ISM 194

#define DLT_IEEE802_15_4 195

#define DLT_IEEE802_15_4_WITHFCS 195

#define DLT_SITA 196

#define DLT_ERF 197

#define DLT_RAIF1 198

#define DLT_IPMB_KONTRON 199

#define DLT_JUNIPER_ST 200

#define DLT_BLUETOOTH_HCI_H4_WITH_PHDR 201

#define DLT_AX25_KISS 202

#define DLT_LAPD 203

#define DLT_PPP_WITH_DIR 204

#define DLT_C_HDLC_WITH_DIR 205

#define DLT_FRELAY_WITH_DIR 206

#define DLT_LAPB_WITH_DIR 207

#define DLT_IPMB_LINUX 209

#define DLT_FLEXRAY 210

#define DLT_MOST 211

#define DLT_LIN 212

#define DLT_X2E_SERIAL 213

#define DLT_X2E_XORAYA 214

#define DLT_IEEE802_15_4_NONASK_PHY 215

#define DLT_LINUX_EVDEV 216

#define DLT_GSMTAP_UM 217

#define DLT_GSMTAP_ABIS 218

#define DLT_MPLS 219

#define DLT_USB_LINUX_MMAPPED 220

#define DLT_DECT 221

#define DLT_AOS 222

#define DLT_WIHART 223

#define DLT_FC_2 224

#define DLT_FC_2_WITH_FRAME_DELIMS 225

#define DLT_IPNET 226

#define DLT_CAN_SOCKETCAN 227

#define DLT_IPV4 228

#define DLT_IPV6 229

#define DLT_IEEE802_15_4_NOFCS 230

#define DLT_DBUS 231

#define DLT_JUNIPER_VS 232

#define DLT_JUNIPER_SRX_E2E 233

#define DLT_JUNIPER_FIBRECHANNEL 234

#define DLT_DVB_CI 235

#define DLT_MUX27010 236

#define DLT_STANAG_5066_D_PDU 237

#define DLT_JUNIPER_ATM_CEMIC 238

#define DLT_NFLOG 239

#define DLT_NETANALYZER 240

#define DLT_NETANALYZER_TRANSPARENT 241

#define DLT_IPOIB 242

#define DLT_MPEG_2_TS 243

#define DLT_NG40 244

#define DLT_NFC_LLCP 245

#define DLT_PFSYNC 246

#define DLT_INFINIBAND 247

#define DLT_SCTP 248

#define DLT_USBPCAP 249

#define DLT_RTAC_SERIAL 250

#define DLT_BLUETOOTH_LE_LL 251

#define DLT_WIRESHARK_UPPER_PDU 252

#define DLT_NETLINK 253

#define DLT_BLUETOOTH_LINUX_MONITOR 254

#define DLT_BLUETOOTH_BREDR_BB 255

#define DLT_BLUETOOTH_LE_LL_WITH_PHDR 256

#define DLT_PROFIBUS_DL 257

#define DLT_PKTAP 258

#define DLT_EPON 259

#define DLT_IPMI_HPM_2 260

#define DLT_ZWAVE_R1_R2 261

#define DLT_ZWAVE_R3 262

#define DLT_WATTSTOPPER_DLM 263

#define DLT_ISO_14443 264

#define DLT_RDS 265

#define DLT_USB_DARWIN 266

#define DLT_OPENFLOW 267

#define DLT_SDLC 268

#define DLT_TI_LLN_SNIFFER 269

#define DLT_LORATAP 270

#define DLT_VSOCK 271

#define DLT_NORDIC_BLE 272

#define DLT_DOCSIS31_XRA31 273

#define DLT_ETHERNET_MPACKET 274

#define DLT_DISPLAYPORT_AUX 275

#define DLT_LINUX_SLL2 276

#define DLT_SERCOS_MONITOR 277

#define DLT_OPENVIZSLA 278

#define DLT_EBHSCR 279

#define DLT_VPP_DISPATCH 280

#define DLT_DSA_TAG_BRCM 281

#define DLT_DSA_TAG_BRCM_PREPEND 282

#define DLT_IEEE802_15_4_TAP 283

#define DLT_DSA_TAG_DSA 284

#define DLT_DSA_TAG_EDSA 285

#define DLT_ELEE 286

#define DLT_Z_WAVE_SERIAL 287

#define DLT_USB_2_0 288

#define DLT_ATSC_ALP 289

/**
 * A capture or savefile; opaque.
 */
struct pcap;

/**
 * A savefile being written; opaque.
 */
struct pcap_dumper;

/**
 * A signed number of 32 bits.
 */
typedef int bpf_int32;

/**
 * An unsigned number of 32 bits.
 */
typedef unsigned int bpf_u_int32;

/**
 * An instruction of a filter program; host byte order.
 */
struct bpf_insn {
  /**
   * Operation.
   */
  unsigned short code;
  /**
   * Instructions to skip when a condition holds.
   */
  unsigned char jt;
  /**
   * Instructions to skip when it does not.
   */
  unsigned char jf;
  /**
   * The operand.
   */
  bpf_u_int32 k;
};

/**
 * A filter program.
 */
struct bpf_program {
  /**
   * The number of instructions.
   */
  unsigned int bf_len;
  /**
   * The instructions, allocated by malloc(3).
   */
  struct bpf_insn *bf_insns;
};

/**
 * A capture or savefile; opaque.
 */
typedef struct pcap pcap_t;

/**
 * A savefile being written; opaque.
 */
typedef struct pcap_dumper pcap_dumper_t;

/**
 * An address of a capture device.
 */
struct pcap_addr {
  /**
   * The next address, or null.
   */
  struct pcap_addr *next;
  /**
   * The address.
   */
  struct sockaddr *addr;
  /**
   * Its network mask, or null.
   */
  struct sockaddr *netmask;
  /**
   * Its broadcast address, or null.
   */
  struct sockaddr *broadaddr;
  /**
   * The peer's address, or null.
   */
  struct sockaddr *dstaddr;
};

/**
 * A capture device, as `pcap_findalldevs` lists it.
 */
struct pcap_if {
  /**
   * The next device, or null.
   */
  struct pcap_if *next;
  /**
   * What to hand to `pcap_create`.
   */
  char *name;
  /**
   * A description, or null.
   */
  char *description;
  /**
   * Its addresses, or null.
   */
  struct pcap_addr *addresses;
  /**
   * `PCAP_IF_*`.
   */
  bpf_u_int32 flags;
};

/**
 * A capture device, as `pcap_findalldevs` lists it.
 */
typedef struct pcap_if pcap_if_t;

/**
 * An address of a capture device.
 */
typedef struct pcap_addr pcap_addr_t;

/**
 * What precedes each packet.
 */
struct pcap_pkthdr {
  /**
   * When the packet was at its hook: seconds, and microseconds or, after
   * `pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO)`, nanoseconds in `tv_usec`.
   */
  struct timeval ts;
  /**
   * Bytes captured.
   */
  bpf_u_int32 caplen;
  /**
   * Bytes that the packet had.
   */
  bpf_u_int32 len;
};

/**
 * How a loop hands over each packet.
 */
typedef void (*pcap_handler)(unsigned char *user, const struct pcap_pkthdr *header, const unsigned char *bytes);

/**
 * What `pcap_stats` gives. All counts wrap around at 32 bits.
 */
struct pcap_stat {
  /**
   * Packets received.
   */
  unsigned int ps_recv;
  /**
   * Packets dropped for want of buffer.
   */
  unsigned int ps_drop;
  /**
   * Packets dropped by the interface.
   */
  unsigned int ps_ifdrop;
};

/**
 * What a savefile begins with.
 */
struct pcap_file_header {
  /**
   * Tells the byte order and the precision of the stamps.
   */
  bpf_u_int32 magic;
  /**
   * `PCAP_VERSION_MAJOR`.
   */
  unsigned short version_major;
  /**
   * `PCAP_VERSION_MINOR`.
   */
  unsigned short version_minor;
  /**
   * 0.
   */
  bpf_int32 thiszone;
  /**
   * 0.
   */
  bpf_u_int32 sigfigs;
  /**
   * The most bytes captured of a packet.
   */
  bpf_u_int32 snaplen;
  /**
   * The `LINKTYPE_` value, tcpdump.org/linktypes.html.
   */
  bpf_u_int32 linktype;
};

/**
 * An entry of ethers(5).
 */
struct pcap_etherent {
  /**
   * The Ethernet address.
   */
  unsigned char addr[6];
  /**
   * The host's name, a C string.
   */
  char name[122];
};

/**
 * How a remote capture samples.
 */
struct pcap_samp {
  /**
   * `PCAP_SAMP_*`.
   */
  int method;
  /**
   * What it means depends on the method.
   */
  int value;
};

/**
 * How a remote capture authenticates.
 */
struct pcap_rmtauth {
  /**
   * `RPCAP_RMTAUTH_*`.
   */
  int type;
  /**
   * The user's name.
   */
  char *username;
  /**
   * The user's password.
   */
  char *password;
};

#ifdef __cplusplus
}
#endif
#endif /* PCAP_NFLOG_STANDALONE */

/*
 * A record begins with a struct timeval, of 8 or of 16 bytes where the C library has both: 32-bit glibc. The library has
 * the one of the system's libpcap: 32 bits of seconds, or 64 where `make install` put that here (Debian 13's armhf).
 */
#if defined(__TIMESIZE) && __TIMESIZE == 32
#ifndef PCAP_NFLOG_TIME_BITS
#define PCAP_NFLOG_TIME_BITS 32
#endif
#if PCAP_NFLOG_TIME_BITS == 32 && defined(_TIME_BITS) && _TIME_BITS == 64
#error "pcap_pkthdr would be misread: the library's time_t has 32 bits, as that of this system's libpcap. Compile the files that use it without _TIME_BITS=64"
#elif PCAP_NFLOG_TIME_BITS == 64 && !(defined(_TIME_BITS) && _TIME_BITS == 64)
#error "pcap_pkthdr would be misread: the library's time_t has 64 bits, as that of this system's libpcap. Compile with -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64"
#endif
#endif

/**
 * The capture mechanism is not available. In libpcap's own header since 1.10.5.
 */
#ifndef PCAP_ERROR_CAPTURE_NOTSUP
#define PCAP_ERROR_CAPTURE_NOTSUP -13
#endif

/**
 * For `pcap_init`: packet buffers have 32-bit addresses. In libpcap's own header since 1.11.
 */
#ifndef PCAP_MMAP_32BIT
#define PCAP_MMAP_32BIT 0x00000002U
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A reader thread where the kernel grants less buffer than was asked for.
 */
#define PCAP_NFLOG_READER_AUTO 0

/**
 * A reader thread in any case.
 */
#define PCAP_NFLOG_READER_ON 1

/**
 * No reader thread.
 */
#define PCAP_NFLOG_READER_OFF 2

/**
 * The kernel's stamp of the packet's arrival is in `stamp_seconds` and `stamp_nanoseconds`. Without it the record's
 * `ts` is an estimate.
 */
#define PCAP_NFLOG_HAS_STAMP (1 << 0)

/**
 * `protocol` is there.
 */
#define PCAP_NFLOG_HAS_PROTOCOL (1 << 1)

/**
 * `hook` is there.
 */
#define PCAP_NFLOG_HAS_HOOK (1 << 2)

/**
 * `indev` is there.
 */
#define PCAP_NFLOG_HAS_INDEV (1 << 3)

/**
 * `outdev` is there.
 */
#define PCAP_NFLOG_HAS_OUTDEV (1 << 4)

/**
 * `physindev` is there.
 */
#define PCAP_NFLOG_HAS_PHYSINDEV (1 << 5)

/**
 * `physoutdev` is there.
 */
#define PCAP_NFLOG_HAS_PHYSOUTDEV (1 << 6)

/**
 * `uid` is there: the packet belongs to a local socket.
 */
#define PCAP_NFLOG_HAS_UID (1 << 7)

/**
 * `gid` is there: the packet belongs to a local socket.
 */
#define PCAP_NFLOG_HAS_GID (1 << 8)

/**
 * `sequence` is there.
 */
#define PCAP_NFLOG_HAS_SEQUENCE (1 << 9)

/**
 * `prefix` is there.
 */
#define PCAP_NFLOG_HAS_PREFIX (1 << 10)

/**
 * `hardware_type` is there: the packet came in by an interface.
 */
#define PCAP_NFLOG_HAS_HARDWARE_TYPE (1 << 11)

/**
 * `address` and `address_length` are there: the packet came in by an interface that has addresses.
 */
#define PCAP_NFLOG_HAS_ADDRESS (1 << 12)

/**
 * `vlan_protocol` and `vlan_tci` are there.
 */
#define PCAP_NFLOG_HAS_VLAN (1 << 13)

/**
 * `conntrack_info` is there: the packet's relation to its conntrack entry.
 */
#define PCAP_NFLOG_HAS_CONNTRACK_INFO (1 << 14)

/**
 * `conntrack_id`, `conntrack_mark` and `conntrack_status` are there.
 */
#define PCAP_NFLOG_HAS_CONNTRACK (1 << 15)

/**
 * Hooks, whatever number the packet's family has for them.
 */
#define PCAP_NFLOG_PREROUTING 0

/**
 * To a local socket.
 */
#define PCAP_NFLOG_INPUT 1

/**
 * Passed on.
 */
#define PCAP_NFLOG_FORWARD 2

/**
 * From a local socket.
 */
#define PCAP_NFLOG_OUTPUT 3

/**
 * On its way out.
 */
#define PCAP_NFLOG_POSTROUTING 4

/**
 * Just come in by an interface.
 */
#define PCAP_NFLOG_INGRESS 5

/**
 * About to go out by an interface.
 */
#define PCAP_NFLOG_EGRESS 6

/**
 * The room for a prefix, its NUL included (`NF_LOG_PREFIXLEN`, net/netfilter/nf_log.h).
 */
#define PCAP_NFLOG_PREFIX_SIZE 128

/**
 * What the kernel said of a packet. All integers are in host byte order. A member whose bit is not in `present` is
 * 0. Later versions may add members at the end.
 */
typedef struct pcap_nflog_info {
  /**
   * The size of this struct in bytes, set by the caller: `sizeof(struct pcap_nflog_info)`.
   */
  uint32_t size;
  /**
   * `PCAP_NFLOG_HAS_*`.
   */
  uint32_t present;
  /**
   * When the packet arrived, as the kernel stamped it: seconds since 1970-01-01 00:00:00 UTC.
   */
  int64_t stamp_seconds;
  /**
   * The same: nanoseconds, in steps of 1,000.
   */
  uint32_t stamp_nanoseconds;
  /**
   * The group that the rule logs to.
   */
  uint16_t group;
  /**
   * The address family of the rule's table: `NFPROTO_*`, linux/netfilter.h (2 IPv4, 10 IPv6, 3 ARP, 5 netdev,
   * 7 bridge).
   */
  uint8_t family;
  /**
   * `PCAP_NFLOG_PREROUTING` to `PCAP_NFLOG_EGRESS`.
   */
  uint8_t hook;
  /**
   * The ethertype, linux/if_ether.h.
   */
  uint16_t protocol;
  /**
   * The ARPHRD type of the interface that the packet came in by, linux/if_arp.h.
   */
  uint16_t hardware_type;
  /**
   * The packet's mark; the kernel leaves 0 out, so 0 is no mark.
   */
  uint32_t mark;
  /**
   * The index of the interface that the packet came in by; of a bridge table, the bridge's.
   */
  uint32_t indev;
  /**
   * The index of the interface that the packet goes out by; of a bridge table, the bridge's.
   */
  uint32_t outdev;
  /**
   * The index of the bridge port that the packet came in by.
   */
  uint32_t physindev;
  /**
   * The index of the bridge port that the packet goes out by.
   */
  uint32_t physoutdev;
  /**
   * The user of the local socket that the packet belongs to.
   */
  uint32_t uid;
  /**
   * The group id of the local socket that the packet belongs to.
   */
  uint32_t gid;
  /**
   * The group's sequence number: it counts lost packets too.
   */
  uint32_t sequence;
  /**
   * The conntrack entry's id, as conntrack(8) shows it.
   */
  uint32_t conntrack_id;
  /**
   * The conntrack entry's mark.
   */
  uint32_t conntrack_mark;
  /**
   * The conntrack entry's status: `enum ip_conntrack_status` bits, linux/netfilter/nf_conntrack_common.h.
   */
  uint32_t conntrack_status;
  /**
   * The packet's relation to the entry: `enum ip_conntrack_info` (0 established, 1 related, 2 new, 3 established
   * in reply, 4 related in reply).
   */
  uint32_t conntrack_info;
  /**
   * The protocol of the VLAN tag that the kernel keeps beside the packet: 0x8100 or 0x88a8.
   */
  uint16_t vlan_protocol;
  /**
   * The tag's priority, drop eligibility and VLAN id.
   */
  uint16_t vlan_tci;
  /**
   * The bytes of `address` that count.
   */
  uint32_t address_length;
  /**
   * The link address that the packet was sent from.
   */
  uint8_t address[8];
  /**
   * The rule's prefix, a C string. Whoever made the rule chose it: it may hold what a terminal obeys.
   */
  char prefix[PCAP_NFLOG_PREFIX_SIZE];
} pcap_nflog_info;

/**
 * What a capture has seen so far. Later versions may add members at the end.
 */
typedef struct pcap_nflog_stat {
  /**
   * The size of this struct in bytes, set by the caller: `sizeof(struct pcap_nflog_stat)`.
   */
  uint64_t size;
  /**
   * Packets received from the kernel.
   */
  uint64_t received;
  /**
   * Packets delivered to the program.
   */
  uint64_t delivered;
  /**
   * Packets that the filter or the direction rejected.
   */
  uint64_t filtered;
  /**
   * Packets that the link type cannot hold: ARP in `DLT_RAW`, say.
   */
  uint64_t unrepresentable;
  /**
   * Packets lost between the rule and this process, exactly, up to the last packet received: from the kernel's
   * sequence numbers.
   */
  uint64_t lost;
  /**
   * Datagrams that the kernel dropped because the receive buffer was full: from the socket's own counter. Each was
   * a batch of packets. It tells of a loss at the very end too, which no later packet has shown yet.
   */
  uint64_t overruns;
  /**
   * Datagrams received.
   */
  uint64_t batches;
  /**
   * Bytes of the datagrams received.
   */
  uint64_t bytes;
  /**
   * Datagrams and messages that were not well formed, and were skipped.
   */
  uint64_t malformed;
} pcap_nflog_stat;

/**
 * Lists the devices that can be captured: those of the system's libpcap, then `nflog`, one for each group that the
 * running ruleset logs to, as far as this process may read it (CAP_NET_ADMIN), and those that the environment variable
 * `PCAP_NFLOG_DEVICES` names, separated by spaces. A wrong name among those is listed with what is wrong for its
 * description.
 *
 * # Safety
 *
 * `alldevsp` can be written; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0, with `*alldevsp` a list to be freed by `pcap_freealldevs`; `PCAP_ERROR` and a text in `errbuf`.
 */
int pcap_findalldevs(pcap_if_t **alldevsp,
                     char *errbuf);

/**
 * Frees a list of `pcap_findalldevs` or `pcap_findalldevs_ex`.
 *
 * # Safety
 *
 * `alldevs` is null, or such a list that was not freed.
 */
void pcap_freealldevs(pcap_if_t *alldevs);

/**
 * The first device that can be captured; deprecated by libpcap.
 *
 * # Safety
 *
 * `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * A C string that must not be written, and stays until the next call; "nflog" without libpcap. Null and a text in
 * `errbuf` when there is no device.
 */
char *pcap_lookupdev(char *errbuf);

/**
 * The IPv4 network of a device and its mask, both in network byte order; 0 and 0 for NFLOG, which has none.
 *
 * # Safety
 *
 * `device` is null (libpcap's `any`) or a C string; `netp` and `maskp` can be written; `errbuf` has room for
 * `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR` and a text in `errbuf`.
 */
int pcap_lookupnet(const char *device, bpf_u_int32 *netp, bpf_u_int32 *maskp, char *errbuf);

/**
 * The version of this library; a program that finds this function has pcap-nflog and not libpcap alone.
 *
 * # Returns
 *
 * A C string, "0.1.0", that stays for ever.
 */
const char *pcap_nflog_version(void);

/**
 * What the kernel said of the packet being delivered: in a callback, of the callback's packet; after `pcap_next` and
 * `pcap_next_ex`, of theirs, until the next read.
 *
 * # Safety
 *
 * `p` is null or a handle that was not closed; `info` points to a struct whose `size` is set and true.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR_NOT_ACTIVATED`; `PCAP_ERROR` when no packet is being delivered, when `size` is not that of a
 * version of the struct that this library knows, and for a handle that is not of an NFLOG device (which has no text).
 */
int pcap_nflog_packet(pcap_t *p,
                      struct pcap_nflog_info *info);

/**
 * Counts of the capture so far.
 *
 * # Safety
 *
 * `p` is null or a handle that was not closed; `stats` points to a struct whose `size` is set and true.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR_NOT_ACTIVATED`; `PCAP_ERROR` when `size` is not that of a version of the struct that this library
 * knows, and for a handle that is not of an NFLOG device (which has no text).
 */
int pcap_nflog_stats(pcap_t *p,
                     struct pcap_nflog_stat *stats);

/**
 * Packets lost of one group, exactly, up to the last packet of it that was received.
 *
 * # Safety
 *
 * `p` is null or a handle that was not closed; `lost` can be written.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR_NOT_ACTIVATED`; `PCAP_ERROR` when the handle does not read the group, and for a handle that is not
 * of an NFLOG device (which has no text).
 */
int pcap_nflog_lost(pcap_t *p,
                    unsigned short group,
                    uint64_t *lost);

/**
 * Sets how the kernel gathers packets: it hands a batch over after `packets` of them, or when they fill `bytes`
 * (4,096 to 131,072). 0 leaves either as it is. Before activation.
 *
 * # Safety
 *
 * `p` is null or a handle that was not closed.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_ACTIVATED`, or `PCAP_ERROR` when `bytes` is out of range, and for a handle that is not of an NFLOG
 * device (which has no text).
 */
int pcap_nflog_set_batch(pcap_t *p,
                         unsigned int packets,
                         unsigned int bytes);

/**
 * Sets how long a packet may wait in the kernel for its batch to fill, in milliseconds. The kernel counts in
 * hundredths of a second, rounded down here; less than 10 ms is its next tick. Before activation.
 *
 * # Safety
 *
 * `p` is null or a handle that was not closed.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_ACTIVATED`, or `PCAP_ERROR` for a negative time, and for a handle that is not of an NFLOG device
 * (which has no text).
 */
int pcap_nflog_set_flush_ms(pcap_t *p,
                            int milliseconds);

/**
 * Makes a capture strict (1) or not (0): when packets were lost, the read ends with `PCAP_ERROR` and a text that
 * says how many, before the first packet behind the loss is delivered; the next read goes on with it. May be set at
 * any time.
 *
 * # Safety
 *
 * `p` is null or a handle that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR` for a handle that is not of an NFLOG device (which has no text).
 */
int pcap_nflog_set_strict(pcap_t *p,
                          int strict);

/**
 * Asks the kernel for the conntrack entry of each packet (1) or not (0): `pcap_nflog_packet` then has its id, mark
 * and state. Before activation, which fails where the kernel has no nf_conntrack_netlink.
 *
 * # Safety
 *
 * `p` is null or a handle that was not closed.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_ACTIVATED`, or `PCAP_ERROR` for a handle that is not of an NFLOG device (which has no text).
 */
int pcap_nflog_set_conntrack(pcap_t *p,
                             int conntrack);

/**
 * Chooses whether a thread of this library reads the socket into this process's memory while the program is busy, as
 * far as `pcap_set_buffer_size` allows: `PCAP_NFLOG_READER_AUTO`, the default, where the kernel grants less buffer
 * than was asked for; `PCAP_NFLOG_READER_ON`; `PCAP_NFLOG_READER_OFF`. The thread starts at the first read, takes no
 * signals, and ends with `pcap_close`. Before activation.
 *
 * # Safety
 *
 * `p` is null or a handle that was not closed.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_ACTIVATED`, or `PCAP_ERROR` for an unknown mode, and for a handle that is not of an NFLOG device
 * (which has no text).
 */
int pcap_nflog_set_reader_thread(pcap_t *p,
                                 int mode);

/**
 * Compiles a filter expression, pcap-filter(7), for the handle's link type. The program is freed by
 * `pcap_freecode`.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `fp` can be written; `str` is a C string.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_NOT_ACTIVATED`, or `PCAP_ERROR` with libpcap's text in `pcap_geterr`.
 */
int pcap_compile(pcap_t *p, struct bpf_program *fp, const char *str, int optimize, unsigned int netmask);

/**
 * Compiles a filter expression without a handle; deprecated by libpcap.
 *
 * # Safety
 *
 * `program` can be written; `buf` is a C string.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR`.
 */
int pcap_compile_nopcap(int snaplen,
                        int linktype,
                        struct bpf_program *program,
                        const char *buf,
                        int optimize,
                        unsigned int mask);

/**
 * Puts a filter in force, from the next packet on, those included that were received but not handed over.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `fp` points to a program whose instructions can be read.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_NOT_ACTIVATED`, or `PCAP_ERROR` when the program is not valid.
 */
int pcap_setfilter(pcap_t *p, struct bpf_program *fp);

/**
 * Frees what a compiled program holds; the program itself is the caller's.
 *
 * # Safety
 *
 * `fp` points to a program of `pcap_compile` that was not freed.
 */
void pcap_freecode(struct bpf_program *fp);

/**
 * Runs a program on a packet.
 *
 * # Safety
 *
 * `fp` points to a valid program; `h` and `pkt` are a packet's header and its `caplen` bytes.
 *
 * # Returns
 *
 * What the program returns: 0 for rejection.
 */
int pcap_offline_filter(const struct bpf_program *fp, const struct pcap_pkthdr *h, const unsigned char *pkt);

/**
 * Runs a program, given by its first instruction, on a packet of `wirelen` bytes of which `buflen` are at `p`.
 *
 * # Safety
 *
 * `pc` is null or the first instruction of a valid program; `p` points to `buflen` bytes.
 *
 * # Returns
 *
 * What the program returns: 0 for rejection; everything is accepted where `pc` is null.
 */
unsigned int bpf_filter(const struct bpf_insn *pc,
                        const unsigned char *p,
                        unsigned int wirelen,
                        unsigned int buflen);

/**
 * Checks a program of `len` instructions.
 *
 * # Safety
 *
 * `f` points to `len` instructions.
 *
 * # Returns
 *
 * 1 for a valid program, 0 for any other.
 */
int bpf_validate(const struct bpf_insn *f, int len);

/**
 * The text of an instruction, at index `n` of its program.
 *
 * # Safety
 *
 * `p` points to an instruction.
 *
 * # Returns
 *
 * A C string that stays until the next call; null where there is no libpcap.
 */
char *bpf_image(const struct bpf_insn *p, int n);

/**
 * Prints a program on standard output: `option` 1 as text, 2 as a C array, 3 as numbers.
 *
 * # Safety
 *
 * `p` points to a program whose instructions can be read.
 */
void bpf_dump(const struct bpf_program *p, int option);

/**
 * Sends a packet; refused on NFLOG.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `buf` points to `size` bytes.
 *
 * # Returns
 *
 * The number of bytes sent; `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
 */
int pcap_inject(pcap_t *p, const void *buf, size_t size);

/**
 * Sends a packet; refused on NFLOG.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `buf` points to `size` bytes.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
 */
int pcap_sendpacket(pcap_t *p, const unsigned char *buf, int size);

/**
 * The link type of the records that a handle delivers.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * A `DLT_` value; `PCAP_ERROR_NOT_ACTIVATED`.
 */
int pcap_datalink(pcap_t *p);

/**
 * What more is known of the link type: the length of a frame check sequence, for savefiles of some kinds.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0 for nothing, as for NFLOG, or bits for `LT_FCS_LENGTH_PRESENT` and `LT_FCS_LENGTH`;
 * `PCAP_ERROR_NOT_ACTIVATED`.
 */
int pcap_datalink_ext(pcap_t *p);

/**
 * Chooses the link type of the records, from the next one on. A filter in force stays in force as it is: compile
 * and set it again for the new link type.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR_NOT_ACTIVATED`; `PCAP_ERROR` for a link type that the device does not have.
 */
int pcap_set_datalink(pcap_t *p,
                      int dlt);

/**
 * Lists the link types that `pcap_set_datalink` takes.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `dlt_buffer` can be written.
 *
 * # Returns
 *
 * How many there are, with `*dlt_buffer` an array to be freed by `pcap_free_datalinks`; `PCAP_ERROR_NOT_ACTIVATED`
 * or `PCAP_ERROR`.
 */
int pcap_list_datalinks(pcap_t *p,
                        int **dlt_buffer);

/**
 * Frees an array of `pcap_list_datalinks`.
 *
 * # Safety
 *
 * `dlt_list` is null, or such an array that was not freed.
 */
void pcap_free_datalinks(int *dlt_list);

/**
 * The link type of a name, "RAW" for example, in any case and without `DLT_`.
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * A `DLT_` value, or -1 for an unknown name. Without libpcap, the link types of NFLOG are known.
 */
int pcap_datalink_name_to_val(const char *name);

/**
 * The name of a link type, without `DLT_`.
 *
 * # Returns
 *
 * A C string that stays for ever, or null for an unknown value. Without libpcap, the link types of NFLOG are known.
 */
const char *pcap_datalink_val_to_name(int dlt);

/**
 * What a link type is, in words.
 *
 * # Returns
 *
 * A C string that stays for ever, or null for an unknown value. Without libpcap, the link types of NFLOG are known.
 */
const char *pcap_datalink_val_to_description(int dlt);

/**
 * What a link type is, in words, or "DLT" and the value.
 *
 * # Returns
 *
 * A C string that stays until this thread's next call.
 */
const char *pcap_datalink_val_to_description_or_dlt(int dlt);

/**
 * Initializes the library: `opts` is the encoding of strings, `PCAP_CHAR_ENC_LOCAL` or `PCAP_CHAR_ENC_UTF_8`, which are
 * the same on Linux, or `PCAP_MMAP_32BIT`, which libpcap knows since 1.11.
 *
 * # Safety
 *
 * `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR` and a text in `errbuf` for other options, and for another encoding than an earlier call's.
 */
int pcap_init(unsigned int opts,
              char *errbuf);

/**
 * The text of an errno value.
 *
 * # Returns
 *
 * A C string that stays until this thread's next call.
 */
const char *pcap_strerror(int error);

/**
 * The text of a `PCAP_ERROR` or `PCAP_WARNING` value.
 *
 * # Returns
 *
 * A C string that stays until this thread's next call.
 */
const char *pcap_statustostr(int error);

/**
 * The IPv4 addresses of a host; deprecated by libpcap.
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * An array that ends with a null pointer, of addresses in host byte order, and stays until the next call; null for
 * an unknown host, and without libpcap.
 */
bpf_u_int32 **pcap_nametoaddr(const char *name);

/**
 * The addresses of a host.
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * A list to be freed by freeaddrinfo(3); null for an unknown host, and without libpcap.
 */
struct addrinfo *pcap_nametoaddrinfo(const char *name);

/**
 * The number of a network, networks(5).
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * The number in host byte order; 0 for an unknown network, and without libpcap.
 */
bpf_u_int32 pcap_nametonetaddr(const char *name);

/**
 * The port of a service, services(5), and its protocol: IPPROTO_TCP, IPPROTO_UDP, or `PROTO_UNDEF` for both.
 *
 * # Safety
 *
 * `name` is a C string; `port` and `proto` can be written.
 *
 * # Returns
 *
 * 1; 0 for an unknown service, and without libpcap.
 */
int pcap_nametoport(const char *name, int *port, int *proto);

/**
 * The ports of a range, "ftp-data-ftp" or "1000-2000", and their protocol as in `pcap_nametoport`.
 *
 * # Safety
 *
 * `name` is a C string; `port1`, `port2` and `proto` can be written.
 *
 * # Returns
 *
 * 1; 0 for what is not a range, and without libpcap.
 */
int pcap_nametoportrange(const char *name, int *port1, int *port2, int *proto);

/**
 * The number of an IP protocol, protocols(5).
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * The number; `PROTO_UNDEF` for an unknown protocol, and without libpcap.
 */
int pcap_nametoproto(const char *name);

/**
 * The ethertype of a protocol, "ip6" for example.
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * The ethertype; `PROTO_UNDEF` for an unknown protocol, and without libpcap.
 */
int pcap_nametoeproto(const char *name);

/**
 * The LLC service access point of a protocol, "stp" for example.
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * The number; `PROTO_UNDEF` for an unknown protocol, and without libpcap.
 */
int pcap_nametollc(const char *name);

/**
 * The Ethernet address of a host, ethers(5).
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * Six bytes to be freed by free(3); null for an unknown host, and without libpcap.
 */
unsigned char *pcap_ether_hostton(const char *name);

/**
 * An Ethernet address from text, "00:1b:2c:3d:4e:5f" for example.
 *
 * # Safety
 *
 * `s` is a C string.
 *
 * # Returns
 *
 * Six bytes to be freed by free(3); null for what is not an address, and without libpcap.
 */
unsigned char *pcap_ether_aton(const char *s);

/**
 * The next entry of a file in the form of ethers(5).
 *
 * # Safety
 *
 * `fp` is a stream open for reading.
 *
 * # Returns
 *
 * The entry, which stays until this thread's next call; null at the end, and without libpcap.
 */
struct pcap_etherent *pcap_next_etherent(FILE *fp);

/**
 * Makes a handle for a device: `nflog[:GROUPS][@LINKTYPE]`, or whatever the system's libpcap knows.
 *
 * # Safety
 *
 * `device` is null (libpcap's `any`) or a C string; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * The handle, to be activated or closed; null and a text in `errbuf` when the name is wrong.
 */
pcap_t *pcap_create(const char *device,
                    char *errbuf);

/**
 * Opens the capture: binds and configures the groups of the handle's device.
 *
 * A group that another handle of this process has is bound by the first read, not now; `pcap_get_selectable_fd` counts as
 * a read. A handle that was never read gives the group up then, with what was logged to it until then. One that was read
 * keeps it until it is closed: reads of this handle fail with `PCAP_ERROR` meanwhile, as they do where CAP_NET_ADMIN is
 * gone by the first one. Nothing is lost by such a failure, and the next read tries again.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0; a `PCAP_WARNING` value for success with a remark; `PCAP_ERROR_PERM_DENIED` without CAP_NET_ADMIN,
 * `PCAP_ERROR_NO_SUCH_DEVICE` where the kernel has no NFLOG, `PCAP_ERROR_RFMON_NOTSUP`, `PCAP_ERROR_ACTIVATED` or
 * `PCAP_ERROR`, each with a text in `pcap_geterr`. The handle can be activated again then.
 */
int pcap_activate(pcap_t *p);

/**
 * Makes and activates a handle in one: `pcap_create`, `pcap_set_snaplen`, `pcap_set_promisc`, `pcap_set_timeout`,
 * `pcap_activate`.
 *
 * # Safety
 *
 * `device` is null (libpcap's `any`) or a C string; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * The active handle, with a warning or an empty text in `errbuf`; null and a text in `errbuf` when it fails.
 */
pcap_t *pcap_open_live(const char *device,
                       int snaplen,
                       int promisc,
                       int to_ms,
                       char *errbuf);

/**
 * Closes a handle and frees what it holds: its groups are torn down.
 *
 * # Safety
 *
 * `p` is null, or a handle that was not closed and is used no more.
 */
void pcap_close(pcap_t *p);

/**
 * Sets the most bytes to capture of each packet, its link header included (of link type NFLOG: of its payload).
 * What is not from 1 to 262,144 means 262,144.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_snaplen(pcap_t *p,
                     int snaplen);

/**
 * Sets promiscuous mode, which means nothing for NFLOG: rules choose the packets.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_promisc(pcap_t *p, int promisc);

/**
 * Says whether monitor mode can be set, before activation: not for NFLOG.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0 for no, 1 for yes, `PCAP_ERROR_ACTIVATED`, or another `PCAP_ERROR_` value.
 */
int pcap_can_set_rfmon(pcap_t *p);

/**
 * Sets monitor mode. NFLOG has none: activation then fails with `PCAP_ERROR_RFMON_NOTSUP`.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_rfmon(pcap_t *p, int rfmon);

/**
 * Sets how long a read waits for a packet, in milliseconds. 0 waits for ever; a negative value is non-blocking mode, as
 * in libpcap. It also bounds how long the kernel gathers packets before it hands them over, which is at most 10 ms.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_timeout(pcap_t *p,
                     int to_ms);

/**
 * Sets immediate mode: each packet is handed over at once, at the cost of a wake-up for each. Where the environment
 * variable `PCAP_NFLOG_IMMEDIATE` is `1` or `on`, NFLOG devices are in immediate mode whatever is set here.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_immediate_mode(pcap_t *p,
                            int immediate);

/**
 * Sets the size of the buffer between the kernel and the reader, in bytes; the default is 16 MiB. What is not
 * positive is ignored, as in libpcap.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_buffer_size(pcap_t *p, int buffer_size);

/**
 * Sets the protocol of a packet socket, which means nothing for NFLOG.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_protocol_linux(pcap_t *p, int protocol);

/**
 * Hands packets to `callback` until `cnt` were handed over (0 and less: without end), an error occurs or
 * `pcap_breakloop` is called. In non-blocking mode, too, it waits for packets without using the CPU.
 *
 * # Safety
 *
 * `p` is a handle that was not closed and that no other thread uses; `callback` may be called with `user`, and does
 * not close the handle.
 *
 * # Returns
 *
 * 0 when `cnt` is reached (of a savefile: at its end, too), `PCAP_ERROR_BREAK`, `PCAP_ERROR_NOT_ACTIVATED` or
 * `PCAP_ERROR`.
 */
int pcap_loop(pcap_t *p,
              int cnt,
              pcap_handler callback,
              unsigned char *user);

/**
 * Hands the packets of one batch to `callback`, at most `cnt` (0 and less: all). Waits for a batch as long as
 * `pcap_set_timeout` said, in non-blocking mode not at all.
 *
 * # Safety
 *
 * As for `pcap_loop`.
 *
 * # Returns
 *
 * The number of packets, which is 0 when the time passed with none; `PCAP_ERROR_BREAK` if `pcap_breakloop` was
 * called before any was handed over, `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
 */
int pcap_dispatch(pcap_t *p,
                  int cnt,
                  pcap_handler callback,
                  unsigned char *user);

/**
 * The next packet; its bytes stay until the next read.
 *
 * # Safety
 *
 * `p` is a handle that was not closed and that no other thread uses; `h` can be written.
 *
 * # Returns
 *
 * The packet's bytes, with `*h` filled in; null when there is none, for whatever reason.
 */
const unsigned char *pcap_next(pcap_t *p, struct pcap_pkthdr *h);

/**
 * The next packet: `*pkt_header` and `*pkt_data` point to it until the next read.
 *
 * # Safety
 *
 * `p` is a handle that was not closed and that no other thread uses; `pkt_header` and `pkt_data` can be written.
 *
 * # Returns
 *
 * 1; 0 when the time of `pcap_set_timeout` passed with no packet; `PCAP_ERROR_BREAK` after `pcap_breakloop` and at
 * a savefile's end; `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
 */
int pcap_next_ex(pcap_t *p,
                 struct pcap_pkthdr **pkt_header,
                 const unsigned char **pkt_data);

/**
 * Ends a read on the handle, also one that is waiting. May be called from a callback, from a signal handler and
 * from another thread. Packets that were received stay for the next read.
 *
 * It wakes a read by write(2) to an eventfd and to the capture's own socket, which needs no privilege: a program that
 * forbids itself system calls must leave it this one.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 */
void pcap_breakloop(pcap_t *p);

/**
 * Opens a source: `nflog:5`, `rpcap://nflog:5`, or what the system's libpcap opens: `file://PATH`, `rpcap://DEVICE`,
 * `rpcap://HOST[:PORT]/DEVICE`. For NFLOG, `snaplen` and `read_timeout` are as in `pcap_set_snaplen` and
 * `pcap_set_timeout`, `PCAP_OPENFLAG_MAX_RESPONSIVENESS` is immediate mode, and `auth` is not used.
 *
 * # Safety
 *
 * `source` is null (libpcap's `any`) or a C string; `auth` is null or points to a `pcap_rmtauth`; `errbuf` has room
 * for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * The active handle; null and a text in `errbuf` when it fails.
 */
pcap_t *pcap_open(const char *source,
                  int snaplen,
                  int flags,
                  int read_timeout,
                  struct pcap_rmtauth *auth,
                  char *errbuf);

/**
 * Lists the devices or savefiles of a source: `rpcap://` those of this host, NFLOG's among them; with a libpcap that
 * can, `rpcap://HOST/` those of another host, `file://FOLDER/` the savefiles of a folder.
 *
 * # Safety
 *
 * `source` is null or a C string; `auth` is null or points to a `pcap_rmtauth`; `alldevs` can be written; `errbuf`
 * has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0, with `*alldevs` a list of sources to be freed by `pcap_freealldevs`; `PCAP_ERROR` and a text in `errbuf`.
 */
int pcap_findalldevs_ex(const char *source,
                        struct pcap_rmtauth *auth,
                        pcap_if_t **alldevs,
                        char *errbuf);

/**
 * Makes a source string: `type` is `PCAP_SRC_FILE`, `PCAP_SRC_IFLOCAL` or `PCAP_SRC_IFREMOTE`, `name` the path or
 * the device.
 *
 * # Safety
 *
 * `source` has room for `PCAP_BUF_SIZE` bytes; `host`, `port` and `name` are each null or a C string; `errbuf` has
 * room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR` and a text in `errbuf` when the path or the host is missing, or the type is none of these.
 */
int pcap_createsrcstr(char *source,
                      int type,
                      const char *host,
                      const char *port,
                      const char *name,
                      char *errbuf);

/**
 * Takes a source string apart, into what `pcap_createsrcstr` makes it of. What it does not have is an empty string.
 *
 * # Safety
 *
 * `source` is null or a C string; `type` is null or can be written; `host`, `port` and `name` are each null or have
 * room for `PCAP_BUF_SIZE` bytes; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0; `PCAP_ERROR` and a text in `errbuf` for what is not a source string.
 */
int pcap_parsesrcstr(const char *source,
                     int *type,
                     char *host,
                     char *port,
                     char *name,
                     char *errbuf);

/**
 * The sampling of a remote capture, to be read and set. On NFLOG, as on any device of this host, it has no effect.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * It stays until the handle is closed; null where the system's libpcap has no remote captures.
 */
struct pcap_samp *pcap_setsampling(pcap_t *p);

/**
 * Waits for a host that offers its devices.
 *
 * # Safety
 *
 * `address` and `hostlist` are each null or a C string; `port` is a C string; `connectinghost` has room for
 * `RPCAP_HOSTLIST_SIZE` bytes; `auth` is null or points to a `pcap_rmtauth`; `errbuf` has room for
 * `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * A socket, with the host's name in `connectinghost`; a negative value and a text in `errbuf` when it fails.
 */
int pcap_remoteact_accept(const char *address,
                          const char *port,
                          const char *hostlist,
                          char *connectinghost,
                          struct pcap_rmtauth *auth,
                          char *errbuf);

/**
 * As `pcap_remoteact_accept`; with TLS where `uses_ssl` is not 0.
 *
 * # Safety
 *
 * As for `pcap_remoteact_accept`.
 *
 * # Returns
 *
 * As for `pcap_remoteact_accept`.
 */
int pcap_remoteact_accept_ex(const char *address,
                             const char *port,
                             const char *hostlist,
                             char *connectinghost,
                             struct pcap_rmtauth *auth,
                             int uses_ssl,
                             char *errbuf);

/**
 * Lists the hosts that were accepted by `pcap_remoteact_accept`, separated by `sep`.
 *
 * # Safety
 *
 * `hostlist` has room for `size` bytes; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0; a negative value and a text in `errbuf` when it fails.
 */
int pcap_remoteact_list(char *hostlist, char sep, int size, char *errbuf);

/**
 * Ends the connection with a host that was accepted by `pcap_remoteact_accept`.
 *
 * # Safety
 *
 * `host` is a C string; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0; a negative value and a text in `errbuf` when it fails.
 */
int pcap_remoteact_close(const char *host, char *errbuf);

/**
 * Stops waiting for hosts.
 */
void pcap_remoteact_cleanup(void);

/**
 * Opens a savefile, pcap or pcapng; "-" is standard input.
 *
 * # Safety
 *
 * `fname` is null or a C string; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * The handle; null and a text in `errbuf` when it fails.
 */
pcap_t *pcap_open_offline(const char *fname, char *errbuf);

/**
 * Opens a savefile whose stamps are to be delivered as `PCAP_TSTAMP_PRECISION_MICRO` or
 * `PCAP_TSTAMP_PRECISION_NANO`.
 *
 * # Safety
 *
 * As for `pcap_open_offline`.
 *
 * # Returns
 *
 * The handle; null and a text in `errbuf` when it fails.
 */
pcap_t *pcap_open_offline_with_tstamp_precision(const char *fname, unsigned int precision, char *errbuf);

/**
 * Opens a savefile on a stream, which `pcap_close` closes.
 *
 * # Safety
 *
 * `fp` is a stream open for reading; `errbuf` has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * The handle; null and a text in `errbuf` when it fails.
 */
pcap_t *pcap_fopen_offline(FILE *fp, char *errbuf);

/**
 * Opens a savefile on a stream, its stamps to be delivered as `PCAP_TSTAMP_PRECISION_MICRO` or
 * `PCAP_TSTAMP_PRECISION_NANO`.
 *
 * # Safety
 *
 * As for `pcap_fopen_offline`.
 *
 * # Returns
 *
 * The handle; null and a text in `errbuf` when it fails.
 */
pcap_t *pcap_fopen_offline_with_tstamp_precision(FILE *fp, unsigned int precision, char *errbuf);

/**
 * Makes a handle without a capture, to compile filters and write savefiles for a link type.
 *
 * # Returns
 *
 * The handle; null when there is no memory or no libpcap.
 */
pcap_t *pcap_open_dead(int linktype, int snaplen);

/**
 * Makes a handle without a capture, for stamps in `PCAP_TSTAMP_PRECISION_MICRO` or `PCAP_TSTAMP_PRECISION_NANO`.
 *
 * # Returns
 *
 * The handle; null when there is no memory or no libpcap.
 */
pcap_t *pcap_open_dead_with_tstamp_precision(int linktype,
                                             int snaplen,
                                             unsigned int precision);

/**
 * Opens a savefile to be written, for the packets of `p`; "-" is standard output.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `fname` is a C string, or null on a handle for NFLOG.
 *
 * # Returns
 *
 * What `pcap_dump` takes; null and a text in `pcap_geterr` when it fails, or when `p` was not activated.
 */
pcap_dumper_t *pcap_dump_open(pcap_t *p, const char *fname);

/**
 * Opens a savefile to be written on a stream, which `pcap_dump_close` closes.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `fp` is a stream open for writing.
 *
 * # Returns
 *
 * What `pcap_dump` takes; null and a text in `pcap_geterr` when it fails, or when `p` was not activated.
 */
pcap_dumper_t *pcap_dump_fopen(pcap_t *p, FILE *fp);

/**
 * Opens a savefile to add packets to its end: its link type, snapshot length and precision must be the handle's.
 * One that is missing or empty is begun.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `fname` is a C string, or null on a handle for NFLOG.
 *
 * # Returns
 *
 * What `pcap_dump` takes; null and a text in `pcap_geterr` when it fails, or when `p` was not activated.
 */
pcap_dumper_t *pcap_dump_open_append(pcap_t *p,
                                     const char *fname);

/**
 * Writes a packet to a savefile. May be given to `pcap_loop` and `pcap_dispatch` as their callback.
 *
 * # Safety
 *
 * `user` is a `pcap_dumper_t` that was not closed; `h` and `sp` are a packet's header and its `caplen` bytes.
 */
void pcap_dump(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *sp);

/**
 * The stream of a savefile being written.
 *
 * # Safety
 *
 * `p` is a savefile that was not closed.
 *
 * # Returns
 *
 * The stream.
 */
FILE *pcap_dump_file(pcap_dumper_t *p);

/**
 * How many bytes a savefile has, those included that were not flushed yet.
 *
 * # Safety
 *
 * `p` is a savefile that was not closed.
 *
 * # Returns
 *
 * The position in bytes, or -1.
 */
long pcap_dump_ftell(pcap_dumper_t *p);

/**
 * How many bytes a savefile has, those included that were not flushed yet, also above 2 GiB where long has 32 bits.
 *
 * # Safety
 *
 * `p` is a savefile that was not closed.
 *
 * # Returns
 *
 * The position in bytes, or -1.
 */
int64_t pcap_dump_ftell64(pcap_dumper_t *p);

/**
 * Hands what was written to the kernel.
 *
 * # Safety
 *
 * `p` is a savefile that was not closed.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR`.
 */
int pcap_dump_flush(pcap_dumper_t *p);

/**
 * Closes a savefile that was written.
 *
 * # Safety
 *
 * `p` is a savefile that was not closed.
 */
void pcap_dump_close(pcap_dumper_t *p);

/**
 * The stream that a handle reads a savefile from.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * The stream; null for a capture.
 */
FILE *pcap_file(pcap_t *p);

/**
 * Whether a savefile's byte order is not this host's.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 1 if it is not, 0 if it is and for a capture; `PCAP_ERROR_NOT_ACTIVATED`.
 */
int pcap_is_swapped(pcap_t *p);

/**
 * The major number of a savefile's format.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * The number; 0 for a capture; `PCAP_ERROR_NOT_ACTIVATED`.
 */
int pcap_major_version(pcap_t *p);

/**
 * The minor number of a savefile's format.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * The number; 0 for a capture; `PCAP_ERROR_NOT_ACTIVATED`.
 */
int pcap_minor_version(pcap_t *p);

/**
 * Counts of the capture so far: `ps_recv` packets delivered, `ps_drop` packets lost between the rule and the
 * reader, exactly, up to the last packet received; `ps_ifdrop` is 0. Each wraps around at 32 bits. Of two processes that
 * read one handle after a fork, each counts the other's packets as lost.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `ps` can be written.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_NOT_ACTIVATED` or `PCAP_ERROR`.
 */
int pcap_stats(pcap_t *p,
               struct pcap_stat *ps);

/**
 * The snapshot length: no record's caplen is larger. For link type NFLOG it has room for the attributes besides
 * the packet.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * The length in bytes, or `PCAP_ERROR_NOT_ACTIVATED`.
 */
int pcap_snapshot(pcap_t *p);

/**
 * The size of the buffer that a batch is received into.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * The size in bytes, or `PCAP_ERROR_NOT_ACTIVATED`.
 */
int pcap_bufsize(pcap_t *p);

/**
 * The netlink socket's descriptor. To wait on, take `pcap_get_selectable_fd`: packets may be in the process while
 * the socket has none.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * The descriptor, or -1 before activation.
 */
int pcap_fileno(pcap_t *p);

/**
 * A descriptor for select(2), poll(2) and epoll(7): readable while a read would find a packet, in the kernel or
 * among those of the last batch.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * The descriptor, or -1 before activation and when the process has no descriptor left.
 */
int pcap_get_selectable_fd(pcap_t *p);

/**
 * How often a read must be tried whatever the selectable descriptor says: never for NFLOG.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * Null for no such need, or the time.
 */
const struct timeval *pcap_get_required_select_timeout(pcap_t *p);

/**
 * Sets non-blocking mode: reads return at once. Before activation it is remembered.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0, or `PCAP_ERROR` and a text in `errbuf`.
 */
int pcap_setnonblock(pcap_t *p, int nonblock, char *errbuf);

/**
 * Whether the handle is in non-blocking mode.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `errbuf` is null or has room for `PCAP_ERRBUF_SIZE` bytes.
 *
 * # Returns
 *
 * 0 or 1, `PCAP_ERROR_NOT_ACTIVATED`, or `PCAP_ERROR` and a text in `errbuf`.
 */
int pcap_getnonblock(pcap_t *p, char *errbuf);

/**
 * Chooses packets by their way: `PCAP_D_IN` those of the hooks PREROUTING, INPUT and ingress, `PCAP_D_OUT` those of
 * OUTPUT and POSTROUTING, `PCAP_D_INOUT` all. Forwarded packets go both ways.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_NOT_ACTIVATED`, or `PCAP_ERROR` for an unknown direction.
 */
int pcap_setdirection(pcap_t *p,
                      pcap_direction_t d);

/**
 * The text of the handle's last error.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * A C string that stays until the handle is closed; its text changes with the next error.
 */
char *pcap_geterr(pcap_t *p);

/**
 * Prints the text of the handle's last error on standard error, after `prefix` and a colon.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `prefix` is null or a C string.
 */
void pcap_perror(pcap_t *p, const char *prefix);

/**
 * Chooses whose clock stamps the packets. NFLOG has `PCAP_TSTAMP_HOST` only.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0; `PCAP_WARNING_TSTAMP_TYPE_NOTSUP` for a type that the device does not have, which changes nothing; or
 * `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_tstamp_type(pcap_t *p, int tstamp_type);

/**
 * Lists the time stamp types of a handle, activated or not.
 *
 * # Safety
 *
 * `p` is a handle that was not closed; `tstamp_typesp` can be written.
 *
 * # Returns
 *
 * How many there are, with `*tstamp_typesp` an array to be freed by `pcap_free_tstamp_types`; or `PCAP_ERROR`.
 */
int pcap_list_tstamp_types(pcap_t *p,
                           int **tstamp_typesp);

/**
 * Frees an array of `pcap_list_tstamp_types`.
 *
 * # Safety
 *
 * `tstamp_types` is null, or such an array that was not freed.
 */
void pcap_free_tstamp_types(int *tstamp_types);

/**
 * The time stamp type of a name, "host" for example, in any case.
 *
 * # Safety
 *
 * `name` is a C string.
 *
 * # Returns
 *
 * `PCAP_TSTAMP_*`, or `PCAP_ERROR` for an unknown name.
 */
int pcap_tstamp_type_name_to_val(const char *name);

/**
 * The name of a time stamp type.
 *
 * # Returns
 *
 * A C string that stays for ever, or null for an unknown type.
 */
const char *pcap_tstamp_type_val_to_name(int tstamp_type);

/**
 * What a time stamp type is, in words.
 *
 * # Returns
 *
 * A C string that stays for ever, or null for an unknown type.
 */
const char *pcap_tstamp_type_val_to_description(int tstamp_type);

/**
 * Chooses the unit of a stamp's fraction: `PCAP_TSTAMP_PRECISION_MICRO`, the default, or
 * `PCAP_TSTAMP_PRECISION_NANO`.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * 0, `PCAP_ERROR_TSTAMP_PRECISION_NOTSUP` or `PCAP_ERROR_ACTIVATED`.
 */
int pcap_set_tstamp_precision(pcap_t *p, int tstamp_precision);

/**
 * The unit of a stamp's fraction, before and after activation.
 *
 * # Safety
 *
 * `p` is a handle that was not closed.
 *
 * # Returns
 *
 * `PCAP_TSTAMP_PRECISION_MICRO` or `PCAP_TSTAMP_PRECISION_NANO`.
 */
int pcap_get_tstamp_precision(pcap_t *p);

/**
 * The version of the system's libpcap and that of this library: "libpcap version 1.10.3 (pcap-nflog 0.1.0, with
 * TPACKET_V3)". Without a libpcap it is that of the interface: "libpcap version 1.10.0 (pcap-nflog 0.1.0, without
 * libpcap)".
 *
 * # Returns
 *
 * A C string that stays for ever.
 */
const char *pcap_lib_version(void);

#ifdef __cplusplus
}
#endif

#endif /* PCAP_NFLOG_H */
