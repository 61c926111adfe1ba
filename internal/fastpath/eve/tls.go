package eve

import "eddy/internal/fastpath/learned"

func (l *line) tls(t *learned.TLS) {
	l.open("tls")
	if len(t.Chain) > 0 {
		l.certificate(&t.Chain[0])
	}
	l.boolIf("session_resumed", t.Resumed)
	l.stringIf("sni", t.SNI)
	l.string("version", t.Version)
	if t.HasServer {
		l.hex("cipher_suite", "0x", uint64(t.Cipher), 4)
	}
	if len(t.ALPN) > 0 {
		l.openList("client_alpns")
		for _, name := range t.ALPN {
			l.element(name)
		}
		l.closeList()
	}
	l.stringIf("server_alpn", t.Protocol)
	l.fingerprint("ja3", t.JA3)
	l.fingerprint("ja3s", t.JA3S)
	l.stringIf("ja4", t.JA4)
	l.close()
}

func (l *line) certificate(c *learned.Certificate) {
	l.string("subject", c.Subject)
	l.string("issuerdn", c.Issuer)
	l.string("serial", c.Serial)
	l.string("fingerprint", c.SHA1)
	if c.NotAfter != 0 {
		l.seconds("notbefore", c.NotBefore)
		l.seconds("notafter", c.NotAfter)
	}
	if len(c.DNSNames) > 0 {
		l.openList("subjectaltname")
		for _, name := range c.DNSNames {
			l.element(name)
		}
		l.closeList()
	}
}

func (l *line) fingerprint(name string, f learned.Fingerprint) {
	if f.Hash == "" {
		return
	}
	l.open(name)
	l.string("hash", f.Hash)
	l.string("string", f.Text)
	l.close()
}
