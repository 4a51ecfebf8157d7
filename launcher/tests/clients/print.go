// Prints the payloads of three UDP datagrams over IPv4, with gopacket.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcap"
)

func main() {
	handle, err := pcap.OpenLive(os.Args[1], 65535, false, 100*time.Millisecond)
	if err == nil {
		err = handle.SetBPFFilter(os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "ready")
	packets := 0
	for packet := range gopacket.NewPacketSource(handle, handle.LinkType()).Packets() {
		fmt.Println(string(packet.ApplicationLayer().Payload()))
		if packets++; packets == 3 {
			return
		}
	}
}
