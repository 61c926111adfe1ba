package eve

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documented is what docs/eve.md says of the events: by event type ("" for all) the fields, true for those always there.
func documented(t *testing.T) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "eve.md"))
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile("^## `(\\w+)`$")
	row := regexp.MustCompile("^\\| `([^`]+)`( ○)? \\|")
	events, kind := map[string]map[string]bool{"": {}}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			kind = m[1]
			events[kind] = map[string]bool{}
		} else if m := row.FindStringSubmatch(line); m != nil {
			events[kind][m[1]] = m[2] == ""
		}
	}
	return events
}

// fields gives the paths of the members of a value.
func fields(value any, path string, into map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if path == "dns.grouped" {
				name = "TYPE"
			}
			fields(member, strings.TrimPrefix(path+"."+name, "."), into)
		}
	case []any:
		for _, item := range v {
			fields(item, path+"[]", into)
		}
	default:
		into[path] = true
	}
}

func fieldsOf(t *testing.T, line string) map[string]bool {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(line), &value); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	found := map[string]bool{}
	fields(value, "", found)
	return found
}

// TestDocumented: each field that is written stands in docs/eve.md, each that stands there is written when there is
// something to say, and those that are said to be always there are.
func TestDocumented(t *testing.T) {
	docs := documented(t)
	common := docs[""]
	for kind, record := range full() {
		own, ok := docs[kind]
		if !ok {
			t.Errorf("docs/eve.md has no event %q", kind)
			continue
		}
		got, least := fieldsOf(t, written(t, record)), fieldsOf(t, written(t, bare()[kind]))
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if _, known := own[name]; !known {
				if _, known := common[name]; !known {
					t.Errorf("%s: %q is written and not documented", kind, name)
				}
			}
		}
		for name, always := range own {
			if !got[name] {
				t.Errorf("%s: %q is documented and not written", kind, name)
			}
			if always && !least[name] {
				t.Errorf("%s: %q is not always there", kind, name)
			}
			if !always && least[name] {
				t.Errorf("%s: %q is always there", kind, name)
			}
		}
		for name, always := range common {
			if always && !least[name] {
				t.Errorf("%s: %q is missing", kind, name)
			}
		}
		delete(docs, kind)
	}
	delete(docs, "")
	for kind := range docs {
		t.Errorf("docs/eve.md has an event %q that is not written", kind)
	}
	all := fieldsOf(t, written(t, full()["flow"]))
	for name := range common {
		if !all[name] {
			t.Errorf("%q is documented for all events and not written", name)
		}
	}
}
