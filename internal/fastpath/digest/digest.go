// Package digest computes the hashes of a file while its bytes pass, so that nobody has to read it again for them.
package digest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// Set says which hashes are wanted.
type Set uint8

// The hashes.
const (
	MD5 Set = 1 << iota
	SHA1
	SHA256
)

// Parse finds a hash by its name as it is written in configurations: "md5", "sha1", "sha256".
func Parse(name string) (one Set, ok bool) {
	switch name {
	case "md5":
		return MD5, true
	case "sha1":
		return SHA1, true
	case "sha256":
		return SHA256, true
	}
	return 0, false
}

// Sums are hashes in lower case hexadecimal; "" of those that are not in the set.
type Sums struct{ MD5, SHA1, SHA256 string }

// Hasher computes the hashes of one file at a time. It belongs to one goroutine at a time. After Reset it is ready for
// another file; it allocates nothing but the strings of Sums.
type Hasher struct {
	md5, sha1, sha256 hash.Hash // nil: not in the set
	sum               [sha256.Size]byte
	text              [2 * sha256.Size]byte
}

// New makes a Hasher for a set of hashes.
func New(set Set) *Hasher {
	h := &Hasher{}
	if set&MD5 != 0 {
		h.md5 = md5.New()
	}
	if set&SHA1 != 0 {
		h.sha1 = sha1.New()
	}
	if set&SHA256 != 0 {
		h.sha256 = sha256.New()
	}
	return h
}

// Add takes the next bytes of the file.
func (h *Hasher) Add(data []byte) {
	if h.md5 != nil {
		h.md5.Write(data)
	}
	if h.sha1 != nil {
		h.sha1.Write(data)
	}
	if h.sha256 != nil {
		h.sha256.Write(data)
	}
}

// Sums gives the hashes of what was added since Reset.
func (h *Hasher) Sums() Sums { return Sums{h.hex(h.md5), h.hex(h.sha1), h.hex(h.sha256)} }

func (h *Hasher) hex(one hash.Hash) string {
	if one == nil {
		return ""
	}
	return string(h.text[:hex.Encode(h.text[:], one.Sum(h.sum[:0]))])
}

// Reset makes h ready for another file.
func (h *Hasher) Reset() {
	if h.md5 != nil {
		h.md5.Reset()
	}
	if h.sha1 != nil {
		h.sha1.Reset()
	}
	if h.sha256 != nil {
		h.sha256.Reset()
	}
}
