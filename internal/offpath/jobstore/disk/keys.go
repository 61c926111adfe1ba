package disk

import (
	"encoding/binary"
	"fmt"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// The keys of the database. Numbers are big-endian, so that they sort.
//
//	b ID              the body, as job.AppendBody writes it
//	f ID              the failures, as job.AppendFailures writes them
//	h STATE ID        the head of a ready, running or dead job
//	h STATE DUE ID    the head of a scheduled or retrying one
//	t ID              STATE DUE of a scheduled or retrying one, to find it by its id
//	u KEY             ID UNTIL of who holds a unique key
//	x UNTIL KEY       nothing; when a unique key is over
//	m                 meta
//
// A step from one state to another does not touch the body. As ids grow, what is added is at the end, and what is done goes at
// the beginning.
const (
	keyBody    = 'b'
	keyFailure = 'f'
	keyHead    = 'h'
	keyTimed   = 't'
	keyUnique  = 'u'
	keyExpiry  = 'x'
	keyMeta    = 'm'
)

// flip lets times before 1970 sort before others.
func flip(due int64) uint64 { return uint64(due) ^ 1<<63 }

func idKey(dst []byte, prefix byte, id job.ID) []byte {
	return binary.BigEndian.AppendUint64(append(dst[:0], prefix), uint64(id))
}

func headKey(dst []byte, s job.State, due int64, id job.ID) []byte {
	dst = append(dst[:0], keyHead, byte(s))
	if s.Timed() {
		dst = binary.BigEndian.AppendUint64(dst, flip(due))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(id))
}

func uniqueKey(dst []byte, key string) []byte { return append(append(dst[:0], keyUnique), key...) }

func expiryKey(dst []byte, until int64, key string) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst[:0], keyExpiry), flip(until))
	return append(dst, key...)
}

const headSize = 1 + 2 + 8 + 4 + 8

// appendHead writes what is not in the key, and Due.
func appendHead(dst []byte, h *job.Head) []byte {
	dst = append(dst[:0], byte(h.Priority))
	dst = binary.BigEndian.AppendUint16(dst, h.Attempts)
	dst = binary.BigEndian.AppendUint64(dst, h.KeyHash)
	dst = binary.BigEndian.AppendUint32(dst, h.Size)
	return binary.BigEndian.AppendUint64(dst, uint64(h.Due))
}

func decodeHead(key, value []byte) (job.Head, error) {
	var h job.Head
	if len(key) < 2 {
		return h, damaged("a key of %d bytes", len(key))
	}
	h.State = job.State(key[1])
	id := key[2:]
	if h.State.Timed() && len(id) == 16 {
		id = id[8:]
	}
	if !h.State.Kept() || len(id) != 8 || len(value) != headSize {
		return h, damaged("the head of a job: key %x, %d bytes", key, len(value))
	}
	h.ID = job.ID(binary.BigEndian.Uint64(id))
	h.Priority = int8(value[0])
	h.Attempts = binary.BigEndian.Uint16(value[1:])
	h.KeyHash = binary.BigEndian.Uint64(value[3:])
	h.Size = binary.BigEndian.Uint32(value[11:])
	h.Due = int64(binary.BigEndian.Uint64(value[15:]))
	return h, nil
}

func appendHold(dst []byte, id job.ID, until int64) []byte {
	dst = binary.BigEndian.AppendUint64(dst[:0], uint64(id))
	return binary.BigEndian.AppendUint64(dst, uint64(until))
}

func decodeHold(value []byte) (id job.ID, until int64, err error) {
	if len(value) != 16 {
		return 0, 0, damaged("the holder of a unique key: %d bytes", len(value))
	}
	return job.ID(binary.BigEndian.Uint64(value)), int64(binary.BigEndian.Uint64(value[8:])), nil
}

// layout is the version of all this.
const layout = 1

// meta is what a store knows as a whole. Each commit writes it.
type meta struct {
	commits uint64 // so many there were
	last    job.ID
	totals  jobstore.Totals
}

func (m *meta) append(dst []byte) []byte {
	dst = append(dst[:0], layout)
	dst = binary.AppendUvarint(dst, m.commits)
	dst = binary.AppendUvarint(dst, uint64(m.last))
	for s := job.Ready; s <= job.Dead; s++ {
		dst = binary.AppendUvarint(dst, uint64(m.totals.Jobs[s]))
		dst = binary.AppendUvarint(dst, uint64(m.totals.Bytes[s]))
	}
	return dst
}

func decodeMeta(p []byte) (m meta, err error) {
	if len(p) == 0 {
		return m, damaged("the totals are empty")
	}
	if p[0] != layout {
		return m, fmt.Errorf("%w: they were written by another version of eddy (layout %d, this one has %d)", errLayout, p[0], layout)
	}
	p = p[1:]
	next := func() uint64 {
		n, size := binary.Uvarint(p)
		if size <= 0 {
			err = damaged("the totals end too early")
			p = nil
			return 0
		}
		p = p[size:]
		return n
	}
	m.commits = next()
	m.last = job.ID(next())
	for s := job.Ready; s <= job.Dead; s++ {
		m.totals.Jobs[s] = int64(next())
		m.totals.Bytes[s] = int64(next())
	}
	if err == nil && len(p) > 0 {
		err = damaged("the totals have %d bytes too many", len(p))
	}
	return m, err
}
