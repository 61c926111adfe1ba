package wire

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

func TestAbstractAddr(t *testing.T) {
	addr, err := AbstractAddr(fmt.Sprintf("eddy-test-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.DialUnix("unix", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	// The name that the kernel has is filled up as HAProxy's: one without the zero bytes is another.
	if c, err := net.Dial("unix", fmt.Sprintf("@eddy-test-%d", os.Getpid())); err == nil {
		c.Close()
		t.Error("the name is not filled up")
	}
	if _, err := AbstractAddr(strings.Repeat("x", 108)); err == nil {
		t.Error("a name that is too long was taken")
	}
}
