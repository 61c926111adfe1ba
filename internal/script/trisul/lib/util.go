package lib

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"

	"eddy/internal/script/vm"
)

// utilFuncs is the part of T.util that is better done in Go.
func utilFuncs() Funcs {
	return Funcs{
		// util_hash(text, bits): murmur2 of text, its lower bits
		"util_hash": func(c *vm.Call) error {
			s, err := Bytes(c, 1, "T.util.hash", 1)
			if err != nil {
				return err
			}
			bits := int64(32)
			if !c.IsNil(2) {
				var ok bool
				if bits, ok = c.Int(2); !ok || bits < 1 || bits > 32 {
					return Misuse("T.util.hash", "argument 2 must be a number of bits from 1 to 32")
				}
			}
			c.PushInt(int64(murmur2(s, 0)) & (1<<bits - 1))
			return nil
		},
		"util_bin2hex": func(c *vm.Call) error {
			s, err := Bytes(c, 1, "T.util.bin2hex", 1)
			if err == nil {
				c.PushStr(hex.EncodeToString(s))
			}
			return err
		},
		"util_hex2bin": func(c *vm.Call) error {
			s, err := Bytes(c, 1, "T.util.hex2bin", 1)
			if err != nil {
				return err
			}
			bin := make([]byte, hex.DecodedLen(len(s)))
			if _, err := hex.Decode(bin, bytes.TrimSpace(s)); err != nil {
				return Misuse("T.util.hex2bin", "%w", err)
			}
			c.PushBytes(bin)
			return nil
		},
		"util_filehash": fileHash,
	}
}

// Digest makes the hash of a name as scripts write it: "md5", "sha1" or "sha256"; nil when there is no such one.
func Digest(name string) hash.Hash {
	switch name {
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	}
	return nil
}

// fileHash: T.util.filehash(path, algorithm) reads the file in pieces and gives the hash in hexadecimal, or nil and
// what is wrong with the file.
func fileHash(c *vm.Call) error {
	path, err := Text(c, 1, "T.util.filehash", 1)
	if err != nil {
		return err
	}
	name := "sha1"
	if !c.IsNil(2) {
		if name, err = Text(c, 2, "T.util.filehash", 2); err != nil {
			return err
		}
	}
	sum := Digest(name)
	if sum == nil {
		return Misuse("T.util.filehash", "there is no hash %q; there are md5, sha1 and sha256", name)
	}
	return c.Wait(func(ctx context.Context) vm.Resume {
		if err := hashFile(ctx, sum, path); err != nil {
			return vm.Resume{Values: []vm.Value{vm.Nil(), vm.Str(err.Error())}}
		}
		return vm.Resume{Values: []vm.Value{vm.Str(hex.EncodeToString(sum.Sum(nil)))}}
	})
}

const hashPiece = 128 << 10 // bytes between two looks at the context

func hashFile(ctx context.Context, sum hash.Hash, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	piece := make([]byte, hashPiece)
	for {
		n, err := f.Read(piece)
		sum.Write(piece[:n])
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}
