// Package scripts runs scripts on the eddy binary where unit tests cannot see the whole way.
package scripts

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// freePort finds a port that nobody has at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// start runs eddy on a configuration of testdata until the test ends.
func start(t *testing.T, cfg string, env ...string) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "eddy")
	if out, err := exec.Command("go", "build", "-o", bin, "eddy/cmd/eddy").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin, "-V", "-f", cfg)
	cmd.Dir = "testdata"
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var said strings.Builder
	for ready := false; !ready; {
		if !lines.Scan() {
			t.Fatalf("eddy ended: %v\n%s", cmd.Wait(), said.String())
		}
		said.WriteString(lines.Text() + "\n")
		ready = strings.Contains(lines.Text(), "ready")
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		for lines.Scan() {
			t.Log(lines.Text())
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-rest
		if err := cmd.Wait(); err != nil {
			t.Errorf("eddy ended with %v", err)
		}
	})
}

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
	lines, patient := freePort(t), freePort(t)
	start(t, "tcp.cfg", "PORT="+lines, "PORT2="+patient, fmt.Sprintf("SERVER=%d", echo.Addr().(*net.TCPAddr).Port))

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
