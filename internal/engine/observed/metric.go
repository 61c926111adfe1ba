package observed

import (
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/shard"
	"eddy/internal/reentry"
)

// metric is what metric hooks may ask for: the ledger, and the way to the engines. All of it is for the ledger's
// goroutine.
type metric struct {
	lane  *Lane
	inbox *reentry.Inbox
}

// InstanceID is "0": there is one ledger.
func (m *metric) InstanceID() string { return "0" }

// Timestamp is the begin of the last bucket that was flushed, in ns since 1970.
func (m *metric) Timestamp() int64 { return m.lane.ledger.Timestamp() }

// Inbox is where results of work that metric hooks have scheduled come in.
func (m *metric) Inbox() *reentry.Inbox { return m.inbox }

// UpdateCounter counts.
func (m *metric) UpdateCounter(guid, key []byte, meter int, value float64) {
	m.lane.ledger.UpdateCounter(string(guid), string(key), meter, value)
}

// UpdateCounterRaw counts.
func (m *metric) UpdateCounterRaw(guid, key []byte, meter int, value float64) {
	m.UpdateCounter(guid, key, meter, value)
}

// UpdateKeyInfo says what people call a key.
func (m *metric) UpdateKeyInfo(guid, key, label, description string) {
	m.lane.ledger.Add(&learned.KeyInfo{Where: m.now(), Group: guid, Key: key, Label: label, Description: description})
}

// SetKeyAttribute adds a name and a value to a key.
func (m *metric) SetKeyAttribute(guid, key, name, value string) {
	m.lane.ledger.Add(&learned.KeyInfo{Where: m.now(), Group: guid, Key: key, Attribute: name, Value: value})
}

// AddAlert raises an alert.
func (m *metric) AddAlert(a *learned.Alert) {
	a.Time = m.Timestamp()
	m.lane.ledger.Add(a)
}

// AddResource adds a line to a log.
func (m *metric) AddResource(r *learned.Resource) {
	r.Time = m.Timestamp()
	m.lane.ledger.Add(r)
}

// AddEdge adds an edge between two things.
func (m *metric) AddEdge(e *learned.Link) {
	e.Time = m.Timestamp()
	m.lane.ledger.Add(e)
}

func (m *metric) now() learned.Where { return learned.Where{Time: m.Timestamp()} }

// TagFlow has the engine that has the flow tag it.
func (m *metric) TagFlow(flow, tag string) {
	m.lane.tell(int64(len(flow)+len(tag)), func(s *shard.Shard) { s.TagFlow(flow, tag) })
}

// AddFlowAttribute has the engine that has the flow tell its hooks.
func (m *metric) AddFlowAttribute(flow, name, value string) {
	m.lane.tell(int64(len(flow)+len(name)+len(value)), func(s *shard.Shard) { s.AddFlowAttribute(flow, name, value) })
}

// PostFrontend gives a message to the packet hooks of all engines.
func (m *metric) PostFrontend(id, text string) { m.lane.post(id, text) }

// PostBackend gives a message to the metric hooks.
func (m *metric) PostBackend(id, text string) { m.lane.ledger.Post(id, text) }

// post gives a message to all engines' packet hooks.
func (l *Lane) post(id, text string) {
	l.tell(int64(len(id)+len(text)), func(s *shard.Shard) { s.Message(id, text) })
}

// tell has all engines do something when they look at their inboxes. bytes is what f holds.
func (l *Lane) tell(bytes int64, f func(*shard.Shard)) {
	for _, e := range l.engines {
		if !e.inbox.Post(bytes, func() { f(e.shard) }) {
			l.untold.Add(1)
		}
	}
}
