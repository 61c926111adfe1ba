package load

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"
)

// Open makes a subject that is empty. dir is a folder of its own, address where its server listens, if it has one.
type Open func(ctx context.Context, dir, address string, p Plan) (Subject, error)

// Command is the main function of a program that measures one subject and writes its Result as JSON. It never returns.
//
//	-subject NAME -producers 64 [-workers 16] -length 3s -dir FOLDER [-address WHERE]
func Command(name string, args []string, subjects map[string]Open) {
	f := flag.NewFlagSet(name, flag.ExitOnError)
	var p Plan
	subject := f.String("subject", "", "what to measure")
	dir := f.String("dir", "", "an empty folder for it")
	address := f.String("address", "", "where its server listens")
	f.IntVar(&p.Producers, "producers", 1, "goroutines that push")
	f.IntVar(&p.Workers, "workers", 0, "workers; 0: measure pushes only")
	f.IntVar(&p.Payload, "payload", 1024, "bytes of a job")
	f.DurationVar(&p.Warm, "warm", 500*time.Millisecond, "pushes that do not count, before")
	f.DurationVar(&p.Length, "length", 3*time.Second, "length of the measurement")
	profile := f.String("profile", "", "write where the processor time goes to this file (go tool pprof)")
	_ = f.Parse(args) // it exits on errors
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := profiled(*profile, func() error { return command(ctx, subjects, *subject, *dir, *address, p) })
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", *subject, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// profiled runs f, and writes a profile of it if a file is named.
func profiled(path string, f func() error) error {
	if path == "" {
		return f()
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

func command(ctx context.Context, subjects map[string]Open, name, dir, address string, p Plan) error {
	open, ok := subjects[name]
	if !ok {
		return fmt.Errorf("there is no such subject; there are %v", slices.Sorted(maps.Keys(subjects)))
	}
	s, err := open(ctx, dir, address, p)
	if err != nil {
		return err
	}
	r, err := Measure(ctx, s, p)
	if closed := s.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
