package pool

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"eddy/internal/offpath/fileio"
	"eddy/internal/reentry"
)

// Operations on files that many workers do leave what one after the other would have left.
func TestFileOrder(t *testing.T) {
	const steps, files = 400, 5
	operations := func(dir string, r *rand.Rand) (jobs []Job) {
		name := func() string { return filepath.Join(dir, fmt.Sprint(r.IntN(files))) }
		for n := range steps {
			from, to := name(), name()
			j := Job{Key: to}
			var do func(ctx context.Context) error
			switch r.IntN(5) {
			case 0:
				j.Key2 = from
				do = func(ctx context.Context) error { return fileio.Copy(ctx, from, to) }
			case 1:
				if n%8 == 0 { // they double
					j.Key2 = from
					do = func(ctx context.Context) error { return fileio.Cat(ctx, from, to) }
					break
				}
				fallthrough
			case 2:
				do = func(context.Context) error { return fileio.Append(to, fmt.Appendf(nil, "<%d>", n)) }
			case 3:
				do = func(context.Context) error { return fileio.WriteAt(to, fmt.Appendf(nil, "[%d]", n), int64(n%50)) }
			case 4:
				do = func(context.Context) error { return fileio.Remove(to) }
			}
			j.Run = func(ctx context.Context, _ int) reentry.Result { return reentry.Result{Err: do(ctx)} }
			jobs = append(jobs, j)
		}
		return jobs
	}
	for seed := range uint64(3) {
		plain := t.TempDir()
		for _, j := range operations(plain, rand.New(rand.NewPCG(seed, 1))) {
			j.Run(t.Context(), 0) // some fail: a source is missing
		}
		for _, workers := range []int{1, 8} {
			dir := t.TempDir()
			p := New(Options{Workers: workers})
			for _, j := range operations(dir, rand.New(rand.NewPCG(seed, 1))) {
				offer(t, p, j)
			}
			p.Stop(t.Context())
			if got, want := contents(t, dir), contents(t, plain); !maps.Equal(got, want) {
				t.Errorf("seed %d, %d workers: got %v, want %v", seed, workers, got, want)
			}
		}
	}
}

// contents has a folder's files by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range list {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(text)
	}
	return all
}
