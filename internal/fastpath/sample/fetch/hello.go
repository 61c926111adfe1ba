package fetch

import (
	"encoding/binary"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// tlsFetches read a TLS hello that passes through in mode tcp (RFC 8446 §4.1.2, §5.1), and say of TLS that ends here
// that there is none.
func tlsFetches() map[string]call.Fetch {
	absent := one(func(*txn.Txn, *call.Call) (txn.Value, bool) { return txn.Value{}, false })
	falsity := fixed(cast.Bool(false))
	extension := func(id uint16, get func(body []byte) (txn.Value, bool)) call.Fetch {
		return one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			h, ok := clientHello(tx)
			if !ok {
				return txn.Value{}, false
			}
			body, ok := h.extension(id)
			if !ok {
				return txn.Value{}, false
			}
			return get(body)
		})
	}
	list16 := func(body []byte) (txn.Value, bool) {
		r := reader{b: body}
		list, ok := r.block(2)
		return cast.Bin(list), ok
	}
	return map[string]call.Fetch{
		"ssl_bc":            falsity,
		"ssl_c_used":        falsity,
		"ssl_fc":            falsity,
		"ssl_fc_has_crt":    falsity,
		"ssl_fc_has_sni":    falsity,
		"ssl_fc_is_resumed": falsity,
		"ssl_fc_alpn":       absent,
		"ssl_fc_cipher":     absent,
		"ssl_fc_protocol":   absent,
		"ssl_fc_sni":        absent,

		"req.ssl_hello_type": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			_, ok := clientHello(tx)
			return cast.Num(helloClient), ok
		}),
		"res.ssl_hello_type": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			_, ok := handshake(tx, txn.Res, helloServer)
			return cast.Num(helloServer), ok
		}),
		"req.ssl_ver": one(sslVersion),
		"req.ssl_cipherlist": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			h, ok := clientHello(tx)
			return cast.Bin(h.ciphers), ok
		}),
		"req.ssl_sni":              extension(extServerName, serverName),
		"req.ssl_alpn":             one(alpnNames),
		"req.ssl_sigalgs":          extension(extSigAlgs, list16),
		"req.ssl_supported_groups": extension(extGroups, list16),
		"req.ssl_keyshare_groups":  one(keyShareGroups),
		"req.ssl_ec_ext": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			h, ok := clientHello(tx)
			_, has := h.extension(extGroups)
			return cast.Bool(has), ok
		}),
		"req.ssl_st_ext": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			h, ok := clientHello(tx)
			ticket, has := h.extension(extTicket)
			switch {
			case has && len(ticket) > 0:
				return cast.Num(2), ok
			case has:
				return cast.Num(1), ok
			}
			return cast.Num(0), ok
		}),
	}
}

const (
	helloClient = 1
	helloServer = 2

	extServerName = 0
	extGroups     = 10
	extSigAlgs    = 13
	extALPN       = 16
	extTicket     = 35
	extKeyShare   = 51
)

// hello is a ClientHello cut into parts.
type hello struct {
	version    uint16
	ciphers    []byte
	extensions []byte
}

func (h *hello) extension(id uint16) ([]byte, bool) {
	r := reader{b: h.extensions}
	for {
		got, ok := r.uint16()
		if !ok {
			return nil, false
		}
		body, ok := r.block(2)
		if !ok {
			return nil, false
		}
		if got == id {
			return body, true
		}
	}
}

// handshake gives the first handshake message of that type out of the first TLS records, or sets tx.Undecided.
func handshake(tx *txn.Txn, d txn.Dir, want byte) ([]byte, bool) {
	data, final, ok := payload(tx, d)
	if !ok {
		return nil, false
	}
	wait := func() ([]byte, bool) {
		tx.Undecided = tx.Undecided || !final
		return nil, false
	}
	const recordHead, messageHead = 5, 4
	if len(data) > 0 && data[0] != 22 || len(data) > 1 && data[1] != 3 {
		return nil, false
	}
	if len(data) < recordHead+messageHead {
		return wait()
	}
	if data[5] != want {
		return nil, false
	}
	size := int(data[6])<<16 | int(data[7])<<8 | int(data[8])
	record := int(binary.BigEndian.Uint16(data[3:]))
	if size > 1<<14 || record < messageHead {
		return nil, false
	}
	if record >= messageHead+size {
		if len(data) < recordHead+messageHead+size {
			return wait()
		}
		return data[recordHead+messageHead : recordHead+messageHead+size], true
	}
	return joinRecords(tx, data, final, size)
}

