package show

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/operator/visible"
)

// Types of objects, as "show stat" takes them; they can be added.
const (
	askFrontends = 1
	askBackends  = 2
	askServers   = 4
)

// statQuery is what "show stat" was asked for.
type statQuery struct {
	proxy   *proxy.Proxy // nil: all
	types   int
	sid     int // -1: all
	format  string
	desc    bool
	up      bool
	noMaint bool
}

// statQuery reads the words behind "show stat".
func (r *request) statQuery() (statQuery, error) {
	q := statQuery{types: -1, sid: -1}
	args := r.args
	if len(args) > 0 && args[0] == "domain" {
		if len(args) < 2 || args[1] != "proxy" {
			return q, fmt.Errorf("the only domain is proxy")
		}
		args = args[2:]
	}
	options := []string{"typed", "json", "desc", "up", "no-maint"}
	if len(args) > 0 && !slices.Contains(options, args[0]) {
		p, err := r.proxy(args[0])
		if err != nil {
			return q, err
		}
		q.proxy = p
		if len(args) < 3 {
			return q, fmt.Errorf("behind a proxy come a type (1 frontend, 2 backend, 4 server, or their sum; -1 all) and a server's id (-1 all)")
		}
		var bad [2]error
		q.types, bad[0] = strconv.Atoi(args[1])
		q.sid, bad[1] = strconv.Atoi(args[2])
		if bad[0] != nil || bad[1] != nil {
			return q, fmt.Errorf("%q %q: a type and a server's id are numbers", args[1], args[2])
		}
		args = args[3:]
	}
	given, err := r.options(args, options...)
	if err != nil {
		return q, err
	}
	q.desc, q.up, q.noMaint = given["desc"], given["up"], given["no-maint"]
	switch {
	case given["typed"]:
		q.format = "typed"
	case given["json"]:
		q.format = "json"
	}
	return q, nil
}

// proxy finds a proxy by name or by id; nil for the id -1.
func (r *request) proxy(text string) (*proxy.Proxy, error) {
	id, err := strconv.Atoi(text)
	if err == nil && id == -1 {
		return nil, nil
	}
	var names []string
	for _, p := range r.all() {
		if p.Name == text || err == nil && p.ID == id {
			return p, nil
		}
		names = append(names, p.Name)
	}
	hint := diag.DidYouMean(text, names)
	if hint == "" {
		hint = "show stat lists them all"
	}
	return nil, notFound(fmt.Sprintf("no proxy %q\n%s", text, hint))
}

func (r *request) all() []*proxy.Proxy {
	if r.Proxies == nil {
		return nil
	}
	return r.Proxies.All
}

// stat writes the figures of frontends, backends and servers.
func (r *request) stat() error {
	q, err := r.statQuery()
	if err != nil {
		return err
	}
	w := statWriter{request: r, format: q.format, desc: q.desc, names: statNames(), kinds: statKinds()}
	if q.format == "" {
		fmt.Fprintf(r.out, "# %s,-,\n", strings.Join(w.names, ","))
	}
	for _, p := range r.all() {
		if q.proxy != nil && q.proxy != p {
			continue
		}
		for _, row := range r.rows(p, &q) {
			w.row(row)
		}
	}
	if q.format == "json" {
		if w.lists == nil {
			w.lists = [][]typedField{}
		}
		return r.json(w.lists)
	}
	return nil
}

// rows are those of one proxy that were asked for: its frontend, its servers, its backend.
func (r *request) rows(p *proxy.Proxy, q *statQuery) []*statRow {
	var rows []*statRow
	if p.Model.Side&model.Frontend != 0 && q.types&askFrontends != 0 {
		rows = append(rows, r.frontendRow(p))
	}
	for _, s := range p.Servers {
		admin := proxy.AdminState(s.Admin.Load())
		switch {
		case q.types&askServers == 0, q.sid >= 0 && q.sid != s.ID:
		case q.noMaint && admin == proxy.Maint, q.up && (admin == proxy.Maint || !s.Up.Load()):
		default:
			rows = append(rows, serverRow(p, s))
		}
	}
	if p.Model.Side&model.Backend != 0 && q.types&askBackends != 0 {
		rows = append(rows, backendRow(p))
	}
	return rows
}

// statWriter writes rows in one of the formats.
type statWriter struct {
	*request
	format string
	desc   bool
	names  []string
	kinds  map[string]kind
	lists  [][]typedField // json
}

func (w *statWriter) row(row *statRow) {
	if w.format == "" {
		for _, name := range w.names {
			_, _ = w.out.WriteString(quoted(row.values[name]) + ",")
		}
		_, _ = w.out.WriteString("-,\n")
		return
	}
	var list []typedField
	for pos, name := range w.names {
		value, has := row.values[name]
		if !has {
			continue
		}
		k := w.kinds[name]
		if w.format == "typed" {
			desc := ""
			if w.desc {
				desc = `:""`
			}
			fmt.Fprintf(w.out, "%s%s\n", k.line(fmt.Sprintf("%c.%d.%d.%d.%s", row.object[0], row.proxy, row.id, pos, name), value), desc)
			continue
		}
		list = append(list, typedField{ObjType: row.object, Proxy: &row.proxy, ID: &row.id, Field: fieldName{pos, name}, Process: 1,
			Tags: k.words(), Value: k.value(value)})
	}
	if w.format == "json" {
		w.lists = append(w.lists, list)
	}
}

// quoted writes a value of a CSV line: between quotes when it has a quote or a comma.
func quoted(s string) string {
	s = visible.Text(s, maxText)
	if !strings.ContainsAny(s, `",`) {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
