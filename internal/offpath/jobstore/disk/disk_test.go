package disk

import (
	"path/filepath"
	"testing"

	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/jobstore/storetest"
)

func options(t testing.TB) Options {
	return Options{Log: func(level int, text string) { t.Logf("log %d: %s", level, text) }}
}

// tiny options make a store that does much with little: its logs and tables are small.
func tiny(t testing.TB) Options {
	o := options(t)
	o.commit = 256 << 10
	return o
}

func mustOpen(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	for name, sync := range map[string]bool{"fsync": true, "os": false} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			o.Sync = sync
			storetest.Run(t, func(t *testing.T) jobstore.Store {
				return mustOpen(t, filepath.Join(t.TempDir(), "queue"), o)
			}, func(t *testing.T, s jobstore.Store) jobstore.Store {
				path := s.(*Store).Path()
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				return mustOpen(t, path, o)
			})
		})
	}
}