// joinRecords puts a message together that is spread over several records.
func joinRecords(tx *txn.Txn, data []byte, final bool, size int) ([]byte, bool) {
	const messageHead = 4
	msg := tx.Scratch.Take(messageHead + size)[:0]
	for len(msg) < messageHead+size {
		if len(data) >= 1 && data[0] != 22 {
			return nil, false
		}
		if len(data) < 5 {
			tx.Undecided = tx.Undecided || !final
			return nil, false
		}
		n := int(binary.BigEndian.Uint16(data[3:]))
		if n == 0 {
			return nil, false
		}
		if len(data) < 5+n {
			tx.Undecided = tx.Undecided || !final
			return nil, false
		}
		msg = append(msg, data[5:5+min(n, messageHead+size-len(msg))]...)
		data = data[5+n:]
	}
	return msg[messageHead:], true
}

func clientHello(tx *txn.Txn) (h hello, ok bool) {
	msg, ok := handshake(tx, txn.Req, helloClient)
	if !ok {
		return h, false
	}
	r := reader{b: msg}
	h.version, _ = r.uint16()
	r.skip(32)
	r.block(1) // session id
	h.ciphers, _ = r.block(2)
	_, ok = r.block(1) // compression
	h.extensions, _ = r.block(2)
	return h, ok
}

// sslVersion is the version in a TLS record or an SSLv2 hello (configuration.txt §7.3.5 req.ssl_ver).
func sslVersion(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
	data, final, ok := payload(tx, txn.Req)
	if !ok {
		return txn.Value{}, false
	}
	if len(data) >= 5 && data[0]&0x80 != 0 && data[2] == 1 { // SSLv2
		return cast.Num(int64(data[3])<<16 + int64(data[4])), true
	}
	if len(data) > 0 && data[0] != 22 && data[0]&0x80 == 0 {
		return txn.Value{}, false
	}
	if len(data) < 11 {
		tx.Undecided = tx.Undecided || !final
		return txn.Value{}, false
	}
	if data[0] != 22 || data[5] != helloClient {
		return txn.Value{}, false
	}
	return cast.Num(int64(data[9])<<16 + int64(data[10])), true
}

// serverName reads the host_name of a server_name extension (RFC 6066 §3).
func serverName(body []byte) (txn.Value, bool) {
	r := reader{b: body}
	list, ok := r.block(2)
	if !ok {
		return txn.Value{}, false
	}
	r = reader{b: list}
	for {
		kind, ok := r.byte()
		if !ok {
			return txn.Value{}, false
		}
		name, ok := r.block(2)
		if !ok {
			return txn.Value{}, false
		}
		if kind == 0 {
			return cast.Str(name), true
		}
	}
}

// clientList is the list that an extension of the client's hello consists of: a length of two bytes, and the items.
func clientList(tx *txn.Txn, kind uint16) (reader, bool) {
	h, ok := clientHello(tx)
	if !ok {
		return reader{}, false
	}
	body, ok := h.extension(kind)
	if !ok {
		return reader{}, false
	}
	r := reader{b: body}
	list, _ := r.block(2)
	return reader{b: list}, true
}

// alpnNames joins the protocol names with commas (RFC 7301 §3.1).
func alpnNames(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
	r, ok := clientList(tx, extALPN)
	if !ok {
		return txn.Value{}, false
	}
	out := tx.Scratch.Take(len(r.b))[:0]
	for {
		name, ok := r.block(1)
		if !ok {
			return cast.Str(out), len(out) > 0
		}
		if len(out) > 0 {
			out = append(out, ',')
		}
		out = append(out, name...)
	}
}

// keyShareGroups lists the groups of a key_share extension (RFC 8446 §4.2.8), two bytes each.
func keyShareGroups(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
	r, ok := clientList(tx, extKeyShare)
	if !ok {
		return txn.Value{}, false
	}
	out := tx.Scratch.Take(len(r.b))[:0]
	for {
		group, ok := r.uint16()
		if !ok {
			return cast.Bin(out), len(out) > 0
		}
		if _, ok := r.block(2); !ok {
			return cast.Bin(out), len(out) > 0
		}
		out = binary.BigEndian.AppendUint16(out, group)
	}
}

// reader takes length-prefixed pieces off the front of b.
type reader struct{ b []byte }

func (r *reader) byte() (byte, bool) {
	if len(r.b) < 1 {
		return 0, false
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c, true
}

func (r *reader) uint16() (uint16, bool) {
	if len(r.b) < 2 {
		r.b = nil
		return 0, false
	}
	n := binary.BigEndian.Uint16(r.b)
	r.b = r.b[2:]
	return n, true
}

func (r *reader) skip(n int) {
	r.b = r.b[min(n, len(r.b)):]
}

// block takes a block whose length stands in front of it in width bytes.
func (r *reader) block(width int) ([]byte, bool) {
	if len(r.b) < width {
		r.b = nil
		return nil, false
	}
	n := 0
	for _, c := range r.b[:width] {
		n = n<<8 | int(c)
	}
	if len(r.b)-width < n {
		r.b = nil
		return nil, false
	}
	out := r.b[width : width+n]
	r.b = r.b[width+n:]
	return out, true
}
