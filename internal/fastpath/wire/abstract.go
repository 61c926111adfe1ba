package wire

import (
	"fmt"
	"net"
	"strings"
)

// abstractSize is the length of an abstract socket's name for HAProxy, which fills it up with zero bytes
// (configuration.txt §4.2 bind, "abns@"); who connects has to do the same.
const abstractSize = 107

// AbstractAddr is the address of a socket in Linux's abstract namespace, named as "abns@" names it.
func AbstractAddr(name string) (*net.UnixAddr, error) {
	if len(name) > abstractSize {
		return nil, fmt.Errorf("the name is longer than %d bytes", abstractSize)
	}
	return &net.UnixAddr{Name: "@" + name + strings.Repeat("\x00", abstractSize-len(name)), Net: "unix"}, nil
}
