package observe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"eddy/test/traffic"

	"golang.org/x/sys/unix"
)

// namespace is a network of the test's own with a cable in it: frames sent into "near" come out of its other end.
type namespace struct{ name string }

// newNamespace makes the network with a name for the far end, or skips the test where that is not permitted. It goes away
// with the test.
func newNamespace(t *testing.T, far string) *namespace {
	t.Helper()
	n := &namespace{fmt.Sprintf("eddy-%d-%s", os.Getpid(), far)}
	if err := ip("netns", "add", n.name); err != nil {
		t.Skipf("no network namespace to be had here: %v", err)
	}
	t.Cleanup(func() {
		if err := ip("netns", "del", n.name); err != nil {
			t.Error(err)
		}
	})
	for _, args := range [][]string{
		{"link", "add", "near", "type", "veth", "peer", "name", far},
		{"link", "set", "near", "up"}, {"link", "set", far, "up"},
	} {
		if err := ip(append([]string{"-n", n.name}, args...)...); err != nil {
			t.Skipf("no virtual cable to be had here: %v", err)
		}
	}
	return n
}

func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %q: %w: %s", args, err, out)
	}
	return nil
}

// command runs a program inside: what to call, with which arguments.
func (n *namespace) command(args ...string) (string, []string) {
	return "ip", append([]string{"netns", "exec", n.name}, args...)
}

// within calls f on a thread that is inside of the network.
func (n *namespace) within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		done <- func() error {
			ns, err := os.Open("/run/netns/" + n.name)
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("setns: %w", err)
			}
			return f()
		}()
	}()
	return <-done
}

// send puts frames into the near end of the cable, so many bytes a second.
func (n *namespace) send(t *testing.T, frames []traffic.Frame, rate int) {
	t.Helper()
	fd := -1
	var near *net.Interface
	err := n.within(func() (err error) {
		if near, err = net.InterfaceByName("near"); err == nil {
			fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	begin, sent := time.Now(), 0
	for _, f := range frames {
		for {
			err := unix.Sendto(fd, f.Data, 0, &unix.SockaddrLinklayer{Ifindex: near.Index})
			if err == nil {
				break
			}
			if !errors.Is(err, unix.ENOBUFS) {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // the cable is full
		}
		sent += len(f.Data)
		if due := time.Duration(float64(sent) / float64(rate) * float64(time.Second)); due > time.Since(begin)+5*time.Millisecond {
			time.Sleep(due - time.Since(begin))
		}
	}
}
