package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// serveBackend is the server behind the proxies: it answers /1m with a megabyte and everything else with a
// kilobyte, reading no more of a request than it must. The megabyte leaves by sendfile, as a file server's would: the
// core that carries the load is not to be what limits the proxies. It returns only when it cannot listen.
func serveBackend(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	small := answer(1 << 10)
	large, err := answerFile(1 << 20)
	if err != nil {
		return err
	}
	defer large.Close()
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			file, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", large.Fd())) // with an offset of its own
			if err != nil {
				return
			}
			defer file.Close()
			r := bufio.NewReaderSize(c, 8<<10)
			for {
				first, err := r.ReadSlice('\n')
				if err != nil {
					return
				}
				big := bytes.HasPrefix(first, []byte("GET /1m "))
				for {
					line, err := r.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) <= 2 {
						break
					}
				}
				if big {
					if _, err = file.Seek(0, io.SeekStart); err == nil {
						_, err = io.Copy(c, file)
					}
				} else {
					_, err = c.Write(small)
				}
				if err != nil {
					return
				}
			}
		}()
	}
}

// answerFile is answer in a file that is gone when the process ends.
func answerFile(size int) (*os.File, error) {
	f, err := os.CreateTemp("", "eddy-bench-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	_, err = f.Write(answer(size))
	return f, err
}

func answer(size int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
}
