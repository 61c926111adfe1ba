package observed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"eddy/internal/fastpath/ramfs"
	"eddy/internal/handoff"
	"eddy/internal/offpath/fileio"
	"eddy/internal/offpath/pool"
	"eddy/internal/reentry"
)

// keeper copies whole files into a folder, each under its hash, off the path.
type keeper struct {
	dir     string
	workers *pool.Pool
	kept    atomic.Uint64
}

func newKeeper(dir string, live bool, log *logger) (*keeper, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("folder to keep files in: %w", err)
	}
	return &keeper{dir: dir, workers: pool.New(pool.Options{
		Bounds: handoff.Bounds{Entries: 100_000},
		Failed: func(_ pool.Origin, err error) { log.warn("eddy", "a file was not kept: "+err.Error()) },
	})}, nil
}

// Keep implements shard.Keeper.
func (k *keeper) Keep(file *ramfs.File, name string) {
	to := filepath.Join(k.dir, name[:2], name)
	refused := k.workers.Offer(pool.Job{
		Origin: pool.Origin{Kind: "keep"}, Key: to, Bytes: file.Size,
		Run: func(ctx context.Context, _ int) reentry.Result {
			if _, err := os.Stat(to); err == nil { // the same bytes came before
				return reentry.Result{}
			}
			if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
				return reentry.Result{Err: err}
			}
			if err := fileio.Copy(ctx, file.Path, to); err != nil {
				return reentry.Result{Err: err}
			}
			k.kept.Add(1)
			return reentry.Result{}
		},
		Release: file.Release,
	})
	if refused != handoff.Accepted {
		file.Release()
	}
}

// close copies what waits, until ctx is over.
func (k *keeper) close(ctx context.Context) { k.workers.Stop(ctx) }
