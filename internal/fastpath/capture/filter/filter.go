// Package filter translates tcpdump's filter language (https://www.tcpdump.org/manpages/pcap-filter.7.html) into
// classic BPF programs, which the kernel runs for live captures and Program.Match for files.
//
// What it knows: host, net, port, portrange and proto with src, dst and the protocols; tcp, udp and the other protocols
// alone; ether host, vlan, mpls, pppoes, broadcast, multicast, less, greater; comparisons such as "tcp[tcpflags] &
// tcp-syn != 0"; and, or, not, parentheses. What it leaves out is said in the error: names of hosts, gateway,
// protochain, and what needs a kind of network that is not captured here.
package filter

import (
	"fmt"

	"eddy/internal/fastpath/packet"
)

// Options says what frames a program is for.
type Options struct {
	Link packet.Link
	Keep int // bytes of a frame that are kept of what matches: what the program returns then
	// Live: frames come from the kernel, which has taken the outermost VLAN tag off and keeps it beside the frame.
	Live bool
}

// Error says what is wrong with an expression, and where.
type Error struct {
	Expr   string
	Column int // in bytes, from 1
	Text   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("filter %q: at column %d: %s", e.Expr, e.Column, e.Text)
}

// maxExpr bounds an expression's length in bytes.
const maxExpr = 64 << 10

// Compile translates an expression; an empty one wants every frame. The error is an *Error.
func Compile(expr string, o Options) (Program, error) {
	if len(expr) > maxExpr {
		return nil, &Error{expr[:64] + "...", maxExpr, "the expression is too long"}
	}
	lay, ok := layoutOf(o.Link)
	if !ok {
		return nil, &Error{expr, 1, fmt.Sprintf("there are no filters for link type %d", o.Link)}
	}
	tokens, err := scan(expr)
	if err != nil {
		return nil, err
	}
	p := parser{expr: expr, tokens: tokens, lay: lay, live: o.Live}
	tree, err := p.parse()
	if err != nil {
		return nil, err
	}
	program, text := generate(tree, uint32(max(o.Keep, 1)))
	if text != "" {
		return nil, &Error{expr, 1, text}
	}
	return program, nil
}
