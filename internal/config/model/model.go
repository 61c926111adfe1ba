// Package model is a checked configuration as data: what the parser produced, with defaults applied and names
// resolved, and nothing yet running. It is written by package config and then never changes; any goroutine may
// read it.
package model

import (
	"time"

	"eddy/internal/config/diag"
)

// Config is everything the configuration files said.
type Config struct {
	Global     Global
	Proxies    []*Proxy // in file order; "defaults" are already folded in
	HTTPErrors []*HTTPErrors
	Observes   []*Observe
	Queues     []*Queue
	Files      []string // the files that were read, in order
}

// Proxy finds a proxy by name that can play the wanted side, or nil.
func (c *Config) Proxy(name string, side Side) *Proxy {
	for _, p := range c.Proxies {
		if p.Name == name && p.Side&side != 0 {
			return p
		}
	}
	return nil
}

// Idle tells that nothing would happen: nobody listens, nothing is observed, there is no script, and no queue that may
// have jobs of an earlier process.
func (c *Config) Idle() bool {
	if len(c.Observes) > 0 {
		return false
	}
	for _, q := range c.Queues {
		if q.Disk {
			return false
		}
	}
	for _, p := range c.Proxies {
		if len(p.Binds) > 0 && !p.Disable {
			return false
		}
	}
	return len(c.Global.StatsSocks) == 0 && len(c.Global.Lua.Loads) == 0
}

// Global is the global section (configuration.txt §3).
type Global struct {
	Lua         Lua
	Logs        []Log
	LogTag      string // default "haproxy" is eddy's "eddy"
	LogSendHost string // host name put in syslog lines; "" means leave it out, "*" the machine's own
	MaxConn     int    // 0: derived from the file descriptor limit
	NbThread    int    // 0: one for each core
	Daemon      bool
	MasterWork  bool
	User, Group string
	UID, GID    int // -1: not given
	Chroot      string
	StateDir    string // "": the user's state folder, /var/lib/eddy for root
	PIDFile     string
	UlimitN     int
	HardStop    time.Duration // hard-stop-after; 0: none
	StatsSocks  []Bind        // "stats socket"; Level is in the Bind
	StatsTime   time.Duration // "stats timeout"
	BufSize     int           // tune.bufsize, bytes, default 16384
	MaxRewrite  int           // tune.maxrewrite, bytes, default 1024
	MaxHdr      int           // tune.http.maxhdr, default 101
	Node        string
	Description string
	ProcVars    []SetVar // set-var / set-var-fmt in global: proc.* variables
	Quiet       bool
	LogURILen   int               // tune.http.logurilen, bytes of a request line in logs, default 1024
	Env         map[string]string // what setenv and presetenv set
	EnvUnset    []string          // what unsetenv removed
	EnvReset    bool              // resetenv: everything was removed but EnvKeep, before Env and EnvUnset
	EnvKeep     []string
}

// Lua holds the lua-* and tune.lua.* keywords.
type Lua struct {
	Loads         []LuaLoad
	PrependPath   []LuaPath
	MaxMem        int64         // tune.lua.maxmem in bytes for each state; 0: the default bound
	BurstTimeout  time.Duration // 0 means none, like the three below; defaults 1s, 4s, none, 4s
	SessionTime   time.Duration
	TaskTime      time.Duration
	ServiceTime   time.Duration
	ForcedYield   int    // instructions between two looks at the clock, default 10000
	LogLoggers    bool   // tune.lua.log.loggers, default on
	LogStderr     string // tune.lua.log.stderr: on | auto | off, default auto
	OpenLibs      []string
	OpenLibsGiven bool
	BoolSamples   bool // tune.lua.bool-sample-conversion normal
	FifoDisk      bool // tune.lua.fifo disk
}

// LuaLoad is one lua-load or lua-load-per-thread line.
type LuaLoad struct {
	Pos       diag.Pos
	File      string // as resolved against the working folder
	Args      []string
	PerThread bool
}

// LuaPath is one lua-prepend-path line.
type LuaPath struct {
	Path string
	Type string // "path" or "cpath"
}

// Side says which roles a section plays.
type Side uint8

const (
	Frontend Side = 1 << iota
	Backend
	Listen = Frontend | Backend
)

