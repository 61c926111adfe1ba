package listener

import (
	"os"

	"eddy/internal/config/model"

	"golang.org/x/sys/unix"
)

// fastOpenQueue is how many connections with data in their first packet may wait.
const fastOpenQueue = 256

// setOptions gives a TCP socket the options of its bind line, before it is bound (configuration.txt §5.1).
func setOptions(fd int, b *model.Bind) error {
	set := func(on bool, name string, level, opt, value int) error {
		if !on {
			return nil
		}
		return os.NewSyscallError(name, unix.SetsockoptInt(fd, level, opt, value))
	}
	if b.Transparent {
		// One of the two fits the socket's family.
		if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_TRANSPARENT, 1); err != nil {
			if err6 := unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TRANSPARENT, 1); err6 != nil {
				return os.NewSyscallError("transparent", err)
			}
		}
	}
	if b.Interface != "" {
		if err := unix.BindToDevice(fd, b.Interface); err != nil {
			return os.NewSyscallError("interface "+b.Interface, err)
		}
	}
	if err := set(b.DeferAccept, "defer-accept", unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1); err != nil {
		return err
	}
	if err := set(b.TFO, "tfo", unix.IPPROTO_TCP, unix.TCP_FASTOPEN, fastOpenQueue); err != nil {
		return err
	}
	return set(b.TCPUserTO > 0, "tcp-ut", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(b.TCPUserTO.Milliseconds()))
}

// changeOptions gives a TCP socket that listens already those options that can still be changed, on or off.
func changeOptions(fd int, b *model.Bind) error {
	for _, o := range []struct {
		name      string
		opt, want int
	}{
		{"defer-accept", unix.TCP_DEFER_ACCEPT, number(b.DeferAccept, 1)},
		{"tfo", unix.TCP_FASTOPEN, number(b.TFO, fastOpenQueue)},
		{"tcp-ut", unix.TCP_USER_TIMEOUT, int(b.TCPUserTO.Milliseconds())},
	} {
		if is, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, o.opt); err == nil && is == o.want {
			continue
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, o.opt, o.want); err != nil {
			return os.NewSyscallError(o.name, err)
		}
	}
	return nil
}

func number(on bool, n int) int {
	if on {
		return n
	}
	return 0
}
