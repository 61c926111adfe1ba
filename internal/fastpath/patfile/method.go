// Package patfile keeps patterns in a shape that is fast to match against, alone or with a value (maps), inline or
// from files that are loaded once, shared by name, and changed at run time by scripts, rules and the operator
// (configuration.txt §2.7, §7.1).
//
// An Index is one goroutine's while it is built and read-only for all afterwards. A File locks for itself.
package patfile

// Method is a way to match (configuration.txt §7.1, "-m").
type Method uint8

// The methods. Bin is Str on patterns written in hexadecimal; Len is Int on a length; Dec is Int on versions like 3.1;
// Meth is Str on HTTP methods.
const (
	Str Method = iota
	Beg
	End
	Sub
	Dir
	Dom
	Reg
	Bin
	Int
	Len
	Dec
	IP
	Meth
)

// MethodOf finds a method by the name that -m and map_ converters have for it.
func MethodOf(name string) (Method, bool) {
	for i, n := range methodNames() {
		if n == name {
			return Method(i), true
		}
	}
	return 0, false
}

// String gives the name.
func (m Method) String() string { return methodNames()[m] }

func methodNames() []string {
	return []string{"str", "beg", "end", "sub", "dir", "dom", "reg", "bin", "int", "len", "dec", "ip", "meth"}
}
