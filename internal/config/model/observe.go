package model

import (
	"net/netip"
	"time"

	"eddy/internal/config/diag"
)

// Observe is a section "observe", or what the command "eddy observe" was given: one observed lane.
type Observe struct {
	Name string
	Pos  diag.Pos

	Read      []string // capture files in order; "-" is standard input
	Interface string   // live capture; "" with Read or with an input filter script
	BPF       string   // filter expression in tcpdump's language; "": all packets
	SnapLen   int      // bytes of a packet that a live capture keeps; 0: all
	RingSize  int64    // bytes of the live capture's ring, for each engine; 0: default
	Fanout    int      // PACKET_FANOUT group; 0: one of the process's own

	Scripts []string // plugin files and folders
	Engines int      // 0: one for each core

	Eve      string        // file for EVE JSON; "": none, "-": standard output
	EveTypes []string      // event types that are written there; nil: all
	Ramfs    string        // folder for extracted files; "": one of the process's own under the shared-memory file system
	RamfsMax int64         // bytes that extracted files may take; 0: default
	Hashes   []string      // "md5", "sha1", "sha256": computed for each file while it passes
	KeepDir  string        // folder that whole files are kept in, in hexadecimal by hash as names; "": none
	Store    string        // pcap file for packet_storage; "": nothing is stored
	Bucket   time.Duration // counters' time bucket; 0: 60 s

	MaxFlows       int   // of each engine; 0: default
	MaxStreamBytes int64 // waiting for a gap to fill, of one flow; 0: default
	MaxHeldBytes   int64 // the same of all flows of an engine; 0: default
	LastWins       bool  // overlapping segments: the later bytes win
	TimeoutTCP     time.Duration
	TimeoutUDP     time.Duration
	TimeoutOther   time.Duration

	AsyncMaxEntries int           // work that waits or runs off the path; 0: 100,000
	AsyncMaxBytes   int64         // the same in bytes; 0: 256 MB
	StopTimeout     time.Duration // what asynchronous work has at the end of a live capture; 0: 5 s
	HookTimeout     time.Duration // what a hook may compute for between two waits; 0: 1 s, < 0: no bound

	HomeNets []netip.Prefix    // T.host:is_homenet; nil: RFC 1918 and unique local addresses
	Args     string            // T.args
	Env      map[string]string // T.env.get_config: path "App>User" to value
}
