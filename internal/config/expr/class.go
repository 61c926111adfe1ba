package expr

// Class says what a fetch looks at, and so where it has a value.
type Class uint8

// The classes of fetches.
const (
	Internal    Class = iota // the process and constants: everywhere
	Client                   // the client's connection
	WithBackend              // the backend, once it is chosen
	WithServer               // the server and the connection to it
	ReqBytes                 // buffered bytes of the request
	ResBytes                 // buffered bytes of the response
	ReqHead                  // request headers
	ReqKept                  // what is kept of the request until the log
	ResHead                  // response headers
	ResKept                  // what is kept of the response until the log
	EitherHead               // headers of the request in request rules, of the response in response rules
	EitherBytes              // the same for bytes
	Done                     // known at the end: only worth something in logs
)

const (
	traffic  = ConnRule | SessRule | content | UniqueID
	content  = request | response | Log
	request  = ReqContent | HTTPReq | Balance
	response = ResContent | HTTPRes | HTTPAfter
)

// Scope gives the places where fetches of the class have a value.
func (c Class) Scope() Scope {
	switch c {
	case Internal:
		return Anywhere
	case Client:
		return traffic
	case WithBackend:
		return content
	case WithServer, ResKept:
		return response | Log
	case ReqBytes:
		return request
	case ResBytes:
		return response
	case ReqHead:
		return request | UniqueID
	case ReqKept:
		return content | UniqueID
	case ResHead:
		return response
	case EitherHead, EitherBytes:
		return request | response | UniqueID
	case Done:
		return content
	}
	return 0
}

// Late gives the places where eddy still has a value and HAProxy has none any more and refuses the configuration.
func (c Class) Late() Scope {
	switch c {
	case ReqHead:
		return response | Log
	case ResHead, EitherHead:
		return Log
	}
	return 0
}

// needs names what the class looks at.
func (c Class) needs() string {
	switch c {
	case Client:
		return "a client connection"
	case WithBackend:
		return "the backend"
	case WithServer:
		return "the server"
	case ReqBytes:
		return "bytes of the request"
	case ResBytes:
		return "bytes of the response"
	case ReqHead, ReqKept:
		return "the HTTP request"
	case ResHead, ResKept:
		return "the HTTP response"
	case EitherHead, EitherBytes:
		return "a request or response"
	}
	return "traffic"
}

// place names a scope for messages.
func (s Scope) place() string {
	switch s {
	case ConnRule:
		return "tcp-request connection rules"
	case SessRule:
		return "tcp-request session rules"
	case ReqContent:
		return "tcp-request content rules"
	case HTTPReq:
		return "http-request rules"
	case Balance:
		return "balance"
	case ResContent:
		return "tcp-response rules"
	case HTTPRes:
		return "http-response rules"
	case HTTPAfter:
		return "http-after-response rules"
	case Log:
		return "log formats"
	case UniqueID:
		return "unique-id-format"
	case Init:
		return "the global section"
	}
	return "this place"
}
