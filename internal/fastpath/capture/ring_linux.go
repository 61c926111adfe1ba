package capture

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"eddy/internal/fastpath/packet"
)

// IdleWait is how long Next of a live capture waits for a frame, at most.
const IdleWait = 100 * time.Millisecond

// The ring's measures: https://docs.kernel.org/networking/packet_mmap.html.
const (
	// The kernel hands frames over block by block, full or not: when there is little traffic, what the ring has room for is
	// its number of blocks times retireAfter. So there are many, and each has room for the largest frame.
	blockSize = 256 << 10
	minBlocks = 8
	frameSize = 2048 // frames of this version of the ring have any size; the kernel only wants to be told one
	// retireAfter is how long the kernel waits until it hands over a block that is not full.
	retireAfter = 20 * time.Millisecond
)

// Ring captures from a network interface, through memory shared with the kernel (AF_PACKET, TPACKET_V3). It is a Source.
type Ring struct {
	fd       int
	wake     int // eventfd
	name     string
	link     packet.Link
	loopback bool // every frame is seen going out and coming in
	group    int

	ring  []byte // all blocks
	block []byte // that frames are taken from
	index int    // of block
	left  uint32 // frames in it
	off   uint32 // of the next one
	mine  bool   // block is ours until it is given back

	number  uint64
	taken   Stats // of the frames of block
	packets atomic.Uint64
	bytes   atomic.Uint64

	mu      sync.Mutex // over what follows
	dropped uint64
	freezes uint64
	closed  bool
}

// mapRing makes the ring.
func (r *Ring) mapRing(size int64) error {
	if size <= 0 {
		size = DefaultRing
	}
	const maxBlocks = 1 << 14
	blocks := min(max((size+blockSize-1)/blockSize, minBlocks), maxBlocks)
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("TPACKET_V3: %w", err)
	}
	request := unix.TpacketReq3{
		Block_size:     blockSize,
		Block_nr:       uint32(blocks),
		Frame_size:     frameSize,
		Frame_nr:       uint32(blocks * (blockSize / frameSize)),
		Retire_blk_tov: uint32(retireAfter / time.Millisecond),
	}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &request); err != nil {
		return fmt.Errorf("a ring of %d MiB: %w", blocks*blockSize>>20, err)
	}
	ring, err := unix.Mmap(r.fd, 0, int(blocks*blockSize), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping a ring of %d MiB: %w", blocks*blockSize>>20, err)
	}
	r.ring, r.block = ring, ring[:blockSize]
	return nil
}

// head gives the header of the current block, which the kernel writes too: its status goes first.
func (r *Ring) head() *unix.TpacketHdrV1 {
	const behind = unsafe.Offsetof(unix.TpacketBlockDesc{}.Hdr)
	return (*unix.TpacketHdrV1)(unsafe.Pointer(&r.block[behind]))
}

// Next implements Source: frames' bytes lie in the ring, until the next call.
func (r *Ring) Next(f *packet.Frame) error {
	for {
		for r.left > 0 {
			if r.frame(f) {
				return nil
			}
		}
		if r.mine {
			r.release()
		}
		if r.ring == nil {
			return fmt.Errorf("the capture on %q was closed", r.name)
		}
		head := r.head()
		if atomic.LoadUint32(&head.Block_status)&unix.TP_STATUS_USER == 0 {
			if err := r.wait(); err != nil {
				return err
			}
			continue
		}
		r.mine, r.left, r.off = true, head.Num_pkts, head.Offset_to_first_pkt
	}
}

