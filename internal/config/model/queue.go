package model

import (
	"time"

	"eddy/internal/config/diag"
)

// Queue is a section "queue NAME": a lane of jobs.
type Queue struct {
	Name string
	Pos  diag.Pos

	Disk     bool // store disk; memory otherwise
	SyncOS   bool // durability os: a push is safe when the operating system has it, and not when the disk has
	Workers  int
	MaxJobs  int
	MaxBytes int64  // of all jobs
	MaxSize  int64  // of one job's payload
	WhenFull string // "reject", "drop-oldest" or "drop-newest"

	RateEvents int // attempts begun in RatePer; 0: no bound
	RatePer    time.Duration
	RateBurst  int

	Retries                int
	BackoffMin, BackoffMax time.Duration
	Timeout                time.Duration // of an attempt; 0: none
	UniqueFor              time.Duration // 0: until the job has ended
	KeepDead               time.Duration
}

// NewQueue is a queue as a section without lines has it.
func NewQueue(name string) *Queue {
	return &Queue{
		Name: name, Workers: 4, MaxJobs: 100_000, MaxBytes: 256 << 20, MaxSize: 1 << 20, WhenFull: "reject",
		Retries: 8, BackoffMin: time.Second, BackoffMax: 10 * time.Minute, Timeout: time.Minute, KeepDead: 7 * 24 * time.Hour,
	}
}
