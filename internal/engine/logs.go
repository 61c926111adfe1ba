package engine

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"eddy/internal/base/syslog"
	"eddy/internal/config/model"
)

// logBook keeps one Logger for each distinct list of targets, so that ten frontends with "log global" share one
// connection to the log server.
type logBook struct {
	opts   syslog.Options
	global []model.Log
	byKey  map[string]*syslog.Logger
	order  []*syslog.Logger
}

func newLogBook(g *model.Global) *logBook {
	tag := g.LogTag
	if tag == "" {
		tag = "eddy"
	}
	return &logBook{
		opts:   syslog.Options{Tag: tag, Host: g.LogSendHost},
		global: g.Logs,
		byKey:  map[string]*syslog.Logger{},
	}
}

// logger gives the Logger for a section's "log" lines; nil when there are none.
func (b *logBook) logger(lines []model.Log) (*syslog.Logger, error) {
	var targets []syslog.Target
	for i := range lines {
		if lines[i].Global {
			for j := range b.global {
				targets = append(targets, target(&b.global[j]))
			}
			continue
		}
		targets = append(targets, target(&lines[i]))
	}
	if len(targets) == 0 {
		return nil, nil
	}
	key := fmt.Sprint(targets)
	if l, ok := b.byKey[key]; ok {
		return l, nil
	}
	l, err := syslog.Open(targets, b.opts)
	if err != nil {
		return nil, err
	}
	b.byKey[key] = l
	b.order = append(b.order, l)
	return l, nil
}

// close lets every target take what waits for it, until ctx is done.
func (b *logBook) close(ctx context.Context) error {
	var first error
	for _, l := range b.order {
		if err := l.Close(ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// dropped is the number of lines lost so far.
func (b *logBook) dropped() uint64 {
	var n uint64
	for _, l := range b.order {
		n += l.Dropped()
	}
	return n
}

// target translates a "log" line, whose words the configuration's check has found good.
func target(m *model.Log) syslog.Target {
	t := syslog.Target{MaxLen: m.MaxLen, Level: syslog.Debug}
	if l, ok := syslog.ParseLevel(m.Level); ok {
		t.Level = l
	}
	if l, ok := syslog.ParseLevel(m.MinLevel); ok {
		t.MinLevel = l
	}
	if f, ok := syslog.ParseFacility(m.Facility); ok {
		t.Facility = f
	}
	if f, ok := syslog.ParseFormat(m.Format); ok {
		t.Format = f
	}
	for i := 0; i+1 < len(m.SampleLo); i += 2 {
		t.Sample = append(t.Sample, [2]int{m.SampleLo[i], m.SampleLo[i+1]})
	}
	t.SampleOf = m.SampleN
	switch {
	case m.FD != 0:
		t.Network, t.FD = "fd", m.FD
	case m.Addr.Kind == model.AddrFD:
		t.Network, t.FD = "fd", m.Addr.FD
	case m.Addr.Kind == model.AddrUnix:
		t.Network, t.Addr = "unixgram", m.Addr.Path
	case m.Addr.Kind == model.AddrAbstract:
		t.Network, t.Addr = "unixgram", "@"+m.Addr.Path
	default:
		t.Network = "udp"
		if m.TCP {
			t.Network = "tcp"
		}
		t.Addr = net.JoinHostPort(hostOr(m.Addr.Host, "127.0.0.1"), strconv.Itoa(portOr(m.Addr.Port, 514)))
	}
	return t
}

func hostOr(host, otherwise string) string {
	if host == "" || host == "*" {
		return otherwise
	}
	return strings.Trim(host, "[]")
}

func portOr(port, otherwise int) int {
	if port == 0 {
		return otherwise
	}
	return port
}
