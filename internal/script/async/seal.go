package async

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"eddy/internal/script/vm"
)

// Seal has the key of an installation. Code that leaves the process is sealed with it, because Lua trusts compiled code: who
// could write some could do whatever the process can. Its methods may be called from any goroutine.
type Seal struct {
	dir string // where the key is kept
	key atomic.Pointer[key]
}

// key is a secret, and what tells it from others.
type key struct {
	secret [sealKey]byte
	id     [sealID]byte
}

// A sealed function is: sealMark, the key's id, a byte with the length of the Lua version, that version, the packed value, and
// the HMAC-SHA256 of the owner's name with its length, and all of the above.
const (
	sealMark = "eddyL\x01" // the last byte is the form's number
	sealKey  = 32
	sealID   = 8
	sealMAC  = sha256.Size
	sealFile = "seal.key"
)

// Why sealed code is refused.
var (
	ErrSealDamaged = errors.New("the stored function is damaged")
	ErrSealForeign = errors.New("the stored function was sealed by another installation (the key is " + sealFile + " in state-dir)")
)

// SealVersionError says that a function was compiled by another Lua.
type SealVersionError struct{ Made, Here string }

func (e *SealVersionError) Error() string {
	return fmt.Sprintf("the stored function was made by Lua %s, this is %s; push it anew, or use a named handler, which outlives both", e.Made, e.Here)
}

// ErrNoKey says that Load was not called yet.
var ErrNoKey = errors.New("functions can't be pushed yet: the state folder is not open")

// NewSeal makes a Seal whose key ends with the process.
func NewSeal() *Seal {
	k := newKey()
	s := &Seal{}
	s.key.Store(&k)
	return s
}

// LaterSeal makes a Seal whose key is in a state folder. It has none before Load.
func LaterSeal(dir string) *Seal { return &Seal{dir: dir} }

// Load reads the key in the state folder, or makes one. The folder is there.
func (s *Seal) Load() error {
	path := filepath.Join(s.dir, sealFile)
	k, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(s.dir, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot make the key for stored functions: %w", err)
		}
		k, err = readKey(path)
	}
	if err != nil {
		return err
	}
	s.key.Store(&k)
	return nil
}

func newKey() key {
	var secret [sealKey]byte
	rand.Read(secret[:]) // never fails
	return keyOf(secret)
}

func keyOf(secret [sealKey]byte) key {
	k := key{secret: secret}
	sum := sha256.Sum256(append([]byte("eddy seal key id\x00"), secret[:]...))
	copy(k.id[:], sum[:])
	return k
}

// makeKey puts a key into its place whole, and never over another one.
func makeKey(dir, path string) error {
	f, err := os.CreateTemp(dir, sealFile+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	k := newKey()
	_, err = f.Write(k.secret[:])
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func readKey(path string) (key, error) {
	f, err := os.Open(path)
	if err != nil {
		return key{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return key{}, err
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return key{}, fmt.Errorf("%s can be read by others than its owner (%v): whoever has it can make functions that this process runs; "+
			"delete it (functions in disk queues are lost with it) or, if nobody else has had it, run chmod 600", path, mode)
	}
	var text [sealKey + 1]byte
	n, err := f.ReadAt(text[:], 0)
	if err != nil && err != io.EOF {
		return key{}, err
	}
	if n != sealKey {
		return key{}, fmt.Errorf("%s is damaged: it has %d bytes, a key has %d; delete it (functions in disk queues are lost with it)", path, info.Size(), sealKey)
	}
	return keyOf([sealKey]byte(text[:sealKey])), nil
}

// Close seals a packed function of an owner; ErrNoKey.
func (s *Seal) Close(owner string, p *vm.Packed) ([]byte, error) {
	k := s.key.Load()
	if k == nil {
		return nil, ErrNoKey
	}
	return k.close(owner, vm.Version(), p.Bytes()), nil
}

func (k *key) close(owner, version string, packed []byte) []byte {
	b := make([]byte, 0, len(sealMark)+sealID+1+len(version)+len(packed)+sealMAC)
	b = append(b, sealMark...)
	b = append(b, k.id[:]...)
	b = append(b, byte(len(version)))
	b = append(b, version...)
	b = append(b, packed...)
	return append(b, k.sum(owner, b)...)
}

func (k *key) sum(owner string, b []byte) []byte {
	h := hmac.New(sha256.New, k.secret[:])
	fmt.Fprintf(h, "%d %s\n", len(owner), owner)
	h.Write(b)
	return h.Sum(nil)
}

// Open gives what Close sealed: ErrNoKey, ErrSealForeign, ErrSealDamaged, or a *SealVersionError.
func (s *Seal) Open(owner string, b []byte) (*vm.Packed, error) {
	k := s.key.Load()
	if k == nil {
		return nil, ErrNoKey
	}
	rest, ok := bytes.CutPrefix(b, []byte(sealMark))
	if !ok || len(rest) < sealID+1+sealMAC {
		return nil, ErrSealDamaged
	}
	if !bytes.Equal(rest[:sealID], k.id[:]) {
		return nil, ErrSealForeign
	}
	at := len(b) - sealMAC
	if !hmac.Equal(b[at:], k.sum(owner, b[:at])) {
		return nil, ErrSealDamaged
	}
	rest = rest[sealID : len(rest)-sealMAC]
	n := int(rest[0])
	if len(rest) < 1+n {
		return nil, ErrSealDamaged
	}
	if made, here := string(rest[1:1+n]), vm.Version(); made != here {
		return nil, &SealVersionError{made, here}
	}
	return vm.PackedOf(rest[1+n:]), nil
}
