package stream

import (
	"time"

	"eddy/internal/fastpath/txn"
)

// finish counts the transaction's end and logs it.
func (s *stream) finish() {
	tx := &s.tx
	for _, n := range s.c.counts() {
		if n == nil {
			continue
		}
		n.BytesIn.Add(tx.BytesIn)
		n.BytesOut.Add(tx.BytesOut)
		if s.answered > 0 {
			n.Status[statusClass(s.answered)].Add(1)
		}
	}
	if s.b != nil {
		n := &s.b.Proxy.Back
		n.BytesIn.Add(tx.BytesIn)
		n.BytesOut.Add(tx.BytesOut)
		n.Conns.Add(-1)
		if s.answered > 0 {
			n.Reqs.Add(1)
			n.Status[statusClass(s.answered)].Add(1)
		}
	}
	if v := tx.Server; v != nil {
		v.BytesIn.Add(tx.BytesIn)
		v.BytesOut.Add(tx.BytesOut)
		if s.answered > 0 {
			v.Reqs.Add(1)
			v.Status[statusClass(s.answered)].Add(1)
		}
	}
	if s.f.Log != nil && s.f.LogFormat != nil && s.logged() {
		s.log()
	}
}

// statusClass is the index into proxy.Counts.Status.
func statusClass(status int) int {
	if status < 100 || status > 599 {
		return 0
	}
	return status / 100
}

// smooth says that nothing went wrong (configuration.txt §8.3.4).
func (s *stream) smooth() bool {
	tx := &s.tx
	return (tx.Err[0] == '-' || tx.Err[0] == 'L') && tx.Retries == 0 && !tx.Redisp && s.answered < 500
}

// logged says whether the options want a line for this transaction.
func (s *stream) logged() bool {
	o := &s.f.m.Options
	switch {
	case s.quiet || s.tx.LogLevel == -2:
		return false
	case o.DontLogNormal && s.smooth():
		return false
	case o.DontLogNull && !s.modeHTTP() && s.tx.BytesIn == 0 && s.tx.BytesOut == 0:
		return false
	}
	return true
}

// log writes the line.
func (s *stream) log() {
	tx := &s.tx
	tx.Stage = txn.StageLog
	tx.Times.End = time.Now()
	level := levelInfo
	switch {
	case tx.LogLevel >= 0:
		level = int(tx.LogLevel)
	case s.f.m.Options.LogSeparateErrors && !s.smooth():
		level = levelErr
	}
	format := s.f.LogFormat
	if s.f.ErrFormat != nil && tx.Times.ReqHeaders.IsZero() && tx.Err[0] != '-' {
		format = s.f.ErrFormat
	}
	line := s.f.Pools.Full()
	b := format.Append(line.B[:0], tx)
	s.f.Log.Log(level, b)
	s.f.Pools.Put(line)
}
