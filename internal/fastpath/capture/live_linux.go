package capture

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"eddy/internal/fastpath/capture/filter"
	"eddy/internal/fastpath/packet"
)

// LiveOptions says what is captured and how much of it.
type LiveOptions struct {
	Interface   string
	BPF         string // filter in tcpdump's language, run by the kernel; "": all
	SnapLen     int    // bytes of a frame that are kept; 0: all
	RingSize    int64  // bytes of the ring; 0: DefaultRing
	Fanout      int    // number of the group of rings that share the traffic; 0: a free one, see Ring.Fanout
	FanoutSize  int    // how many rings will be in that group; 0 or 1: no group
	Promiscuous bool   // also frames that are for other machines
}

// DefaultRing is the size of a ring in bytes.
const DefaultRing = 32 << 20

// Live starts to capture. Several rings that share an interface's traffic get whole flows each, and IPv4 datagrams that
// the kernel has put together. It needs the right CAP_NET_RAW.
func Live(opts LiveOptions) (*Ring, error) {
	r, err := live(opts)
	if err == nil && opts.FanoutSize > 1 && r.group == 0 { // the kernel's first free number, which here means none
		if err = r.Close(); err == nil {
			r, err = live(opts)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("capturing on %q: %w", opts.Interface, err)
	}
	return r, nil
}

func live(opts LiveOptions) (_ *Ring, err error) {
	dev, err := findDevice(opts.Interface)
	if err != nil {
		return nil, err
	}
	program, err := liveProgram(opts.BPF, dev.link, opts.SnapLen)
	if err != nil {
		return nil, err
	}
	// No protocol: nothing comes before the filter and the ring are in place, and bind names one.
	fd, err := unix.Socket(unix.AF_PACKET, dev.socket|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, explain(err)
	}
	r := &Ring{fd: fd, wake: -1, name: opts.Interface, link: dev.link, loopback: dev.loopback}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if r.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, err
	}
	if len(program) > 0 {
		prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
		if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
			return nil, fmt.Errorf("the kernel refuses the filter: %w", err)
		}
	}
	if err := r.mapRing(opts.RingSize); err != nil {
		return nil, err
	}
	if err := r.bind(dev.index, opts); err != nil {
		return nil, err
	}
	return r, nil
}

// device is what there is to know of an interface.
type device struct {
	index    int
	link     packet.Link
	socket   int // type of the packet socket
	loopback bool
}

// findDevice looks an interface up. One that is neither Ethernet nor like it has its link-layer header taken off by
// the kernel, and frames begin with IP.
func findDevice(name string) (device, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return device{}, fmt.Errorf("an interface's name has at most %d bytes", unix.IFNAMSIZ-1)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return device{}, err
	}
	defer unix.Close(fd)
	var dev device
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		if errors.Is(err, unix.ENODEV) {
			return device{}, errors.New("no such interface: \"ip link\" lists those that there are")
		}
		return device{}, err
	}
	dev.index = int(request.Uint32())
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request); err != nil {
		return device{}, err
	}
	flags := request.Uint16()
	if flags&unix.IFF_UP == 0 {
		return device{}, errors.New("the interface is down: \"ip link set dev NAME up\" starts it")
	}
	dev.loopback = flags&unix.IFF_LOOPBACK != 0
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, request); err != nil {
		return device{}, err
	}
	switch request.Uint16() { // the address's family is the kind of hardware
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		dev.link, dev.socket = packet.LinkEthernet, unix.SOCK_RAW
	default:
		dev.link, dev.socket = packet.LinkRaw, unix.SOCK_DGRAM
	}
	return dev, nil
}

// liveProgram gives the filter that the kernel runs; none when everything is wanted.
func liveProgram(expr string, link packet.Link, snap int) ([]unix.SockFilter, error) {
	if expr == "" && keep(snap) == MaxFrame {
		return nil, nil
	}
	program, err := filter.Compile(expr, filter.Options{Link: link, Keep: keep(snap), Live: true})
	if err != nil {
		return nil, err
	}
	kernel := make([]unix.SockFilter, len(program))
	for i, in := range program {
		kernel[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return kernel, nil
}

// bind lets frames of the interface in.
func (r *Ring) bind(index int, opts LiveOptions) error {
	all := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8 // in network order
	if err := unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		return err
	}
	if opts.Promiscuous {
		member := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(r.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &member); err != nil {
			return fmt.Errorf("promiscuous mode: %w", err)
		}
	}
	if opts.FanoutSize <= 1 {
		return nil
	}
	kind := unix.PACKET_FANOUT_HASH | unix.PACKET_FANOUT_FLAG_DEFRAG
	if opts.Fanout == 0 {
		kind |= unix.PACKET_FANOUT_FLAG_UNIQUEID
	}
	group := opts.Fanout&0xffff | kind<<16
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, group); err != nil {
		return fmt.Errorf("fanout group %d: %w", opts.Fanout, err)
	}
	group, err := unix.GetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	r.group = group & 0xffff
	return err
}

// explain says what to do about an error of socket.
func explain(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("needs CAP_NET_RAW: run as root, or give it to the program with \"setcap cap_net_raw+ep\": %w", err)
	}
	return err
}
