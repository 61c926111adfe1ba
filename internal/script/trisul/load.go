package trisul

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"eddy/internal/config/diag"
	"eddy/internal/fastpath/report"
	"eddy/internal/offpath/pool"
	jobs "eddy/internal/script/async"
	"eddy/internal/script/trisul/async"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/trisul/plugin"
	"eddy/internal/script/vm"
)

// Plugins are the plugins of one lane. Load and Close belong to the goroutine that runs the lane; the rest says for itself.
type Plugins struct {
	opts      Options
	common    instance.Options
	ctx       context.Context // ends all states
	cancel    context.CancelFunc
	list      []*loaded
	groups    *groupNames
	protocols *object.Protocols

	mu    sync.Mutex
	open  []*instance.Instance // all that were opened
	first bool                 // an engine has its packet hooks
}

// loaded is a plugin with what its states share.
type loaded struct {
	*plugin.Plugin
	work   *async.Work
	jobs   *async.Jobs // nil: there are no queues
	faults *instance.Faults
}

// Load finds the plugins in files and folders, runs each once to see what is in it, and registers what they declare:
// counter groups, alert groups, resource groups, protocols. What is wrong with a plugin goes into problems; nil is given
// only for what can't be read at all.
func Load(ctx context.Context, paths []string, o Options, problems *diag.List) (*Plugins, error) {
	if o.Registry == nil || o.Log == nil {
		return nil, errors.New("trisul: Options.Registry and Log are needed")
	}
	sources, err := plugin.Find(paths)
	if err != nil {
		return nil, err
	}
	p := &Plugins{opts: o, common: o.instances(), protocols: object.NewProtocols(), groups: newGroupNames()}
	p.common.Serial = new(atomic.Int64)
	p.ctx, p.cancel = context.WithCancel(ctx)
	budget := o.budget()
	for _, src := range sources {
		known, names := p.read(src, problems)
		if known == nil {
			continue
		}
		l := &loaded{Plugin: known, faults: instance.NewFaults(func(level int, text string) { o.Log(level, known.Short(), text) })}
		l.work = async.New(async.Options{
			Plugin: known.Name, Workers: known.Workers, Budget: budget,
			Open: func(int) (*async.Worker, error) {
				return instance.OpenWorker(p.ctx, &p.common, &known.Source, l.jobs, l.faults)
			},
			Failed: func(from pool.Origin, err error) {
				l.faults.Add("T.async "+from.Kind+" of "+from.Where, instance.Text(err))
			},
		})
		p.employ(l, names, problems)
		p.list = append(p.list, l)
		p.declare(l, problems)
	}
	return p, nil
}

// employ makes a plugin known to the queues: it may push jobs from now on, and do them.
func (p *Plugins) employ(l *loaded, names jobs.Names, problems *diag.List) {
	if p.opts.Jobs == nil {
		return
	}
	for _, other := range p.list {
		if other.Name == l.Name {
			problems.Warnf(diag.Pos{File: l.File}, "give one of them another id.name", "%s has the same name: jobs of either may be done by the other", other.File)
		}
	}
	var err error
	l.jobs, err = async.NewJobs(async.JobsOptions{
		Plugin: l.Name, Workers: l.Workers, Shared: p.opts.Jobs,
		Open: func(ctx context.Context, j *async.Jobs) (*jobs.Worker, error) {
			return instance.OpenJobWorker(ctx, &p.common, &l.Source, j, l.faults)
		},
	}, names)
	if err != nil {
		problems.Errorf(diag.Pos{File: l.File}, "", "%v", err)
	}
}

// read runs a file and reads what it says about itself; nil when it is no plugin.
func (p *Plugins) read(src plugin.Source, problems *diag.List) (*plugin.Plugin, jobs.Names) {
	t, names, err := instance.Describe(p.ctx, &p.common, &src)
	var e *vm.Error
	switch {
	case errors.As(err, &e):
		pos := diag.Pos{File: src.File}
		if e.Script == src.File || e.Script == filepath.Base(src.File) {
			pos.Line = e.Line
		}
		problems.Errorf(pos, "", "error in plugin: %s", instance.Text(err))
		return nil, names
	case err != nil:
		problems.Errorf(diag.Pos{File: src.File}, "", "error in plugin: %v", err)
		return nil, names
	}
	return plugin.Read(src, t, problems), names
}

