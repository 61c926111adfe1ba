package trisul

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/trisul/plugin"
	"eddy/internal/script/vm"
)

// Input is an inputfilter: a source whose packets a script makes. Next and Close belong to the goroutine of the engine that
// the script was given, as the script may count and raise alerts there too.
type Input struct {
	engine  object.Engine
	in      *instance.Instance
	step    *instance.Hook
	alert   *instance.Hook
	packet  object.Input
	started bool // onload was called
	over    bool // no more packets
	closed  bool
	fails   int // in a row
	wake    chan struct{}

	packets, bytes atomic.Uint64
}

var _ capture.Source = (*Input)(nil)

const (
	maxSteps   = 1000                  // calls of step without a packet, before the engine may look after other things
	maxFails   = 1000                  // in a row, before the source ends
	alertPause = 10 * time.Millisecond // between two looks for alerts, where there are no packets
)

// Input opens the state of the input filter for an engine; nil when there is none.
func (p *Plugins) Input(engine object.Engine) (*Input, error) {
	var source *Input
	for _, l := range p.list {
		for i := range l.Types {
			t := &l.Types[i]
			if t.Kind.Side != plugin.Input {
				continue
			}
			if source != nil {
				return nil, fmt.Errorf("%s: there can be one inputfilter only, and %s has one", l.File, source.in.Plugin.File)
			}
			in, err := p.instance(l, t, &object.Moment{Lane: engine, Engine: engine}, nil, true)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.File, err)
			}
			source = &Input{engine: engine, in: in, step: in.Hook("step"), alert: in.Hook("step_alert"), wake: make(chan struct{}, 1)}
			if source.step == nil && source.alert == nil {
				return nil, fmt.Errorf("%v: the inputfilter has neither step nor step_alert", place(in))
			}
		}
	}
	return source, nil
}

// Next implements capture.Source.
func (s *Input) Next(f *packet.Frame) error {
	if !s.started {
		s.started = true
		if s.over = !s.in.Start(); s.over {
			return fmt.Errorf("%s: onload did not go well, or returned false: the inputfilter brings no packets", s.in.Plugin.File)
		}
	}
	for range maxSteps {
		switch {
		case s.over:
			return io.EOF
		case s.fails >= maxFails:
			s.over = true
			return fmt.Errorf("%s: the inputfilter has failed %d times in a row", s.in.Plugin.File, s.fails)
		}
		alerted := s.alert != nil && s.stepAlert()
		if s.step == nil {
			if !alerted {
				s.pause()
				return capture.ErrIdle
			}
			continue
		}
		if s.stepPacket() {
			in := &s.packet
			*f = packet.Frame{
				Data: in.Bytes, Time: in.Time, Number: s.packets.Add(1), Wire: uint32(len(in.Bytes)), Link: in.Link,
			}
			s.bytes.Add(uint64(len(in.Bytes)))
			return nil
		}
	}
	return capture.ErrIdle
}

// pause waits until it is time to look for alerts again.
func (s *Input) pause() {
	t := time.NewTimer(alertPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.wake:
	}
}

// Wake makes a Next that waits return. Any goroutine may call it.
func (s *Input) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// stepPacket calls step, and says whether it has made a packet.
func (s *Input) stepPacket() bool {
	m := s.in.Moment
	handle := m.Next()
	s.packet.Set = false
	m.Input = &s.packet
	defer m.Forget()
	if !s.step.With(vm.HandleValue(handle)).Call() {
		s.fails++
		return false
	}
	s.fails = 0
	s.over = !s.step.Result().Truth()
	return s.packet.Set
}

// stepAlert calls step_alert, and says whether it has brought an alert.
func (s *Input) stepAlert() bool {
	s.in.Moment.Next()
	defer s.in.Moment.Forget()
	if !s.alert.With().Call() {
		s.fails++
		return false
	}
	if s.step == nil {
		s.fails = 0
	}
	t, ok := s.alert.Result().AsTable()
	if !ok {
		return false
	}
	a, label, err := newAlert(t)
	if err != nil {
		s.alert.Fault(err.Error())
		return false
	}
	if label != "" {
		s.engine.UpdateKeyInfo(signaturesGUID, a.Key, label, "")
	}
	s.engine.AddAlert(a)
	return true
}

// Stats implements capture.Source.
func (s *Input) Stats() capture.Stats {
	return capture.Stats{Packets: s.packets.Load(), Bytes: s.bytes.Load()}
}

// Close implements capture.Source: onunload.
func (s *Input) Close() error {
	if s.started && !s.closed {
		s.in.Stop()
	}
	s.started, s.over, s.closed = true, true, true
	return nil
}
