package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
)

// serveBackend is the server behind the proxies: it answers /1m with a megabyte and everything else with a
// kilobyte, from memory, reading no more of a request than it must. It returns only when it cannot listen.
func serveBackend(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	small, large := answer(1<<10), answer(1<<20)
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			r := bufio.NewReaderSize(c, 8<<10)
			for {
				first, err := r.ReadSlice('\n')
				if err != nil {
					return
				}
				body := small
				if bytes.HasPrefix(first, []byte("GET /1m ")) {
					body = large
				}
				for {
					line, err := r.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) <= 2 {
						break
					}
				}
				if _, err := c.Write(body); err != nil {
					return
				}
			}
		}()
	}
}

func answer(size int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
}
