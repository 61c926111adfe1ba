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
	log     *logger
	workers *pool.Pool
	kept    atomic.Uint64
	lost    atomic.Uint64 // files that were not kept
}

func newKeeper(dir string, log *logger) (*keeper, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("folder to keep files in: %w", err)
	}
	k := &keeper{dir: dir, log: log}
	k.workers = pool.New(pool.Options{
		Bounds: handoff.Bounds{Entries: 100_000},
		Failed: func(_ pool.Origin, err error) { k.lose(err.Error()) },
	})
	return k, nil
}

// lose counts a file that is not kept. The log has the first few, and then each time that there are twice as many.
func (k *keeper) lose(why string) {
	if n := k.lost.Add(1); n <= 3 || n&(n-1) == 0 {
		k.log.warn("eddy", fmt.Sprintf("a file was not kept (%d so far): %s", n, why))
	}
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
			// A file has its hash for a name only when all of it is there.
			part := to + ".part"
			err := fileio.Copy(ctx, file.Path, part)
			if err == nil {
				err = os.Rename(part, to)
			}
			if err != nil {
				_ = os.Remove(part)
				return reentry.Result{Err: err}
			}
			k.kept.Add(1)
			return reentry.Result{}
		},
		Release: file.Release,
	})
	if refused != handoff.Accepted {
		file.Release()
		k.lose(refused.String())
	}
}

// close copies what waits, until ctx is over. It fails when a file was not kept.
func (k *keeper) close(ctx context.Context) error {
	left := k.workers.Stop(ctx)
	for _, list := range [][]pool.Line{left.Dropped, left.Cut, left.Stuck} {
		for _, line := range list {
			k.lost.Add(uint64(line.Number))
		}
	}
	if n := k.lost.Load(); n > 0 {
		return fmt.Errorf("%d files could not be kept in %q", n, k.dir)
	}
	return nil
}
