// Package contrib_test compares the dashboard and the alert rules with what eddy exports.
package contrib_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/engine/exporter"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/offpath/queue"

	"go.yaml.in/yaml/v3"
)

// exports is what eddy's page has.
type exports struct {
	labels map[string][]string        // by the name of a series, as queries have it
	values map[string]map[string]bool // of labels whose values eddy chooses, by the metric's name and the label: "eddy_queue_jobs state"
}

func exported(t *testing.T) exports {
	t.Helper()
	var page bytes.Buffer
	p := &proxy.Proxy{Name: "NAME", Model: &model.Proxy{Side: model.Frontend | model.Backend}}
	s := &exporter.Snapshot{Queues: []queue.Stats{{Name: "NAME"}}, Tickets: []exporter.Tickets{{Owner: "NAME"}}, Proxies: []*proxy.Proxy{p}}
	if _, err := exporter.New(func() *exporter.Snapshot { return s }).Write(&page, ""); err != nil {
		t.Fatal(err)
	}
	out := exports{labels: map[string][]string{"up": nil}, values: map[string]map[string]bool{}} // up is of Prometheus itself
	pair := regexp.MustCompile(`(\w+)="([^"]*)"`)
	for line := range strings.Lines(page.String()) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[1] == "TYPE" && !strings.HasPrefix(fields[2], "eddy_") {
			out.labels[fields[2]] = nil // of the Go runtime and the process
		}
		name, rest, _ := strings.Cut(line, "{")
		for _, m := range pair.FindAllStringSubmatch(rest, -1) {
			key := name + " " + m[1]
			if out.values[key] == nil {
				out.values[key] = map[string]bool{}
			}
			out.values[key][m[2]] = true
		}
	}
	for _, m := range exporter.Metrics() {
		if m.Type != exporter.Histogram {
			out.labels[m.Name] = m.Labels
			continue
		}
		out.labels[m.Name+"_bucket"] = append(slices.Clone(m.Labels), "le")
		out.labels[m.Name+"_sum"], out.labels[m.Name+"_count"] = m.Labels, m.Labels
	}
	return out
}

// check says why a selector would never find anything.
func (e exports) check(s selector) error {
	has, ok := e.labels[s.metric]
	if !ok {
		return fmt.Errorf("there is no metric %s", s.metric)
	}
	for _, l := range s.labels {
		if !slices.Contains(has, l.label) && !slices.Contains(added, l.label) {
			return fmt.Errorf("%s has no label %s", s.metric, l.label)
		}
		known := e.values[s.metric+" "+l.label]
		if len(known) == 0 || known["NAME"] || strings.Contains(l.value, "$") {
			continue
		}
		for one := range strings.SplitSeq(l.value, "|") {
			if !known[one] {
				return fmt.Errorf("%s is never %q in %s", l.label, one, s.metric)
			}
		}
	}
	return nil
}

// added are the labels that Prometheus gives to everything.
var added = []string{"job", "instance"}

// checkExpr checks the names in an expression, and gives the labels that its result can have.
func checkExpr(series exports, expr string) (labels []string, err error) {
	u, err := scan(expr)
	if err != nil {
		return nil, err
	}
	if len(u.selectors) == 0 {
		return nil, fmt.Errorf("it names no metric")
	}
	all := slices.Clone(added)
	for _, s := range u.selectors {
		if err := series.check(s); err != nil {
			return nil, err
		}
		all = append(all, series.labels[s.metric]...)
	}
	if !slices.ContainsFunc(u.selectors, func(s selector) bool { return strings.HasPrefix(s.metric, "eddy_") || s.metric == "up" }) {
		return nil, fmt.Errorf("other programs have these metrics, too: add \"and on (instance, job) eddy_build_info\"")
	}
	for _, l := range u.grouped {
		if !slices.Contains(all, l) {
			return nil, fmt.Errorf("none of the metrics has the label %s", l)
		}
	}
	if strings.Contains(expr, " by (") {
		all = u.grouped // what is left, as far as names go
	}
	return all, nil
}

// placeholders finds {{name}} and {{ $labels.name }}.
var placeholders = regexp.MustCompile(`{{ *(?:\$labels\.)?([A-Za-z_]\w*) *}}`)

func checkText(labels []string, text string) error {
	for _, m := range placeholders.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(labels, m[1]) {
			return fmt.Errorf("%q: the result has no label %s", text, m[1])
		}
	}
	return nil
}

