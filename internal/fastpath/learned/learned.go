// Package learned has the plain data that the observed lane learns from traffic: alerts, resources, documents for full
// text search, files, and what HTTP, DNS and TLS said. A record is immutable once it was handed on.
package learned

import (
	"eddy/internal/fastpath/flow"
)

// Where says which flow something was learned from, and when.
type Where struct {
	Time   int64 // ns since 1970, of the packet that told
	Flow   flow.Key
	Serial uint64 // of the flow; 0: of none
	Engine int
}

// Record is one of the types of this package that has a line of its own in the output.
type Record interface{ At() *Where }

// At gives the place itself, so that every type with a Where is a Record.
func (w *Where) At() *Where { return w }

// Alert is something that wants attention (engine:add_alert and its kin).
type Alert struct {
	Where
	Group          string // GUID
	HasFlow        bool
	Key            string // signature, or the threshold's number
	Classification string
	Priority       int
	Message        string
	Status         string // "ALARM", "CLEAR", "FIRED", ...; "": none
	Threshold      bool   // add_alert_tca
	Extra          string // text beside the message (alert_monitor, extra_message)
	Acknowledged   int    // 1: somebody has seen to it
}

// Resource is a line of a log (engine:add_resource).
type Resource struct {
	Where
	Group    string // GUID
	HasFlow  bool
	URI      string // the key
	Contents string // at most 32 KiB
}

// Document is text for full text search: an HTTP header, a certificate chain, a DNS record.
type Document struct {
	Where
	Group string // GUID
	Text  string
}

// FlowRecord is a flow as it was at a moment.
type FlowRecord struct {
	Where
	State       flow.State
	Start, Last int64
	Count       [2]flow.Count // by direction
	RTT         int64
	Retransmits uint32
	Tags        []string
	App         string   // "http", "dns", "tls"; "": not recognised
	Why         flow.End // when it has ended
	Over        bool     // it has ended
}

// HTTP is one exchange, as far as it was seen.
type HTTP struct {
	Where
	Method, Host, Target, Version string
	UserAgent, Referer            string
	Status                        int // 0: no answer was seen
	ContentType                   string
	Length                        int64 // bytes of the decoded answer that were seen
	Exchange                      int   // place in its flow, from 0
}

// File is a body that was extracted.
type File struct {
	Where
	Name     string // the URI's path
	Host     string
	Method   string
	Dir      flow.Dir // ToServer: a request's body
	Status   int
	Type     string // Content-Type
	Size     int64
	Closed   bool // whole; else truncated
	Gaps     bool
	MD5      string // "" when not asked for
	SHA1     string
	SHA256   string
	Exchange int
	Stored   bool // kept beyond the lane's own use of it
}

// Link is an edge between two things (engine:add_edge).
type Link struct {
	Where
	FromGroup, From, ToGroup, To string
}

// KeyInfo is what people call a counter's key (engine:update_key_info, set_key_attribute).
type KeyInfo struct {
	Where
	Group, Key, Label, Description string
	Attribute, Value               string // when Attribute is not ""
}

// FlowReport is a flow that another device has told of (engine:new_flow_record).
type FlowReport struct {
	Time     int64  // ns since 1970
	Flow     string // flow id, such as "06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016"
	AZ, ZA   uint64 // bytes
	PacketAZ uint64
	PacketZA uint64
}
