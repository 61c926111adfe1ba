package txn

import "time"

// Service answers in the place of a server: a Lua applet, or one built in. It runs on the stream's goroutine and may
// block. In http mode it answers by ServiceIO's Start and Write; what it leaves out is made good: without Start the
// client gets 500, an unread request body is dropped.
type Service interface {
	Serve(tx *Txn, io ServiceIO) error
}

// ServiceIO is what a Service talks through. It is valid until Serve returns, on the goroutine that runs Serve.
// The stream honours the client's timeouts in it.
type ServiceIO interface {
	// Read reads request body bytes, chunk framing removed (http), or what the client sends (tcp). It gives at
	// least one byte or an error; io.EOF is the end of the body or of the client's half. A client that waits for
	// "100 Continue" is sent it at the first Read that has to wait.
	Read(p []byte) (int, error)
	// ReadLine reads up to and including the next line feed, or to the end. The bytes are valid until the next read.
	// A line longer than the buffer comes in pieces.
	ReadLine() ([]byte, error)
	// SetReadDeadline makes reads that would wait longer end with os.ErrDeadlineExceeded; nothing is lost by that. The
	// zero time takes it back.
	SetReadDeadline(t time.Time) error
	// Start ends the answer's head, which the service built in tx.Res (BuildResponse, Add); http mode only. Without
	// a Content-Length the body goes out in chunks to HTTP/1.1 clients and up to the close to older ones.
	Start() error
	// Started says whether Start was called.
	Started() bool
	// Write sends body bytes (http, after Start) or raw bytes (tcp). For HEAD they are counted and dropped. Small
	// writes are gathered; Flush sends them.
	Write(p []byte) (int, error)
	// Flush sends what Write gathered.
	Flush() error
}
