package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"eddy/bench/jobs/load"
)

// internalLoad is the first argument of the benchmark when it runs itself to send requests at a fixed rate:
//
//	load-one -address HOST:PORT -rate 2000 -length 5s
//
// It writes a load.Result as JSON.
const internalLoad = "load-one"

func loadInternal(args []string) {
	f := flag.NewFlagSet(internalLoad, flag.ExitOnError)
	var l requests
	f.StringVar(&l.address, "address", "", "where the lane listens")
	f.IntVar(&l.rate, "rate", 2000, "requests per second")
	f.DurationVar(&l.warm, "warm", time.Second, "requests that do not count, before")
	f.DurationVar(&l.length, "length", 5*time.Second, "length of the measurement")
	_ = f.Parse(args) // it exits on errors
	r, err := l.measure(context.Background())
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// requests are sent at their times, whether or not earlier ones were answered: what waits for a free connection counts as
// time of the answer.
type requests struct {
	address      string
	rate         int
	warm, length time.Duration
}

// paceConns are the connections that requests share.
const paceConns = 64

func (l *requests) measure(ctx context.Context) (load.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	due := make(chan time.Time, 1<<16)
	took := make([][]time.Duration, paceConns)
	begin := time.Now().Add(l.warm)
	var wg sync.WaitGroup
	for i := range paceConns {
		c, err := net.Dial("tcp", l.address)
		if err != nil {
			cancel(err)
			break
		}
		wg.Go(func() {
			defer c.Close()
			r := bufio.NewReader(c)
			for at := range due {
				if err := request(c, r, l.address); err != nil {
					cancel(err)
					return
				}
				if at.After(begin) {
					took[i] = append(took[i], time.Since(at))
				}
			}
		})
	}
	l.pace(ctx, due)
	close(due)
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return load.Result{}, err
	}
	return load.Summary(took, l.length), nil
}

// pace writes the time of each request when it has come. Go's timers are too coarse for that: the thread sleeps by itself.
func (l *requests) pace(ctx context.Context, due chan<- time.Time) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	from, gap := time.Now(), time.Second/time.Duration(l.rate)
	for n := range int((l.warm + l.length) / gap) {
		at := from.Add(time.Duration(n) * gap)
		if wait := time.Until(at); wait > 0 {
			t := unix.NsecToTimespec(int64(wait))
			_ = unix.Nanosleep(&t, nil) // a signal that ends it early does no harm
			at = time.Now()             // how late the thread wakes is not the server's doing
		}
		select {
		case due <- at:
		case <-ctx.Done():
			return
		}
	}
}

// request asks for something and reads the answer.
func request(c net.Conn, r *bufio.Reader, host string) error {
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := fmt.Fprintf(c, "GET /order/42?item=7 HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", host); err != nil {
		return err
	}
	size, first := -1, ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimRight(line, "\r\n")
		if first == "" {
			first = line
		}
		if line == "" {
			break
		}
		if name, value, _ := strings.Cut(line, ": "); strings.EqualFold(name, "content-length") {
			if size, err = strconv.Atoi(value); err != nil {
				return err
			}
		}
	}
	if !strings.HasPrefix(first, "HTTP/1.1 200 ") {
		return fmt.Errorf("the lane answered %q", first)
	}
	if size < 0 {
		return errors.New("the answer has no length")
	}
	_, err := io.CopyN(io.Discard, r, int64(size))
	return err
}
