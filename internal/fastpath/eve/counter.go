package eve

import (
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ledger"
)

func (l *line) counter(c *learned.Counter) {
	l.open("counter")
	l.string("group", c.Group)
	l.string("name", c.Name)
	l.string("key", c.Key)
	l.stringIf("label", c.Label)
	l.float("interval", float64(c.Interval)/second)
	l.openList("meters")
	for i := range c.Meters {
		l.item()
		l.string("name", c.Meters[i].Name)
		l.float("value", c.Meters[i].Value)
		l.close()
	}
	l.closeList()
	l.close()
}

// topper is one of the keys with the greatest or smallest values in a bucket.
func (l *line) topper(t *ledger.Topper) {
	l.open("topper")
	l.string("group", t.Group.GUID)
	l.string("name", t.Group.Name)
	l.int("meter", int64(t.Meter))
	l.string("key", t.Key)
	l.float("value", t.Value)
	l.int("rank", int64(t.Rank))
	l.boolIf("bottom", t.Bottom)
	l.close()
}

func (l *line) edge(e *learned.Link) {
	l.open("edge")
	l.string("from_group", e.FromGroup)
	l.string("from", e.From)
	l.string("to_group", e.ToGroup)
	l.string("to", e.To)
	l.close()
}

func (l *line) keyInfo(k *learned.KeyInfo) {
	l.open("keyinfo")
	l.string("group", k.Group)
	l.string("key", k.Key)
	l.stringIf("label", k.Label)
	l.stringIf("description", k.Description)
	l.stringIf("attribute", k.Attribute)
	if k.Attribute != "" {
		l.string("value", k.Value)
	}
	l.close()
}
