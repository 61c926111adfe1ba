package object

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

// What metric hooks are given are copies of the records: their objects stay good for as long as the script keeps them.
// Only what changes a record needs the hook around it.

// maxTags bounds the tags of a flow together, in bytes (obj_engine, tag_flow).
const maxTags = 64

// recordFuncs is what changes records. Argument 1 is the handle.
func recordFuncs() lib.Funcs {
	return lib.Funcs{
		// flow_add_tag(handle, tag): all tags as text
		"flow_add_tag": func(c *vm.Call) error {
			m, err := current(c)
			if err != nil {
				return err
			}
			if m.Record == nil {
				return errGone
			}
			tag, err := lib.Text(c, 2, "flow:add_tag", 1)
			if err != nil {
				return err
			}
			tags := m.Record.Tags
			size := len(tag) + len(strings.Join(tags, "|")) + 1
			if tag != "" && size <= maxTags && !slices.Contains(tags, tag) {
				m.Record.Tags = append(slices.Clip(tags), tag)
			}
			c.PushStr(strings.Join(m.Record.Tags, "|"))
			return nil
		},
		// alert_set(handle, field, value)
		"alert_set": func(c *vm.Call) error {
			m, err := current(c)
			if err != nil {
				return err
			}
			a := m.Alert
			if a == nil {
				return errGone
			}
			switch field := c.Str(2); field {
			case "priority":
				n, ok := c.Int(3)
				if !ok {
					return fmt.Errorf("alert:set_priority: argument 1 must be a whole number, not %s", c.Kind(3))
				}
				a.Priority = int(n)
			case "message":
				a.Message = c.Str(3)
			case "extra":
				a.Extra = c.Str(3)
			}
			return nil
		},
		// resource_set(handle, field, value)
		"resource_set": func(c *vm.Call) error {
			m, err := current(c)
			if err != nil {
				return err
			}
			r := m.Resource
			if r == nil {
				return errGone
			}
			if c.Str(2) == "uri" {
				r.URI = c.Str(3)
			} else {
				r.Contents = c.Str(3)
			}
			return nil
		},
	}
}

// FlowArgs appends what the prelude makes a flow object of.
func FlowArgs(args []vm.Value, f *learned.FlowRecord) []vm.Value {
	a, z := flow.ToServer, flow.ToClient // the directions that the A end and the Z end send in
	if !flow.AIsSource(f.Flow) {
		a, z = z, a
	}
	out, in := f.Count[a], f.Count[z]
	whole := func(n uint64) vm.Value { return vm.Int(int64(n)) }
	return append(args, vm.Str(flow.ID(f.Flow)), vm.Int(f.Start/1e9), vm.Int(f.Last/1e9), vm.Int(int64(f.State)),
		whole(out.Bytes), whole(in.Bytes), whole(out.Packets), whole(in.Packets), whole(out.Payload), whole(in.Payload),
		vm.Str(strings.Join(f.Tags, "|")), vm.Int(f.RTT/1000), vm.Int(int64(f.Retransmits)))
}

// AlertArgs appends what the prelude makes an alert object of.
func AlertArgs(args []vm.Value, a *learned.Alert) []vm.Value {
	args = whereArgs(args, &a.Where, a.HasFlow)
	return append(args, vm.Str(a.Key), vm.Str(a.Classification), vm.Int(int64(a.Priority)), vm.Str(a.Message), vm.Str(a.Extra),
		vm.Str(a.Status), vm.Int(int64(a.Acknowledged)))
}

// ResourceArgs appends what the prelude makes a resource object of.
func ResourceArgs(args []vm.Value, r *learned.Resource) []vm.Value {
	return append(whereArgs(args, &r.Where, r.HasFlow), vm.Str(r.URI), vm.Str(r.Contents))
}

// DocumentArgs appends what the prelude makes a document object of.
func DocumentArgs(args []vm.Value, d *learned.Document) []vm.Value {
	id := flow.ID(d.Flow)
	key := fmt.Sprintf("%s-%d", id, d.Time) // unique enough: a flow has one document of a kind at a time
	return append(args, vm.Int(d.Time/1e9), vm.Int(d.Time%1e9/1000), vm.Str(id), vm.Str(key), vm.Str(d.Text))
}

// whereArgs appends seconds, microseconds, the flow's id or nil, and its ends: the client's and the server's address and
// port as text.
func whereArgs(args []vm.Value, w *learned.Where, hasFlow bool) []vm.Value {
	args = append(args, vm.Int(w.Time/1e9), vm.Int(w.Time%1e9/1000))
	if !hasFlow {
		return append(args, vm.Nil(), vm.Str(""), vm.Str(""), vm.Str(""), vm.Str(""))
	}
	k := w.Flow
	return append(args, vm.Str(flow.ID(k)), addrText(flow.Addr(k.Src, k.Version)), portText(k.SrcPort),
		addrText(flow.Addr(k.Dst, k.Version)), portText(k.DstPort))
}

func addrText(a netip.Addr) vm.Value {
	if !a.IsValid() {
		return vm.Str("")
	}
	return vm.Str(a.String())
}

func portText(p uint16) vm.Value { return vm.Str(strconv.Itoa(int(p))) }