func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	series := exported(t)
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] || !strings.HasPrefix(r.Alert, "Eddy") {
				t.Errorf("%q: no name for an alert, or there twice", r.Alert)
			}
			seen[r.Alert] = true
			labels, err := checkExpr(series, r.Expr)
			if err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			if d, err := time.ParseDuration(r.For); err != nil || d <= 0 {
				t.Errorf("%s: for %q", r.Alert, r.For)
			}
			if s := r.Labels["severity"]; !slices.Contains([]string{"critical", "warning", "info"}, s) {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			if len(r.Annotations) != 2 || r.Annotations["summary"] == "" || len(r.Annotations["description"]) < 40 {
				t.Errorf("%s: annotations %v", r.Alert, r.Annotations)
			}
			if !regexp.MustCompile("`(eddy |echo )").MatchString(r.Annotations["description"]) {
				t.Errorf("%s names no command", r.Alert)
			}
			for _, text := range r.Annotations {
				if err := checkText(labels, text); err != nil {
					t.Errorf("%s: %v", r.Alert, err)
				}
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d alerts were read", len(seen))
	}
}

// panel is what counts here of a panel of Grafana.
type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr, LegendFormat string }
	Panels  []panel
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("grafana/eddy.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title      string
		Panels     []panel
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
		Annotations struct {
			List []struct{ Expr, TitleFormat string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	series := exported(t)
	variables := []string{"__rate_interval", "datasource"}
	values := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	for _, v := range board.Templating.List {
		variables = append(variables, v.Name)
		if v.Type != "query" {
			continue
		}
		m := values.FindStringSubmatch(v.Definition)
		if m == nil {
			t.Errorf("variable %s: %q", v.Name, v.Definition)
			continue
		}
		if labels, err := checkExpr(series, m[1]); err != nil || !slices.Contains(labels, m[2]) {
			t.Errorf("variable %s: %v, label %s", v.Name, err, m[2])
		}
	}
	for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(string(text), -1) {
		if !slices.Contains(variables, m[1]) && !strings.HasPrefix(m[1], "__all") {
			t.Errorf("there is no variable %s", m[1])
		}
	}
	check := func(where, expr, legend string) {
		labels, err := checkExpr(series, expr)
		if err == nil {
			err = checkText(labels, legend)
		}
		if err != nil {
			t.Errorf("%s: %s: %v", where, expr, err)
		}
	}
	for _, a := range board.Annotations.List {
		check("annotation", a.Expr, a.TitleFormat)
	}
	ids, shown := map[int]bool{}, 0
	var taken [][4]int
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Panels) > 0 || (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("panel %d %q is not as it should be", p.ID, p.Title)
		}
		ids[p.ID] = true
		g := p.GridPos
		for _, o := range taken {
			if g.X < o[0]+o[2] && o[0] < g.X+g.W && g.Y < o[1]+o[3] && o[1] < g.Y+g.H {
				t.Errorf("%q lies over another panel", p.Title)
			}
		}
		taken = append(taken, [4]int{g.X, g.Y, g.W, g.H})
		for _, target := range p.Targets {
			shown++
			check(p.Title, target.Expr, target.LegendFormat)
		}
	}
	if shown < 30 {
		t.Errorf("only %d expressions were read", shown)
	}
}

// The checks see what is wrong.
func TestChecks(t *testing.T) {
	series := exported(t)
	for expr, want := range map[string]string{
		`sum by (queue) (rate(eddy_queue_pushed_total[5m]))`: "",
		`eddy_queue_pushed`:                                               "there is no metric eddy_queue_pushed",
		`eddy_queue_run_seconds`:                                          "there is no metric eddy_queue_run_seconds",
		`eddy_queue_jobs{status="dead"}`:                                  "eddy_queue_jobs has no label status",
		`sum by (handler) (eddy_queue_jobs)`:                              "none of the metrics has the label handler",
		`eddy_queue_jobs{queue="email", state!="gone"}`:                   "state is never \"gone\" in eddy_queue_jobs",
		`eddy_tickets_ended_total{fate=~"expired|owner_gone"}`:            "",
		`eddy_queue_run_seconds_bucket{le="1"}`:                           `le is never "1" in eddy_queue_run_seconds_bucket`,
		`vector(1)`:                                                       "it names no metric",
		`rate(eddy_queue_run_seconds_bucket{le="1.048576", job="x"}[5m])`: "",
		`go_goroutines`:                                                   "other programs have these metrics, too: add \"and on (instance, job) eddy_build_info\"",
		`go_goroutines and on (instance, job) eddy_build_info`:            "",
		`go_goroutines + process_resident_memory_bytes + go_nobody`:       "there is no metric go_nobody",
	} {
		_, err := checkExpr(series, expr)
		if got := fmt.Sprint(err); got != want && (want != "" || err != nil) {
			t.Errorf("%s: %s, want %q", expr, got, want)
		}
	}
	if checkText([]string{"queue"}, "{{ $labels.queue }} {{queue}} {{ $value | humanize }}") != nil || checkText(nil, "{{ $labels.queue }}") == nil {
		t.Error("placeholders are not seen")
	}
}
