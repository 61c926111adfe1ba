// Package scripts runs scripts on the eddy binary where unit tests cannot see the whole way.
package scripts

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"eddy/test/program"
)

func dial(t *testing.T, port string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWaitingInTCPMode(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	lines, patient := program.FreePort(t), program.FreePort(t)
	env := []string{"PORT=" + lines, "PORT2=" + patient, fmt.Sprintf("SERVER=%d", echo.Addr().(*net.TCPAddr).Port)}
	program.Start(t, program.Build(t), "testdata", "127.0.0.1:"+patient, env, "-f", "tcp.cfg")

	t.Run("an action waits for the whole line", func(t *testing.T) {
		for _, tt := range []struct{ first, second, want string }{
			{"go", "od\nmore", "good\nmore"},
			{"ba", "d line\n", ""},
		} {
			c := dial(t, lines)
			io.WriteString(c, tt.first)
			time.Sleep(30 * time.Millisecond) // so that the line comes in two pieces
			io.WriteString(c, tt.second)
			c.(*net.TCPConn).CloseWrite()
			got, _ := io.ReadAll(c)
			if string(got) != tt.want {
				t.Errorf("%q + %q: got %q, want %q", tt.first, tt.second, got, tt.want)
			}
		}
	})
	t.Run("an applet waits for a while", func(t *testing.T) {
		c := dial(t, patient)
		in := bufio.NewReader(c)
		if line, err := in.ReadString('\n'); line != "nothing yet: nil\n" {
			t.Fatalf("%q %v", line, err)
		}
		io.WriteString(c, "hello")
		if line, err := in.ReadString('\n'); line != "then: hello\n" {
			t.Fatalf("%q %v", line, err)
		}
	})
}
