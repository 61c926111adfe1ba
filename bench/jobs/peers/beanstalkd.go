package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"eddy/bench/jobs/load"
)

// beanstalkd has a connection for each producer and worker. Its protocol is told in protocol.txt of its sources.
type beanstalkd struct {
	address   string
	producers []*beanConn
}

// beanConn speaks to beanstalkd; one goroutine at a time.
type beanConn struct {
	c net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

// openBeanstalkd uses a server that is empty. address is its host and port.
func openBeanstalkd(ctx context.Context, _, address string, p load.Plan) (load.Subject, error) {
	q := &beanstalkd{address: address}
	for range p.Producers {
		c, err := dialBean(ctx, address)
		if err != nil {
			return nil, errors.Join(err, q.Close())
		}
		q.producers = append(q.producers, c)
	}
	return q, nil
}

func dialBean(ctx context.Context, address string) (*beanConn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &beanConn{c, bufio.NewReader(c), bufio.NewWriter(c)}, nil
}

// ask sends a command and gives the words of its answer, the first of which must be as wanted.
func (b *beanConn) ask(want, format string, args ...any) (rest string, err error) {
	if _, err := fmt.Fprintf(b.w, format, args...); err != nil {
		return "", err
	}
	if err := b.w.Flush(); err != nil {
		return "", err
	}
	line, err := b.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	word, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	if word != want {
		return "", fmt.Errorf("beanstalkd said %q, not %s", line, want)
	}
	return rest, nil
}

func (q *beanstalkd) Push(_ context.Context, producer int, payload []byte) error {
	_, err := q.producers[producer].ask("INSERTED", "put 0 0 60 %d\r\n%s\r\n", len(payload), payload)
	return err
}

func (q *beanstalkd) Work(ctx context.Context, workers int, done func()) error {
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for i := range workers {
		wg.Go(func() {
			if err := q.work(ctx, done); ctx.Err() == nil {
				errs[i] = err
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (q *beanstalkd) work(ctx context.Context, done func()) error {
	b, err := dialBean(ctx, q.address)
	if err != nil {
		return err
	}
	defer b.c.Close()
	stop := context.AfterFunc(ctx, func() { b.c.Close() })
	defer stop()
	for {
		rest, err := b.ask("RESERVED", "reserve\r\n")
		if err != nil {
			return err
		}
		var id uint64
		var size int64
		if _, err := fmt.Sscan(rest, &id, &size); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, b.r, size+2); err != nil {
			return err
		}
		if _, err := b.ask("DELETED", "delete %d\r\n", id); err != nil {
			return err
		}
		done()
	}
}

func (q *beanstalkd) Close() error {
	for _, b := range q.producers {
		b.c.Close()
	}
	return nil
}