// Mode is what a proxy speaks.
type Mode uint8

const (
	ModeTCP Mode = iota
	ModeHTTP
)

// Proxy is a frontend, backend or listen section (configuration.txt §4).
type Proxy struct {
	Pos     diag.Pos
	Side    Side
	Name    string
	ID      int
	Mode    Mode
	Disable bool
	Descr   string

	Binds   []Bind
	MaxConn int // frontend; 0: the process's
	Backlog int

	Timeouts Timeouts
	Options  Options

	Logs        []Log
	LogFormat   *Format // nil: no log line unless a log option chose one
	ErrorFormat *Format
	LogTag      string
	UniqueIDFmt *Format
	UniqueIDHdr string

	ACLs             []*ACL
	HTTPRequest      []*Rule
	HTTPResponse     []*Rule
	HTTPAfter        []*Rule // http-after-response
	TCPReqConn       []*Rule // tcp-request connection
	TCPReqSess       []*Rule // tcp-request session
	TCPReqContent    []*Rule // tcp-request content
	TCPRespContent   []*Rule // tcp-response content
	TCPInspect       time.Duration
	TCPRespInspect   time.Duration
	UseBackend       []*UseBackend
	UseServer        []*UseServer
	DefaultBackend   string
	DefaultBackendAt diag.Pos
	CaptureReq       []CaptureHeader
	CaptureResp      []CaptureHeader
	CaptureCookie    CaptureHeader // Name "": none
	// DeclaredCaptures are also slots of CaptureReq and CaptureResp, with an empty Name there.
	DeclaredCaptures []DeclaredCapture

	Balance   Balance
	Servers   []*Server
	Retries   int // default 3
	RetryOn   RetryOn
	FullConn  int
	HTTPReuse Reuse
	HashType  string // "map-based" or "consistent"
	// HashFunction is "" (by HAProxy's default), sdbm, djb2, wt6, crc32 or none; HashAvalanche scrambles its result.
	HashFunction  string
	HashAvalanche bool
	ErrorFiles    map[int]*ErrorFile
	MonitorURI    string
	MonitorFail   []*Cond
	Source        string // "source" address for outgoing connections, "" none
}

// Timeouts are the "timeout X" lines; 0 means none was given.
type Timeouts struct {
	Client, Server, Connect, HTTPRequest, HTTPKeepAlive, Queue, Tunnel, ClientFin, ServerFin, Tarpit, Check time.Duration
}

// Options are the "option X" lines.
type Options struct {
	HTTPLog, TCPLog, DontLogNull, DontLogNormal, LogASAP, LogSeparateErrors bool
	ForwardFor                                                              *ForwardFor
	HTTPServerClose, HTTPClose, HTTPKeepAlive, HTTPBufferRequest            bool
	Redispatch                                                              bool
	RedispatchEvery                                                         int // 0: on the last retry only; n: every n-th; <0: from the end
	AbortOnClose                                                            bool
	IgnoreProbes, ClitcpKA, SrvtcpKA, SpliceAuto, SpliceReq, SpliceResp     bool
	OriginalTo                                                              *ForwardFor
	LogCLF                                                                  bool // httplog or tcplog with "clf"
}

// ForwardFor is "option forwardfor [except net] [header name] [if-none]".
type ForwardFor struct {
	Except string // CIDR or ""
	Header string // default "x-forwarded-for"
	IfNone bool
}

// Bind is one address that a "bind" or "stats socket" line listens on; a range becomes several.
type Bind struct {
	Pos  diag.Pos
	Addr Address
	Name string

	MaxConn     int
	Backlog     int
	AcceptProxy bool
	Mode        uint32 // unix socket permission bits; 0: not given
	UID, GID    int    // -1: not given
	Level       string // user | operator | admin (stats socket)
	V4V6, V6    bool   // v4v6 / v6only
	Transparent bool
	Interface   string
	DeferAccept bool
	TFO         bool
	ID          int
	Nice        int
	TCPUserTO   time.Duration
	ExposeFDs   bool
}

// AddrKind is the family an Address was written in.
type AddrKind uint8

