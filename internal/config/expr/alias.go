package expr

// Alias declares a log-format alias: %ci is Name "ci" (configuration.txt §8.2.6).
type Alias struct {
	Name string
	HTTP bool // has a value in mode http only
	Doc  string
}

// Aliases lists the log-format aliases that eddy has, %o apart.
func Aliases() []Alias {
	return []Alias{
		{"B", false, "Bytes sent to the client."},
		{"CC", true, "The captured request cookie."},
		{"CS", true, "The captured response cookie."},
		{"H", false, "The machine's name."},
		{"HM", true, "The request's method."},
		{"HP", true, "The request's target without the query."},
		{"HPO", true, "The request's path."},
		{"HQ", true, "The request's query with its question mark."},
		{"HU", true, "The request's target."},
		{"HV", true, "The request's version."},
		{"ID", false, "The unique id."},
		{"OG", false, "What the log line is for."},
		{"ST", false, "The status sent to the client."},
		{"T", false, "When the connection was accepted, UTC."},
		{"Ta", true, "Milliseconds the request was active."},
		{"Tc", false, "Milliseconds to connect to the server."},
		{"Td", false, "Milliseconds of the response's data."},
		{"Th", false, "Milliseconds of handshakes."},
		{"Ti", true, "Milliseconds of idling before the request."},
		{"Tl", false, "When the connection was accepted, local time."},
		{"Tq", true, "Th, Ti and TR together."},
		{"TR", true, "Milliseconds to receive the request's head."},
		{"Tr", true, "Milliseconds to the response's head."},
		{"Ts", false, "When the connection was accepted, seconds since 1970."},
		{"Tt", false, "Milliseconds from accept to end."},
		{"Tu", false, "Milliseconds as the user sees them."},
		{"Tw", false, "Milliseconds in queues."},
		{"U", false, "Bytes received from the client."},
		{"ac", false, "Connections of the process."},
		{"b", false, "The backend's name."},
		{"bc", false, "Connections of the backend."},
		{"bi", false, "Our address towards the server."},
		{"bp", false, "Our port towards the server."},
		{"bq", false, "Streams ahead in the backend's queue."},
		{"ci", false, "The client's address."},
		{"cp", false, "The client's port."},
		{"f", false, "The frontend's name."},
		{"fc", false, "Connections of the frontend."},
		{"fi", false, "The address the client connected to."},
		{"fp", false, "The port the client connected to."},
		{"ft", false, "The frontend's name, with ~ for TLS."},
		{"hr", false, "Captured request headers, {a|b}."},
		{"hrl", false, "Captured request headers, one by one."},
		{"hs", false, "Captured response headers, {a|b}."},
		{"hsl", false, "Captured response headers, one by one."},
		{"lc", false, "The frontend's count of log lines."},
		{"ms", false, "Milliseconds of the accept date."},
		{"pid", false, "The process id."},
		{"r", true, "The request line."},
		{"rc", false, "Connection retries, with + for a redispatch."},
		{"rt", false, "The number of the request."},
		{"s", false, "The server's name."},
		{"sc", false, "Connections of the server."},
		{"si", false, "The server's address."},
		{"sp", false, "The server's port."},
		{"sq", false, "Streams ahead in the server's queue."},
		{"sslc", false, "Cipher of the client's TLS."},
		{"sslv", false, "Version of the client's TLS."},
		{"t", false, "When the connection was accepted, local time with milliseconds."},
		{"tr", true, "When the request came, local time with milliseconds."},
		{"trg", true, "When the request came, UTC."},
		{"trl", true, "When the request came, local time."},
		{"ts", false, "Termination state."},
		{"tsc", true, "Termination state with cookies."},
	}
}

// The formats behind "option httplog", "option httplog clf", "option tcplog" and "option tcplog clf"
// (configuration.txt §8.2.2, §8.2.3).
const (
	HTTPLog    = `%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r`
	HTTPLogCLF = `%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl`
	TCPLog     = `%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`
	TCPLogCLF  = `%{+Q}o %{-Q}ci - - [%T] "TCP " 000 %B "" "" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- %ac %fc %bc %sc %rc %sq %bq "" "" `
)

// DefaultLog is the format used when no log option and no log-format was given (configuration.txt §8.2.1); mode is
// "HTTP" or "TCP".
func DefaultLog(mode string) string { return "Connect from %ci:%cp to %fi:%fp (%f/" + mode + ")" }
