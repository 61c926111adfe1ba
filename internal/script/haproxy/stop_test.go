package haproxy

import (
	"path/filepath"
	"syscall"
	"testing"

	"eddy/internal/script/stdlib"
	"eddy/internal/script/vm"
)

// TestInterruptEndsWaits stops while actions wait for programs and files, which know nothing of the binding.
func TestInterruptEndsWaits(t *testing.T) {
	for name, body := range map[string]string{
		"execute": `os.execute("sleep 1000")`,
		"popen":   `io.popen("sleep 1000"):read("a")`,
		"fifo":    `io.open(fifo)`,
		"sleep":   `core.sleep(1000)`,
	} {
		t.Run(name, func(t *testing.T) {
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			var library *stdlib.Library
			b := open(t, "local fifo = "+luaQuote(fifo)+`
core.register_action("t", {"http-req"}, function() core.Info("begins") `+body+` core.Info("not reached") end)`, func(o *Options) {
				o.Setup = func(s *vm.State) (err error) {
					if library == nil { // for the shared state
						library, err = stdlib.Install(s, stdlib.Options{})
					}
					return err
				}
			})
			defer library.Close()
			tx := b.request(t, plainRequest)
			done := make(chan struct{})
			go func() {
				defer close(done)
				b.run(t, tx, "t")
			}()
			b.logs.await(t, "begins")
			b.Interrupt()
			<-done
		})
	}
}
