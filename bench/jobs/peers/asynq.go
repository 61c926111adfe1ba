package main

import (
	"context"
	"errors"

	"github.com/hibiken/asynq"

	"eddy/bench/jobs/load"
)

// asynqQueue is Asynq on Redis; how safe a job is, is the server's appendfsync.
type asynqQueue struct {
	redis  asynq.RedisClientOpt
	client *asynq.Client
}

// openAsynq uses a server that is empty. address is its unix socket.
func openAsynq(_ context.Context, _, address string, p load.Plan) (load.Subject, error) {
	o := asynq.RedisClientOpt{Network: "unix", Addr: address, PoolSize: max(min(p.Producers, 256), 16)}
	q := &asynqQueue{redis: o, client: asynq.NewClient(o)}
	if err := q.client.Ping(); err != nil {
		return nil, errors.Join(err, q.client.Close())
	}
	return q, nil
}

func (q *asynqQueue) Push(ctx context.Context, _ int, payload []byte) error {
	_, err := q.client.EnqueueContext(ctx, asynq.NewTask("noop", payload))
	return err
}

func (q *asynqQueue) Work(ctx context.Context, workers int, done func()) error {
	server := asynq.NewServer(q.redis, asynq.Config{Concurrency: workers, LogLevel: asynq.FatalLevel})
	mux := asynq.NewServeMux()
	mux.HandleFunc("noop", func(context.Context, *asynq.Task) error {
		done()
		return nil
	})
	if err := server.Start(mux); err != nil {
		return err
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

func (q *asynqQueue) Close() error { return q.client.Close() }
