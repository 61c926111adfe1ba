// Package capture delivers frames: from capture files (pcap and pcapng, plain, compressed or on standard input) and from
// network interfaces (AF_PACKET with a ring shared with the kernel). It writes pcap files too.
package capture

import (
	"errors"
	"fmt"

	"eddy/internal/fastpath/packet"
)

// Source is where frames come from. It belongs to one goroutine, except for what a method's comment says.
type Source interface {
	// Next fills f with the next frame. f.Data is valid until the next call.
	// io.EOF is the end; ErrIdle (live only) that nothing came for a while, so that the caller can look after other
	// things; a *FileError says where a file is damaged. After any other error than ErrIdle the source is at its end.
	Next(f *packet.Frame) error
	// Stats may be called by any goroutine. The numbers lag behind a little until Next has returned an error.
	Stats() Stats
	// Close gives everything back, the bytes of frames too.
	Close() error
}

// Stats counts what went through a source.
type Stats struct {
	Packets uint64 // frames that Next delivered
	Bytes   uint64 // their length on the wire
	Dropped uint64 // frames that the kernel threw away because the ring was full (live)
	Freezes uint64 // how often the ring was full (live)
}

// ErrIdle says that no frame came for about IdleWait, or that somebody called Wake.
var ErrIdle = errors.New("no packet for a while")

// FileError says what is wrong with a capture file and where. Frames before it were delivered.
type FileError struct {
	Path   string
	Offset int64 // in bytes, of the uncompressed capture
	Text   string
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%q: at byte %d: %s", e.Path, e.Offset, e.Text)
}

// MaxFrame bounds how many bytes of a frame a capture may have; it is libpcap's bound.
const MaxFrame = 256 << 10
