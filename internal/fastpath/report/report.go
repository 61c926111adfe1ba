// Package report has what an observed lane tells about itself: plain data, written by the lane and shown by the
// command. The names in JSON are those of "eddy observe --json", and stable.
package report

import "time"

// Lane is what one observed lane has done, so far or in all. Whoever is given one may keep it: the lane does not write to
// it again.
type Lane struct {
	Name    string        `json:"name"`
	Inputs  []Input       `json:"inputs"` // capture files in order, or the interface
	Engines int           `json:"engines"`
	Began   time.Time     `json:"began"`      // by the wall clock
	Elapsed time.Duration `json:"elapsed_ns"` // by the wall clock, since Began
	Over    bool          `json:"over"`       // the lane has ended

	First time.Time `json:"first,omitzero"` // time stamps of the first and the last packet
	Last  time.Time `json:"last,omitzero"`

	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"` // on the wire, link headers included

	Flows   Flows   `json:"flows"`
	Files   Files   `json:"files"`
	Learned []Count `json:"learned,omitempty"` // "HTTP requests", "DNS messages" and so on, in the order to show them

	Groups    []Group `json:"groups,omitempty"`    // counter groups that have counted something
	Alerts    []Count `json:"alerts,omitempty"`    // by signature, most first
	Resources []Count `json:"resources,omitempty"` // by resource group

	Async   []Async  `json:"async,omitempty"`  // of plugins that have scheduled something
	Jobs    []Jobs   `json:"jobs,omitempty"`   // that plugins have pushed to queues
	Queues  []Queue  `json:"queues,omitempty"` // of a lane with queues of its own: those in which something is left
	Scripts []Script `json:"scripts,omitempty"`

	Drops    []Count `json:"drops,omitempty"`    // what was lost, by reason: "packets, the kernel's ring was full"
	Problems []Count `json:"problems,omitempty"` // what was wrong with packets, by kind: "truncated TCP header"
}

// Count is a number with a name.
type Count struct {
	Name string `json:"name"`
	N    uint64 `json:"n"`
}

// Input is a capture file or an interface.
type Input struct {
	Name    string `json:"name"`
	Packets uint64 `json:"packets"`
	Error   string `json:"error,omitempty"` // why reading ended early, with the place in the file
}

// Flows counts flows by their protocol.
type Flows struct {
	TCP     uint64 `json:"tcp"`
	UDP     uint64 `json:"udp"`
	Other   uint64 `json:"other"`
	Most    uint64 `json:"most"`    // at once; of several engines, the sum of each one's most
	Evicted uint64 `json:"evicted"` // ended early, because the table was full
}

// All is the number of flows.
func (f Flows) All() uint64 { return f.TCP + f.UDP + f.Other }

// Files counts extracted files.
type Files struct {
	Whole     uint64 `json:"whole"`
	Truncated uint64 `json:"truncated"` // with a gap, or cut off
	Bytes     uint64 `json:"bytes"`
	Kept      uint64 `json:"kept"` // in the folder to keep them in
}

// All is the number of files.
func (f Files) All() uint64 { return f.Whole + f.Truncated }

// Group is a counter group with its largest keys by its first meter, over the whole time.
type Group struct {
	GUID  string `json:"guid"`
	Name  string `json:"name"`
	Meter string `json:"meter"`          // the meter's name
	Unit  string `json:"unit,omitempty"` // UnitBytes, or what the group calls it
	Keys  int    `json:"keys"`           // that were counted
	Top   []Key  `json:"top"`            // largest first; at most TopKeys
}

// UnitBytes is the unit of meters that count bytes.
const UnitBytes = "bytes"

// TopKeys is how many keys of a group a lane gives.
const TopKeys = 10

// Key is a key of a counter group.
type Key struct {
	Key   string  `json:"key"`
	Label string  `json:"label,omitempty"` // what people call it
	Value float64 `json:"value"`
}

// Async is the asynchronous work of one plugin. What was scheduled is in the end done, failed or dropped; what was
// refused never was scheduled.
type Async struct {
	Plugin    string  `json:"plugin"`
	Workers   int     `json:"workers"`
	Scheduled uint64  `json:"scheduled"`
	Done      uint64  `json:"done"`
	Failed    uint64  `json:"failed"`            // of Done: those that ended with an error
	Refused   []Count `json:"refused,omitempty"` // by reason
	Dropped   []Count `json:"dropped,omitempty"` // by what it was: "schedule, hash.lua:12"
	Results   uint64  `json:"results"`           // given to onresult
	Lost      uint64  `json:"lost,omitempty"`    // results whose engine had gone
}

// Jobs are those that the hooks of one plugin have pushed to queues. Each is in the end done, dead, removed, left or untold.
type Jobs struct {
	Plugin  string `json:"plugin"`
	Pushed  uint64 `json:"pushed"`
	Done    uint64 `json:"done"`
	Dead    uint64 `json:"dead,omitempty"`    // no attempt was left, or none could help
	Removed uint64 `json:"removed,omitempty"` // deleted by an operator, or dropped because the queue was full
	Left    uint64 `json:"left,omitempty"`    // in their queues, when the lane ended
	Untold  uint64 `json:"untold,omitempty"`  // nobody waited for them: pushed in an onunload, or too many were on their way
	Results uint64 `json:"results,omitempty"` // given to onresult or onerror
	// NotPushed were refused by their queue, or the same unique work was there already.
	NotPushed uint64 `json:"not_pushed,omitempty"`
}

// Queue is what is left in a queue: on the disk it is kept, in memory it is lost.
type Queue struct {
	Name     string `json:"name"`
	Disk     bool   `json:"disk"`
	Ready    uint64 `json:"ready,omitempty"`
	Delayed  uint64 `json:"delayed,omitempty"`
	Retrying uint64 `json:"retrying,omitempty"` // they have failed, and are to be tried again
	Dead     uint64 `json:"dead,omitempty"`
}

// Script is a plugin that was loaded.
type Script struct {
	Plugin string   `json:"plugin"` // its id's name
	File   string   `json:"file"`
	Types  []string `json:"types"`
	Errors uint64   `json:"errors"` // hooks that ended with one
	First  string   `json:"first_error,omitempty"`
}