// frame takes the next frame of the block; false means that it is not wanted.
func (r *Ring) frame(f *packet.Frame) bool {
	const (
		headLen = unsafe.Sizeof(unix.Tpacket3Hdr{}) // the link-layer address follows
		pktType = unsafe.Offsetof(unix.RawSockaddrLinklayer{}.Pkttype)
	)
	frame := r.block[r.off:]
	h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&frame[0]))
	r.left--
	r.off += h.Next_offset
	if r.loopback && frame[headLen+pktType] == unix.PACKET_OUTGOING {
		return false
	}
	r.number++
	end := uint32(h.Mac) + h.Snaplen
	f.Data = frame[h.Mac:end:end]
	f.Time = int64(h.Sec)*1e9 + int64(h.Nsec)
	f.Number = r.number
	f.Wire, f.Link, f.Iface, f.VLAN = h.Len, r.link, 0, 0
	if h.Status&unix.TP_STATUS_VLAN_VALID != 0 {
		f.VLAN = 1<<16 | h.Hv1.Vlan_tci&0xffff
	}
	r.taken.Packets++
	r.taken.Bytes += uint64(h.Len)
	return true
}

// release gives the block back to the kernel and goes on to the next.
func (r *Ring) release() {
	atomic.StoreUint32(&r.head().Block_status, unix.TP_STATUS_KERNEL)
	r.mine = false
	if r.index++; r.index*blockSize == len(r.ring) {
		r.index = 0
	}
	r.block = r.ring[r.index*blockSize:][:blockSize]
	r.packets.Add(r.taken.Packets)
	r.bytes.Add(r.taken.Bytes)
	r.taken = Stats{}
}

// wait waits for the next block; it gives ErrIdle when none came.
func (r *Ring) wait() error {
	fds := [2]unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}, {Fd: int32(r.wake), Events: unix.POLLIN}}
	n, err := unix.Poll(fds[:], int(IdleWait/time.Millisecond))
	switch {
	case err != nil && err != unix.EINTR:
		return fmt.Errorf("waiting for packets on %q: %w", r.name, err)
	case fds[1].Revents != 0:
		var count [8]byte
		_, _ = unix.Read(r.wake, count[:]) // sets it to zero; it can't fail otherwise than by being zero
		return ErrIdle
	case fds[0].Revents&unix.POLLERR != 0:
		return r.trouble()
	case n <= 0:
		return ErrIdle
	}
	return nil
}

// trouble says what became of the interface. One that is down may come up again.
func (r *Ring) trouble() error {
	code, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	request, reqErr := unix.NewIfreq(r.name)
	if reqErr == nil && errors.Is(unix.IoctlIfreq(r.fd, unix.SIOCGIFINDEX, request), unix.ENODEV) {
		return fmt.Errorf("the interface %q is gone", r.name)
	}
	if err == nil || errors.Is(err, unix.ENETDOWN) {
		return ErrIdle
	}
	return fmt.Errorf("capturing on %q: %w", r.name, err)
}

// Wake makes a Next that waits, or else the next one that would, return ErrIdle. Any goroutine may call it, at any time.
func (r *Ring) Wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	one := [8]byte{1} // in either byte order not zero
	_, _ = unix.Write(r.wake, one[:])
}

// Stats implements Source.
func (r *Ring) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.readDrops()
	}
	return Stats{Packets: r.packets.Load(), Bytes: r.bytes.Load(), Dropped: r.dropped, Freezes: r.freezes}
}

// readDrops adds what the kernel counted since it was asked last. r.mu is held.
func (r *Ring) readDrops() {
	if s, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.dropped += uint64(s.Drops)
		r.freezes += uint64(s.Freeze_q_cnt)
	}
}

// Fanout gives the number of the ring's fanout group, for the rings that are to join it; 0: none.
func (r *Ring) Fanout() int { return r.group }

// Close implements Source.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.readDrops()
	r.closed = true
	r.packets.Add(r.taken.Packets)
	r.bytes.Add(r.taken.Bytes)
	var errs []error
	if r.ring != nil {
		errs = append(errs, unix.Munmap(r.ring))
	}
	r.ring, r.block, r.left, r.mine = nil, nil, 0, false
	if r.wake >= 0 {
		errs = append(errs, unix.Close(r.wake))
	}
	errs = append(errs, unix.Close(r.fd))
	return errors.Join(errs...)
}