const (
	AddrTCP      AddrKind = iota // Host and Port
	AddrUnix                     // Path
	AddrAbstract                 // Path, Linux abstract namespace (abns@)
	AddrFD                       // FD, inherited and already bound (fd@)
	AddrUDP                      // Host and Port, for logs
)

// Address is a parsed address (configuration.txt §2.9).
type Address struct {
	Kind   AddrKind
	Host   string // IP text or host name; "" or "*" mean any; never with brackets
	V4, V6 bool   // a family prefix forced it
	Port   int
	// PortOffset: the port was written +n or -n, relative to the client's destination port (servers only).
	PortOffset bool
	NoPort     bool // no port was written (servers: the client's destination port is used)
	Path       string
	FD         int
	Text       string // as written, for messages
}

// Server is a "server" line with "default-server" folded in (configuration.txt §5.2).
type Server struct {
	Pos  diag.Pos
	Name string
	Addr Address
	ID   int

	Weight      int // 0..256, default 1
	MaxConn     int // 0: none
	MinConn     int
	MaxQueue    int // 0: none
	Backup      bool
	Disabled    bool
	SendProxy   int // 0, 1 (send-proxy), 2 (send-proxy-v2)
	Check       bool
	Inter       time.Duration
	FastInter   time.Duration
	DownInter   time.Duration
	Rise, Fall  int
	PoolMaxConn int           // pool-max-conn; -1: no limit
	PoolPurge   time.Duration // pool-purge-delay, default 5s
	PoolLowConn int
	MaxReuse    int // -1: no limit
	Source      string
	Cookie      string
	Redir       string
	SlowStart   time.Duration
	TCPUserTO   time.Duration
	InitAddr    string
}

// Balance is the "balance" line.
type Balance struct {
	Algo string // roundrobin (default) static-rr leastconn first random source uri url_param hdr hash
	Arg  string // hdr: the header's name; url_param: the parameter
	Expr *Expr  // hash
	// uri: how much of it counts
	URILen, URIDepth      int
	URIWhole, URIPathOnly bool
	HdrUseDomainOnly      bool
	URLParamCheckPost     int
	RandomDraws           int // random(n), default 2
}

// Reuse is the "http-reuse" line.
type Reuse uint8

const (
	ReuseSafe Reuse = iota
	ReuseNever
	ReuseAggressive
	ReuseAlways
)

// RetryOn is the set of the "retry-on" line.
type RetryOn struct {
	ConnFailure, EmptyResponse, JunkResponse, ResponseTimeout, ZeroRTT bool
	Status                                                             []int
}

// ErrorFile is what answers with a status: a whole response as bytes (errorfile, http-errors) or a described one
// (http-error status ...).
type ErrorFile struct {
	Pos    diag.Pos
	Status int
	Raw    []byte  // complete response; nil when Return is used
	Return *Action // http-error's arguments, in the shape of the "return" action
}

// HTTPErrors is an http-errors section.
type HTTPErrors struct {
	Pos   diag.Pos
	Name  string
	Files map[int]*ErrorFile
}

// Log is one "log" line (configuration.txt §4.2 log).
type Log struct {
	Pos      diag.Pos
	Global   bool    // "log global": use the global section's
	Addr     Address // syslog server or unix datagram socket
	FD       int     // 1 stdout, 2 stderr; 0: Addr is used
	TCP      bool    // tcp@ address or ring+tcp
	MaxLen   int     // len, default 1024
	Format   string  // rfc3164 (default) rfc5424 raw short priority timed iso local json
	Facility string
	Level    string // highest verbosity sent, default debug
	MinLevel string // default emerg
	SampleLo []int  // sample ranges as given, pairs; nil: all
	SampleN  int
}

// UseBackend is a "use_backend" line. Name may be a Format.
type UseBackend struct {
	Pos  diag.Pos
	Name string  // when static
	Fmt  *Format // when dynamic
	Cond *Cond
}

// UseServer is a "use-server" line.
type UseServer struct {
	Pos  diag.Pos
	Name string
	Fmt  *Format
	Cond *Cond
}

// CaptureHeader is "capture request|response header NAME len N".
type CaptureHeader struct {
	Name string
	Len  int
}

// DeclaredCapture is "declare capture request|response len N".
type DeclaredCapture struct {
	Response bool
	Len      int
}
