// Package counter counts by key: counter groups with their meters, what one engine has counted since it was last asked
// (Local and Delta), and the groups that are fed without any script's help.
package counter

import (
	"fmt"
	"strings"
	"time"
)

// MaxMeters bounds the meters of a group ("upto 16 different meters", Trisul's page "Counter Group").
const MaxMeters = 16

// The keys that a group has beside those that are counted.
const (
	Totals = "SYS:GROUP_TOTALS" // all keys of a bucket together
	Other  = "(other)"          // what was counted for keys that there was no room for
)

// Meter is one of the things that a group counts for each key.
type Meter struct {
	ID          int // place in Group.Meters, from 0
	Type        VarType
	TopN        int // keys with the greatest values that are picked out at a bucket's end
	BottomN     int // likewise with the smallest
	Name        string
	Description string
	Units       string
}

// Label is a key with the name that people know it by.
type Label struct{ Key, Label string }

// Group is a counter group. It is immutable once it stands in a registry.
type Group struct {
	GUID        string // "{889900CC-0063-11A5-8380-FEBDBABBDBEA}"
	Name        string
	Description string
	Bucket      time.Duration // whole seconds; 0: the lane's
	Resolver    string        // GUID of the group whose labels fit the keys; "": none
	Meters      []Meter
	KeyInfo     []Label
	ID          int // place in its registry, from 0

	layout layout
}

// NormalGUID gives a GUID with capital letters and braces, as groups are found by it. What is no GUID comes back with
// capital letters and ok false.
func NormalGUID(s string) (guid string, ok bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) == 36 {
		s = "{" + s + "}"
	}
	if len(s) != 38 || s[0] != '{' || s[37] != '}' {
		return s, false
	}
	for i, c := range []byte(s[1:37]) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'A' && c <= 'F'
		if dash != (c == '-') || !dash && !hex {
			return s, false
		}
	}
	return s, true
}

// prepare checks a group and works out how its cells lie.
func (g *Group) prepare() error {
	guid, ok := NormalGUID(g.GUID)
	if !ok {
		return fmt.Errorf("counter group %q: %q is not a GUID such as {889900CC-0063-11A5-8380-FEBDBABBDBEA}", g.Name, g.GUID)
	}
	g.GUID = guid
	if g.Resolver != "" {
		g.Resolver, _ = NormalGUID(g.Resolver)
	}
	if n := len(g.Meters); n == 0 || n > MaxMeters {
		return fmt.Errorf("counter group %q has %d meters: 1 to %d are possible", g.Name, n, MaxMeters)
	}
	if g.Bucket < 0 || g.Bucket%time.Second != 0 {
		return fmt.Errorf("counter group %q: its bucket size must be whole seconds, not %v", g.Name, g.Bucket)
	}
	for i, m := range g.Meters {
		if m.ID != i {
			return fmt.Errorf("counter group %q: meter %d has the number %d: meters are numbered from 0 in order", g.Name, i, m.ID)
		}
		if !m.Type.Valid() {
			return fmt.Errorf("counter group %q: meter %d (%s) has the unknown type %d", g.Name, i, m.Name, m.Type)
		}
	}
	g.layout = newLayout(g.Meters)
	return nil
}
