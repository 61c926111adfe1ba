package main

import (
	"bytes"
	"context"
	"net"
	"net/smtp"
	"sync"
	"testing"
	"time"
)

// buffer is written by the server and read by the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var out buffer
	done := make(chan error, 1)
	go func() { done <- serve(ctx, addr, 0, &out) }()
	end := time.Now().Add(10 * time.Second)
	for {
		err = smtp.SendMail(addr, nil, "a@test", []string{"b@test", "c@test"}, []byte("Subject: hi\r\n\r\nbody\r\n"))
		if err == nil || time.Now().After(end) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "\n--- mail 1 from a@test to b@test, c@test\n    Subject: hi\n    \n    body\n"; got != want {
		t.Errorf("printed %q\nwant    %q", got, want)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
}
