package counter

import (
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRegistry(t *testing.T) {
	r := NewRegistry()
	g := Group{GUID: "{d2aad7c6-0000-0000-0000-00000000abcd}", Name: "Mine", Bucket: 30 * time.Second,
		Meters: []Meter{{ID: 0, Type: Counter, Name: "a"}, {ID: 1, Type: Average, Name: "b"}}}
	added, err := r.Add(g)
	if err != nil {
		t.Fatal(err)
	}
	if added.GUID != "{D2AAD7C6-0000-0000-0000-00000000ABCD}" || added.ID != len(r.All())-1 || added.Stride() != 3 {
		t.Errorf("added: %+v", added)
	}
	if again, err := r.Add(g); err != nil || again != added {
		t.Errorf("adding it again: %v, %v; want the one that is there", again, err)
	}
	for _, spelling := range []string{added.GUID, g.GUID, "D2AAD7C6-0000-0000-0000-00000000ABCD", " {d2aad7c6-0000-0000-0000-00000000abcd} "} {
		if r.ByGUID(spelling) != added {
			t.Errorf("not found as %q", spelling)
		}
	}
	if r.ByGUID("{00000000-1111-0000-0000-000000000000}") != nil || r.ByGUID("") != nil {
		t.Error("a group was found that isn't there")
	}
}

func TestRegistryRefuses(t *testing.T) {
	good := func() Group {
		return Group{GUID: "{D2AAD7C6-0000-0000-0000-00000000ABCD}", Name: "Mine", Meters: []Meter{{Type: Counter}}}
	}
	for _, c := range []struct {
		name, want string
		change     func(*Group)
	}{
		{"no GUID", "is not a GUID", func(g *Group) { g.GUID = "mine" }},
		{"no meters", "0 meters", func(g *Group) { g.Meters = nil }},
		{"too many meters", "17 meters", func(g *Group) { g.Meters = numbered(make([]Meter, 17)...) }},
		{"a gap in the numbers", "has the number 2", func(g *Group) { g.Meters = []Meter{{Type: Counter}, {ID: 2, Type: Counter}} }},
		{"an unknown type", "unknown type 3", func(g *Group) { g.Meters[0].Type = 3 }},
		{"half a second", "whole seconds", func(g *Group) { g.Bucket = time.Second / 2 }},
		{"another's GUID", `of the group "Hosts"`, func(g *Group) { g.GUID = Hosts }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := good()
			c.change(&g)
			_, err := NewRegistry().Add(g)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestRegistryFromManyGoroutines(t *testing.T) {
	r := NewRegistry()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				guid := "{D2AAD7C6-0000-0000-0000-0000000000" + string([]byte{digits[i>>4], digits[i&15]}) + "}"
				g, err := r.Add(Group{GUID: guid, Name: guid, Meters: []Meter{{Type: Counter}}})
				if err != nil || r.ByGUID(guid) != g || r.All()[g.ID] != g {
					t.Errorf("group %s: %v, %v", guid, g, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(r.All()) - len(builtin()); n != 50 {
		t.Errorf("%d groups were added, want 50", n)
	}
}

// The page "Well known GUIDs" lists 34 counter groups.
func TestBuiltin(t *testing.T) {
	names := map[string]bool{}
	for _, g := range NewRegistry().All() {
		names[g.Name] = true
	}
	if len(names) != 34 {
		t.Errorf("%d groups with names of their own, want 34", len(names))
	}
}
