package traffic

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
)

// Downloads says what Writer.Downloads makes. Files are as long as between Min and Max bytes, short ones more often than
// long ones (the logarithm of the length is spread evenly).
type Downloads struct {
	Files         int
	Min, Max      int
	Active        int     // that run at a time
	Reordered     float64 // part of the data segments that change places with the next one
	Retransmitted float64 // part of the data segments that are sent again later
	Seed          uint64
}

// File is a body that was downloaded.
type File struct {
	URI  string
	Size int
	SHA1 string // in hexadecimal
}

// segmentSize is what a full segment carries beside 12 bytes of options in a frame of 1,514 bytes.
const segmentSize = 1448

// Downloads appends HTTP downloads, each on a connection of its own, as they would cross one link.
func (w *Writer) Downloads(o Downloads) []File {
	r := rand.New(rand.NewPCG(o.Seed, 1))
	var files []File
	var active []*download
	for len(files) < o.Files || len(active) > 0 {
		for len(active) < o.Active && len(files) < o.Files {
			d, file := o.download(r, len(files))
			files = append(files, file)
			active = append(active, d)
		}
		n := r.IntN(len(active))
		for range 1 + r.IntN(3) { // packets of one connection come in small bursts
			w.packet(active[n].next(w.now), 1000*(2+r.Int64N(16)))
			if active[n].over {
				active[n] = active[len(active)-1]
				active = active[:len(active)-1]
				break
			}
		}
	}
	return files
}

// download is a connection on which a file is fetched.
type download struct {
	framer
	client, server         endpoint
	clientStart, serverISN uint32
	request, answer        []byte
	order                  []int32 // data segments in the order of their sending
	sent                   int     // of order
	arrived                []bool  // by segment
	contiguous             int     // segments before it have all arrived
	owesAck                bool
	step                   int
	over                   bool
	now                    uint32    // clock of the timestamps option, ms
	stamp                  [2]uint32 // the latest that the client and the server sent
	options                [16]byte
}

// download makes the n-th.
func (o *Downloads) download(r *rand.Rand, n int) (*download, File) {
	size := int(math.Exp(math.Log(float64(o.Min)) + r.Float64()*math.Log(float64(o.Max)/float64(o.Min))))
	host := fmt.Sprintf("h%d.example", n%50)
	uri := fmt.Sprintf("/files/%04d.bin", n)
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", size)
	d := &download{
		client:      endpoint{mac: [6]byte{2, 0, 0, 0, 0, 1}, addr: netip.AddrFrom4([4]byte{10, 0, byte(n % 200), byte(1 + n%250)}), port: uint16(20000 + n%40000)},
		server:      endpoint{mac: [6]byte{2, 0, 0, 0, 0, 2}, addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + n%50)}), port: 80},
		clientStart: r.Uint32(), serverISN: r.Uint32(),
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n", uri, host),
		answer:  append(make([]byte, 0, len(head)+size), head...),
	}
	body := d.answer[len(head) : len(head)+size]
	d.answer = d.answer[:len(head)+size]
	fill(body, r)
	segments := (len(d.answer) + segmentSize - 1) / segmentSize
	d.order = o.plan(r, segments)
	d.arrived = make([]bool, segments)
	hash := sha1.Sum(body)
	return d, File{URI: uri, Size: size, SHA1: hex.EncodeToString(hash[:])}
}

// fill makes bytes that do not compress.
func fill(b []byte, r *rand.Rand) {
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, r.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// plan orders the sending of n segments.
func (o *Downloads) plan(r *rand.Rand, n int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	for i := 0; i+1 < n; i++ {
		if r.Float64() < o.Reordered {
			order[i], order[i+1] = order[i+1], order[i]
			i++
		}
	}
	again := map[int32]int32{} // by segment after which it comes
	for i := range n {
		if r.Float64() < o.Retransmitted {
			again[int32(min(i+3+r.IntN(6), n-1))] = int32(i)
		}
	}
	planned := make([]int32, 0, n+len(again))
	for _, s := range order {
		planned = append(planned, s)
		if lost, ok := again[s]; ok {
			planned = append(planned, lost)
		}
	}
	return planned
}

// The steps of a connection.
const (
	stepSYN = iota
	stepSYNACK
	stepACK
	stepRequest
	stepRequestACK
	stepData
	stepFIN
	stepClientFIN
	stepLastACK
)

// next is the connection's next packet, sent at a time.
func (d *download) next(now int64) []byte {
	d.now = uint32(now / 1e6)
	c, s := d.clientStart, d.serverISN
	answered := c + 1 + uint32(len(d.request))
	switch d.step++; d.step - 1 {
	case stepSYN:
		return d.fromClient(c, 0, syn, nil)
	case stepSYNACK:
		return d.fromServer(s, c+1, syn|ack, nil)
	case stepACK:
		return d.fromClient(c+1, s+1, ack, nil)
	case stepRequest:
		return d.fromClient(c+1, s+1, ack|psh, d.request)
	case stepRequestACK:
		return d.fromServer(s+1, answered, ack, nil)
	case stepData:
		return d.data(answered)
	case stepFIN:
		return d.fromServer(d.end(), answered, fin|ack, nil)
	case stepClientFIN:
		return d.fromClient(answered, d.end()+1, fin|ack, nil)
	default:
		d.over = true
		return d.fromServer(d.end()+1, answered+1, ack, nil)
	}
}

// data is the next segment of the answer, or the client's acknowledgement after every second one and at the end.
func (d *download) data(answered uint32) []byte {
	if d.owesAck {
		d.owesAck = false
		if d.sent < len(d.order) {
			d.step = stepData
		}
		return d.fromClient(answered, d.serverISN+1+uint32(min(d.contiguous*segmentSize, len(d.answer))), ack, nil)
	}
	d.step = stepData
	segment := int(d.order[d.sent])
	d.sent++
	d.owesAck = d.sent%2 == 0 || d.sent == len(d.order)
	d.arrived[segment] = true
	for d.contiguous < len(d.arrived) && d.arrived[d.contiguous] {
		d.contiguous++
	}
	from := segment * segmentSize
	return d.fromServer(d.serverISN+1+uint32(from), answered, ack, d.answer[from:min(from+segmentSize, len(d.answer))])
}

// end is the sequence number behind the answer.
func (d *download) end() uint32 { return d.serverISN + 1 + uint32(len(d.answer)) }

func (d *download) fromClient(seq, acked uint32, flags byte, payload []byte) []byte {
	return d.tcp(&d.client, &d.server, 0, seq, acked, flags, d.stamped(0, flags), payload)
}

func (d *download) fromServer(seq, acked uint32, flags byte, payload []byte) []byte {
	return d.tcp(&d.server, &d.client, 0, seq, acked, flags, d.stamped(1, flags), payload)
}

// stamped gives the options of a segment: timestamps (RFC 7323), in a SYN the largest segment too.
func (d *download) stamped(from int, flags byte) []byte {
	d.stamp[from] = d.now
	o := be.AppendUint32(d.options[:0], 0x0101080a) // twice no operation, then kind and length
	o = be.AppendUint32(o, d.now)
	o = be.AppendUint32(o, d.stamp[1-from])
	if flags&syn != 0 {
		o = be.AppendUint32(o, 0x020405b4) // 1,460 bytes
	}
	return o
}
