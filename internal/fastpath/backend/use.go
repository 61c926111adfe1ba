package backend

import (
	"context"
	"errors"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// Use is one stream's use of a server: a slot on it, and a connection. Its zero value holds nothing. It belongs to the
// stream's goroutine.
type Use struct {
	Pool    *Pool
	Session *Session        // the client connection's; may be nil
	Client  *wire.Conn      // looked at while waiting, with option abortonclose; may be nil
	Ctx     context.Context // ends waits and attempts to connect; nil: the Pool's
	Conn    *Conn           // after Acquire
	srv     *server
	avoid   *server // the server to stay away from on this attempt
	fresh   bool    // take no idle connection
}

// Acquire gets a connection for the next attempt to serve tx: it chooses a server (unless the attempt is to go to the
// same one again), waits for a slot, and takes an idle connection or makes one, with the configured retries. It sets
// tx.Server, tx.Times, tx.Retries and tx.Redisp. The error tells by State what to log.
func (u *Use) Acquire(tx *txn.Txn) error {
	for {
		if u.srv == nil {
			srv, err := u.Pool.assign(u.ctx(), tx, u.avoid, u.Client)
			if err != nil {
				return err
			}
			u.srv, u.avoid = srv, nil
			tx.Server = srv.Server
		}
		err := u.connect(tx)
		if err == nil {
			return nil
		}
		if errors.Is(err, ErrClientGone) || errors.Is(err, ErrClosed) {
			u.giveUp()
			return err
		}
		if !u.mayRetry(tx, u.Pool.m.RetryOn.ConnFailure || tx.Mode == model.ModeTCP) {
			u.giveUp()
			return err
		}
		if err := u.again(tx, true); err != nil {
			u.giveUp()
			return err
		}
	}
}

func (u *Use) ctx() context.Context {
	if u.Ctx != nil {
		return u.Ctx
	}
	return u.Pool.ctx
}

// connect takes an idle connection or makes one.
func (u *Use) connect(tx *txn.Txn) error {
	if tx.Mode == model.ModeHTTP && !u.fresh {
		if c := u.srv.reusable(u.Session, tx.Conn.Reqs <= 1); c != nil {
			u.have(tx, c)
			return nil
		}
	}
	if tx.Times.Queue.IsZero() {
		tx.Times.Queue = time.Now() // it did not wait: from here on the time counts as connecting
	}
	c, err := u.srv.dial(u.ctx(), tx, u.Client)
	if err != nil {
		return err
	}
	u.have(tx, c)
	u.srv.ConnsTot.Add(1)
	return nil
}

// have makes c the connection of the attempt.
func (u *Use) have(tx *txn.Txn, c *Conn) {
	u.Conn = c
	c.uses++
	tx.Times.Connect = time.Now()
	if tx.Times.Queue.IsZero() {
		tx.Times.Queue = tx.Times.Connect
	}
	tx.BackSrc, tx.BackDst, tx.Reused = c.local, c.remote, c.uses > 1
}

// Redo drops the connection, an idle one that turned out to be dead before anything happened, for a new one to the
// same server. It is no retry.
func (u *Use) Redo() {
	u.Conn.discard()
	u.Conn = nil
	u.fresh = true
}

// Retry drops the connection after a failure and prepares another attempt; Acquire comes next. It is false when the
// number of retries is used up or the client went away.
func (u *Use) Retry(tx *txn.Txn) bool {
	if !u.mayRetry(tx, !tx.NoRetry) {
		return false
	}
	u.Conn.discard()
	u.Conn = nil
	u.fresh = true
	return u.again(tx, false) == nil
}

// mayRetry says whether the configuration allows one more attempt.
func (u *Use) mayRetry(tx *txn.Txn, on bool) bool { return on && tx.Retries < u.Pool.m.Retries }

// again counts a retry and decides whether it goes to another server. To the same one it waits before connecting
// (turn-around), so that a server that restarts is not hammered.
func (u *Use) again(tx *txn.Txn, pause bool) error {
	p := u.Pool
	tx.Retries++
	p.px.Back.Retries.Add(1)
	u.srv.Retries.Add(1)
	if u.elsewhere(tx) {
		tx.Redisp = true
		p.px.Back.Redisp.Add(1)
		u.srv.Redisp.Add(1)
		u.avoid = u.srv
		u.srv.leave()
		u.srv = nil
		return nil
	}
	if !pause {
		return nil
	}
	turn := timer(turnAround(p.m))
	defer turn.stop()
	if turn.c == nil {
		return nil
	}
	look := lookTimer(u.Client, p.m)
	defer look.stop()
	for {
		select {
		case <-turn.c:
			return nil
		case <-u.ctx().Done():
			return ErrClosed
		case <-look.c:
			if gone(u.Client) {
				return ErrClientGone
			}
			look.again(clientLook)
		}
	}
}

// turnAround is the pause before the same server is tried again (configuration.txt, retries).
func turnAround(m *model.Proxy) time.Duration {
	if m.Timeouts.Connect > 0 {
		return min(m.Timeouts.Connect, time.Second)
	}
	return time.Second
}

// elsewhere says whether this retry goes to another server: always when the balancing ties the stream to none and
// there are others, else by "option redispatch".
func (u *Use) elsewhere(tx *txn.Txn) bool {
	m := u.Pool.m
	others := 0
	for _, s := range u.Pool.servers {
		if s != u.srv && s.Usable() && s.Weight.Load() > 0 && !s.Model.Backup {
			others++
		}
	}
	if roundRobinKind(m) && len(m.UseServer) == 0 && others > 0 {
		return true
	}
	if !m.Options.Redispatch {
		return false
	}
	switch every := m.Options.RedispatchEvery; {
	case every > 0:
		return tx.Retries%every == 0
	case every < 0:
		return tx.Retries == m.Retries+1+every
	}
	return tx.Retries == m.Retries
}

// Release ends the use. With keep the connection has a whole answer behind it and nothing more to read: it is kept
// for others or the session as "http-reuse" says; without, it is closed.
func (u *Use) Release(keep bool) {
	if u.Conn != nil {
		if keep {
			u.srv.store(u.Conn, u.Session)
		} else {
			u.Conn.discard()
		}
		u.Conn = nil
	}
	u.giveUp()
}

// giveUp gives the slot back.
func (u *Use) giveUp() {
	if u.srv != nil {
		u.srv.leave()
		u.srv = nil
	}
	u.avoid, u.fresh = nil, false
}