// has says whether a plugin has a script type on a side.
func (p *Plugins) has(side plugin.Side) bool {
	return slices.ContainsFunc(p.list, func(l *loaded) bool { return l.has(side) })
}

func (l *loaded) has(side plugin.Side) bool {
	return slices.ContainsFunc(l.Types, func(t plugin.Type) bool { return t.Kind.Side == side })
}

// HasMetrics says whether a plugin has metric hooks.
func (p *Plugins) HasMetrics() bool { return p.has(plugin.Metrics) }

// HasInput says whether a plugin is an input filter.
func (p *Plugins) HasInput() bool { return p.has(plugin.Input) }

// instance opens a state for a script type. The moment has its lane already, or gets one before the state is started. named
// says that results of jobs with a named taker come there when nobody waits for them in person.
func (p *Plugins) instance(l *loaded, t *plugin.Type, m *object.Moment, groups *vm.Table, named bool) (*instance.Instance, error) {
	m.Protocols, m.Probe = p.protocols, probeName
	side := plugin.Packets
	if t != nil {
		side = t.Kind.Side
	}
	in, err := instance.Open(p.ctx, &p.common, instance.Setup{
		Plugin: l.Plugin, Type: t, Moment: m, Metrics: side == plugin.Metrics, Work: l.work, Faults: l.faults, Groups: groups,
		Jobs: l.jobs, Named: named,
	})
	if err != nil {
		l.faults.Add("loading", err.Error())
		return nil, err
	}
	p.mu.Lock()
	p.open = append(p.open, in)
	p.mu.Unlock()
	return in, nil
}

// Stop finishes the asynchronous work of all plugins and ends their workers; the inboxes of the engines have to be drained
// meanwhile. When ctx is over first, what is left is dropped. It says what did not end well, by plugin. It belongs behind the
// Stop of all hooks.
func (p *Plugins) Stop(ctx context.Context) map[string]pool.Report {
	left := map[string]pool.Report{}
	for _, l := range p.list {
		if r := l.work.Stop(ctx); !r.Empty() {
			left[l.Name] = r
		}
	}
	return left
}

// Pending is how much asynchronous work waits or runs, of all plugins, the jobs included that hooks have pushed. Any
// goroutine may ask.
func (p *Plugins) Pending() int {
	n := 0
	for _, l := range p.list {
		n += l.work.Pending()
		if l.jobs != nil {
			n += l.jobs.Open()
		}
	}
	return n
}

// StopJobs waits, until ctx is over, for results of what the plugins' workers have pushed, and ends the workers of jobs. It
// belongs behind the end of the queues: until then they may have something to do, also when the lane is over.
func (p *Plugins) StopJobs(ctx context.Context) {
	for _, l := range p.list {
		if l.jobs != nil {
			l.jobs.Stop(ctx)
			l.jobs.Close()
		}
	}
}

// Jobs says what became of the jobs that hooks have pushed, for plugins that have.
func (p *Plugins) Jobs() []report.Jobs {
	var all []report.Jobs
	for _, l := range p.list {
		if l.jobs == nil {
			continue
		}
		if r, any := l.jobs.Report(); any {
			all = append(all, r)
		}
	}
	return all
}

// Interrupt stops every script that runs, at once. Nothing runs in the plugins' states any more after it; Close follows.
func (p *Plugins) Interrupt() { p.cancel() }

// Close ends all states. It belongs behind Stop, and behind the end of the goroutines that run the hooks.
func (p *Plugins) Close() {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, in := range p.open {
		in.Close()
	}
	p.open = nil
}

// Async says what became of the asynchronous work, for plugins that have scheduled some.
func (p *Plugins) Async() []report.Async {
	var all []report.Async
	for _, l := range p.list {
		if r, any := l.work.Report(); any {
			all = append(all, r)
		}
	}
	return all
}

// Scripts says what was loaded and how often it failed.
func (p *Plugins) Scripts() []report.Script {
	var all []report.Script
	for _, l := range p.list {
		s := report.Script{Plugin: l.Name, File: l.File}
		for i := range l.Types {
			s.Types = append(s.Types, l.Types[i].Kind.Name)
		}
		s.Errors, s.First = l.faults.Count()
		all = append(all, s)
	}
	return all
}

// warn tells of something in a plugin.
func (p *Plugins) warn(l *loaded, text string) {
	p.opts.Log(lib.LogWarn, l.Short(), lib.Printable(text))
}
