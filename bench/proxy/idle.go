package main

import (
	"bytes"
	"fmt"
	"net"
	"time"
)

// holdIdle opens n connections, makes one request on each, leaves them open, and gives the server's resident memory
// before and after.
func holdIdle(p *process, n int) (before, after int64, err error) {
	if before, err = p.resident(); err != nil {
		return 0, 0, err
	}
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	request := fmt.Appendf(nil, "GET /a HTTP/1.1\r\nHost: %s\r\n\r\n", p.addr())
	answer := make([]byte, 4096)
	for range n {
		c, err := net.DialTimeout("tcp", p.addr(), 5*time.Second)
		if err != nil {
			return 0, 0, fmt.Errorf("connection %d: %w", len(conns)+1, err)
		}
		conns = append(conns, c)
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Write(request); err != nil {
			return 0, 0, err
		}
		if got, err := c.Read(answer); err != nil || !bytes.HasPrefix(answer[:got], []byte("HTTP/1.1 302")) {
			return 0, 0, fmt.Errorf("connection %d: %q %v", len(conns), answer[:got], err)
		}
	}
	time.Sleep(3 * time.Second) // let garbage collection and idle timers do what they do
	after, err = p.resident()
	return before, after, err
}
