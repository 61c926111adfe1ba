package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"eddy/bench/jobs/load"
)

// maxConns bounds the connections to PostgreSQL, as a program's pool would.
const maxConns = 64

// riverQueue is River on PostgreSQL: one insert for each job.
type riverQueue struct {
	pool   *pgxpool.Pool
	driver *riverpgxv5.Driver
	insert *river.Client[pgx.Tx]
}

// openRiver makes the database anew. address is a connection string.
func openRiver(ctx context.Context, _, address string, p load.Plan) (load.Subject, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(min(p.Producers, maxConns) + 8)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	q := &riverQueue{pool: pool, driver: riverpgxv5.New(pool)}
	if err := q.prepare(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return q, nil
}

func (q *riverQueue) prepare(ctx context.Context) error {
	if _, err := q.pool.Exec(ctx, "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
		return err
	}
	m, err := rivermigrate.New(q.driver, &rivermigrate.Config{Logger: silent()})
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	q.insert, err = river.NewClient(q.driver, &river.Config{Logger: silent()})
	return err
}

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// noop is a job with nothing to do.
type noop struct {
	Payload string `json:"payload"`
}

func (noop) Kind() string { return "noop" }

type noopWorker struct {
	river.WorkerDefaults[noop]
	done func()
}

func (w *noopWorker) Work(context.Context, *river.Job[noop]) error {
	w.done()
	return nil
}

func (q *riverQueue) Push(ctx context.Context, _ int, payload []byte) error {
	_, err := q.insert.Insert(ctx, noop{string(payload)}, nil)
	return err
}

// Work looks for jobs as often as River's own benchmark does.
func (q *riverQueue) Work(ctx context.Context, workers int, done func()) error {
	all := river.NewWorkers()
	river.AddWorker(all, &noopWorker{done: done})
	client, err := river.NewClient(q.driver, &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		Workers:           all,
		Logger:            silent(),
		FetchCooldown:     2 * time.Millisecond,
		FetchPollInterval: 20 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	<-ctx.Done()
	return client.Stop(context.WithoutCancel(ctx))
}

func (q *riverQueue) Close() error {
	q.pool.Close()
	return nil
}
