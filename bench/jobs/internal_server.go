package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// internalServer is the first argument of the benchmark when it runs itself to be what stands behind the lane:
//
//	serve-one BACKEND MAIL
//
// On BACKEND it answers every request with a KiB; on MAIL it is a mail server that takes connections and says nothing.
const internalServer = "serve-one"

func serveInternal(addresses []string) {
	if len(addresses) != 2 {
		fmt.Fprintln(os.Stderr, "two addresses are needed")
		os.Exit(2)
	}
	errs := make(chan error)
	go func() { errs <- accept(addresses[1], func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }) }()
	go func() { errs <- accept(addresses[0], answerRequests) }()
	fmt.Fprintln(os.Stderr, <-errs) // they end with errors only
	os.Exit(1)
}

func accept(address string, serve func(c net.Conn)) error {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			serve(c)
		}()
	}
}

// answerRequests reads requests without a body, one after the other.
func answerRequests(c net.Conn) {
	answer := []byte("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1024\r\n\r\n" + strings.Repeat("x", 1024))
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) > 2 {
			continue
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}
