package show

import (
	"fmt"
	"strconv"

	"eddy/internal/operator/visible"
)

// kind is a value's four letters (origin, nature, scope, persistence) and its type, as management.txt §9.2 has them.
type kind struct{ tags, typ string }

// words are what JSON calls the letters.
func (k kind) words() map[string]string {
	return map[string]string{
		"origin": map[byte]string{'M': "Metric", 'S': "Status", 'K': "Key", 'C': "Config", 'P': "Product"}[k.tags[0]],
		"nature": map[byte]string{'A': "Age", 'a': "Avg", 'C': "Counter", 'D': "Duration", 'G': "Gauge", 'L': "Limit", 'M': "Max", 'm': "Min",
			'N': "Name", 'O': "Output", 'R': "Rate", 'T': "Time"}[k.tags[1]],
		"scope": map[byte]string{'C': "Cluster", 'P': "Process", 'S': "Service", 's': "System"}[k.tags[2]],
	}
}

// typedField is a value in "show info json" and "show stat json".
type typedField struct {
	ObjType string            `json:"objType,omitempty"` // of show stat
	Proxy   *int              `json:"proxyId,omitempty"`
	ID      *int              `json:"id,omitempty"`
	Field   fieldName         `json:"field"`
	Process int               `json:"processNum"`
	Tags    map[string]string `json:"tags"`
	Value   typedValue        `json:"value"`
}

type fieldName struct {
	Pos  int    `json:"pos"`
	Name string `json:"name"`
}

type typedValue struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// value makes of text what JSON shows of a type.
func (k kind) value(text string) typedValue {
	if k.typ != "str" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return typedValue{k.typ, n}
		}
	}
	return typedValue{k.typ, text}
}

// line writes a value as the typed format does, behind what it is called.
func (k kind) line(name, text string) string {
	return fmt.Sprintf("%s.1:%s:%s:%s", name, k.tags, k.typ, visible.Text(text, maxText))
}
