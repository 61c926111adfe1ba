package observed

import (
	"context"
	"fmt"
	"os"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/digest"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/ledger"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
	"eddy/internal/fastpath/reassembly"
	"eddy/internal/fastpath/shard"
	"eddy/internal/reentry"
)

// prepare brings everything up that stands between the input and the event log, in the order of the data's way back.
func (l *Lane) prepare() (err error) {
	cfg := l.cfg
	if l.files, err = ramfs.Open(ramfs.Options{Dir: cfg.Ramfs, MaxBytes: cfg.RamfsMax}); err != nil {
		return err
	}
	if cfg.KeepDir != "" {
		if l.keep, err = newKeeper(cfg.KeepDir, l.log); err != nil {
			return err
		}
	}
	if cfg.Store != "" {
		if l.store, err = openRecorder(cfg.Store, l.live()); err != nil {
			return err
		}
	}
	n := l.engineCount()
	o := ledger.Options{Registry: l.registry, Bucket: cfg.Bucket, Engines: n, Live: l.live()}
	if !l.live() { // engines wait for the ledger: what stands in its queue only takes memory
		o.Queue = 8
	}
	if l.events != nil {
		o.Output = l.events
	}
	if l.plugins != nil {
		if err = l.prepareMetrics(&o); err != nil {
			return err
		}
	}
	l.ledger = ledger.New(o)
	for i := range n {
		e, err := l.newEngine(i, &o.Hooks)
		if err != nil {
			return err
		}
		l.engines = append(l.engines, e)
	}
	if err := l.connect(); err != nil {
		return err
	}
	boxes := []*reentry.Inbox{}
	for _, e := range l.engines {
		boxes = append(boxes, e.inbox)
	}
	if o.Inbox != nil {
		boxes = append(boxes, o.Inbox)
	}
	l.boxes.Store(&boxes)
	return l.load(o.Inbox)
}

// load runs the plugins' onload. All engines are there by then: a message that is posted in it reaches all of them.
func (l *Lane) load(results *reentry.Inbox) error {
	if l.plugins == nil {
		return nil
	}
	l.metrics.Start(&metric{lane: l, inbox: results})
	var hooks []shard.Hooks
	for _, e := range l.engines {
		h, err := l.plugins.Packets(e.shard)
		if err != nil {
			return err
		}
		hooks = append(hooks, h)
	}
	for i, e := range l.engines {
		if err := e.shard.Hang(hooks[i]); err != nil {
			return err
		}
	}
	return nil
}

// tidyEvery is how many seconds of capture time pass between two runs of the metric hooks' finalizers.
const tidyEvery = 10

// prepareMetrics makes the plugins' metric hooks.
func (l *Lane) prepareMetrics(o *ledger.Options) error {
	hooks, err := l.plugins.Metrics()
	if err != nil {
		return err
	}
	l.metrics, o.Hooks, o.Inbox = hooks, hooks.Ledger, reentry.New(reentry.Options{Tickets: l.tickets()})
	o.Hooks.Metronome = append(o.Hooks.Metronome, func(_ int64, count, _ int) {
		if count%tidyEvery == 0 {
			hooks.Tick()
		}
	})
	return nil
}

func (l *Lane) newEngine(i int, hooks *ledger.Hooks) (*engine, error) {
	cfg := l.cfg
	e := &engine{lane: l}
	e.inbox = reentry.New(reentry.Options{Tickets: l.tickets(), Wake: func() { l.wake(i, e) }})
	hashes, err := hashSet(cfg)
	if err != nil {
		return nil, err
	}
	o := shard.Options{
		ID: i, Instance: fmt.Sprintf("%06X", uint32(os.Getpid())<<4|uint32(i)),
		Flows: flow.Options{
			MaxFlows: cfg.MaxFlows, TCPTimeout: cfg.TimeoutTCP, UDPTimeout: cfg.TimeoutUDP, OtherTimeout: cfg.TimeoutOther,
		},
		Payload: reassembly.Options{MaxStream: cfg.MaxStreamBytes, MaxTotal: cfg.MaxHeldBytes, LastWins: cfg.LastWins},
		Files:   l.files, Hashes: hashes,
		Decode: l.events != nil,
		Feed:   l.ledger.Feed(i, counter.Limits{}), Registry: l.registry, HomeNets: cfg.HomeNets, Inbox: e.inbox,
		Detail: l.detail(hooks), Post: l.post,
		Settle: func(ctx context.Context) { l.settle(ctx, i, e) },
	}
	if l.keep != nil {
		o.Keep = l.keep
	}
	if l.store != nil {
		o.Store = l.store
	}
	e.shard = shard.New(o)
	return e, nil
}

// detail says what the ledger's readers read.
func (l *Lane) detail(h *ledger.Hooks) shard.Detail {
	w := l.ledger.Wants()
	return shard.Detail{
		Records: true, Resources: true, Documents: len(h.Document) > 0,
		FlowStart: w.New, FlowUpdate: w.Update, FlowSnapshot: len(h.Flow) > 0, FlowEnd: w.End,
	}
}

// hashSet is what is computed for each file; keeping files needs a name for each.
func hashSet(cfg *model.Observe) (digest.Set, error) {
	var set digest.Set
	if cfg.KeepDir != "" {
		set = digest.SHA256
	}
	for _, name := range cfg.Hashes {
		one, ok := digest.Parse(name)
		if !ok {
			return 0, fmt.Errorf("there is no hash %q: md5, sha1 or sha256", name)
		}
		set |= one
	}
	return set, nil
}

// connect leads the input to the engines.
func (l *Lane) connect() error {
	decoder := func() *packet.Decoder { return packet.NewDecoder(packet.Options{}) }
	switch {
	case l.rings != nil:
		for i, e := range l.engines {
			e.source, e.decoder = l.rings[i], decoder()
		}
	case l.in != nil && len(l.engines) > 1:
		l.sharer = newSharer(len(l.engines), l.stopping)
		l.sharer.source, l.sharer.decoder = l.in, decoder()
	case l.in != nil:
		l.engines[0].source, l.engines[0].decoder = l.in, decoder()
	default:
		e := l.engines[0]
		in, err := l.plugins.Input(e.shard)
		if err != nil {
			return err
		}
		e.source, e.decoder = in, decoder()
		e.input.Store(in)
	}
	return nil
}
