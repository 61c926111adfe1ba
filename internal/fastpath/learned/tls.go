package learned

// TLS is what a handshake said before it was encrypted.
type TLS struct {
	Where
	SNI       string
	Version   string   // agreed: "TLS 1.2", "TLS 1.3", "SSL 3.0"; of a hello without an answer: what the client offers
	Cipher    uint16   // chosen by the server, as IANA numbers them
	ALPN      []string // offered by the client
	Protocol  string   // of ALPN, chosen by the server in clear; "": none
	Resumed   bool     // an earlier session went on, so that there is no certificate
	JA3, JA3S Fingerprint
	JA4       string
	Chain     []Certificate // the server's own first
	HasClient bool          // a ClientHello was seen
	HasServer bool          // a ServerHello was seen
}

// Fingerprint is a JA3 or JA3S: what was hashed, and its MD5 in hexadecimal.
type Fingerprint struct{ Text, Hash string }

// Certificate of a TLS chain.
type Certificate struct {
	Subject, Issuer         string // "C=US, O=Example, CN=example.com", in the certificate's order
	SubjectCN, IssuerCN     string // common names; "": none
	Organization, IssuerOrg string
	Serial                  string // "5F:16:E9", "-" in front of a negative one
	NotBefore, NotAfter     int64  // seconds since 1970
	SHA1                    string // of the DER form: "cb:69:d0"
	DNSNames                []string
	IsCA, SelfSigned        bool   // SelfSigned: issuer and subject are the same
	DER                     []byte // as it came
	Problem                 string // what kept it from being read; "": nothing did
}
