package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"eddy/bench/jobs/load"
)

// jetStream is a NATS server within this process that syncs every message, and a stream that forgets what was done.
type jetStream struct {
	server *server.Server
	conns  []*nats.Conn
	js     []jetstream.JetStream // of each connection
	stream jetstream.Stream
}

// jetConns is how many connections the producers share.
const jetConns = 8

func openJetStream(ctx context.Context, dir, _ string, _ load.Plan) (load.Subject, error) {
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, SyncAlways: true, NoSigs: true, NoLog: true})
	if err != nil {
		return nil, err
	}
	s.Start()
	q := &jetStream{server: s}
	if err := q.connect(ctx); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

func (q *jetStream) connect(ctx context.Context) error {
	if !q.server.ReadyForConnections(10 * time.Second) {
		return errors.New("the NATS server did not start")
	}
	for range jetConns {
		nc, err := nats.Connect("", nats.InProcessServer(q.server))
		if err != nil {
			return err
		}
		q.conns = append(q.conns, nc)
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		q.js = append(q.js, js)
	}
	stream, err := q.js[0].CreateStream(ctx, jetstream.StreamConfig{Name: "jobs", Subjects: []string{"jobs"},
		Storage: jetstream.FileStorage, Retention: jetstream.WorkQueuePolicy})
	q.stream = stream
	return err
}

func (q *jetStream) Push(ctx context.Context, producer int, payload []byte) error {
	_, err := q.js[producer%jetConns].Publish(ctx, "jobs", payload)
	return err
}

func (q *jetStream) Work(ctx context.Context, workers int, done func()) error {
	name := "workers"
	if _, err := q.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 20_000}); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for i := range workers {
		wg.Go(func() { errs[i] = q.consume(ctx, i, name, done) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// consume is one worker: it gets messages a few at a time and ends each before it looks at the next.
func (q *jetStream) consume(ctx context.Context, worker int, name string, done func()) error {
	stream, err := q.js[worker%jetConns].Stream(ctx, "jobs")
	if err != nil {
		return err
	}
	c, err := stream.Consumer(ctx, name)
	if err != nil {
		return err
	}
	messages, err := c.Messages(jetstream.PullMaxMessages(100))
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for {
		m, err := messages.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("next: %w", err)
		}
		if err := m.Ack(); err != nil {
			return err
		}
		done()
	}
}

func (q *jetStream) Close() error {
	for _, c := range q.conns {
		c.Close()
	}
	q.server.Shutdown()
	q.server.WaitForShutdown()
	return nil
}
