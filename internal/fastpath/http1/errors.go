package http1

import "strconv"

// ParseError says why a message was refused.
type ParseError struct {
	Status int    // what to answer: 400 and its like for requests, 502 for responses
	Off    int    // where in the buffer that was parsed
	Text   string // what is wrong there
}

// Error implements error.
func (e *ParseError) Error() string {
	return "byte " + strconv.Itoa(e.Off) + ": " + e.Text
}

// ErrorPage is the standard answer with that status, head and body, in HAProxy's form. It says "connection: close"
// and is for connections that cannot go on; where they can, see BuildError. A status that has no page of its own
// gets the page of 500. The bytes must not be changed.
func ErrorPage(status int) []byte { return pageOf(status).whole }

// AppendError appends ErrorPage.
func AppendError(dst []byte, status int) []byte { return append(dst, ErrorPage(status)...) }

// ErrorBody is the body of ErrorPage, an HTML text. The bytes must not be changed.
func ErrorBody(status int) []byte { return pageOf(status).body }

// HasErrorPage tells whether the status has a standard answer, which is what "errorfile" and "deny_status" accept.
func HasErrorPage(status int) bool { return pageOf(status).status == status }

// BuildError starts the standard answer with that status, to which headers may be added; the body that goes with it
// is returned.
func (m *Message) BuildError(status int) (body []byte) {
	p := pageOf(status)
	m.BuildResponse(p.status, p.title)
	m.SetBody(BodyLength, int64(len(p.body)))
	m.AddString("cache-control", "no-cache")
	m.AddString("content-type", "text/html")
	return p.body
}

// page is one standard answer.
type page struct {
	status int
	title  string
	text   string
	body   []byte
	whole  []byte
}

// pageOf finds the page of status, or that of 500.
func pageOf(status int) *page {
	fallback := 0
	for i := range pages {
		switch pages[i].status {
		case status:
			return &pages[i]
		case 500:
			fallback = i
		}
	}
	return &pages[fallback]
}

// pages are the standard answers; never written to once they are filled in. The titles and texts are those a client
// of HAProxy sees, 411, 414, 431 and 505 excepted, which it does not have.
var pages = fillPages([]page{
	{status: 200, title: "OK", text: "Service ready."},
	{status: 400, title: "Bad request", text: "Your browser sent an invalid request."},
	{status: 401, title: "Unauthorized", text: "You need a valid user and password to access this content."},
	{status: 403, title: "Forbidden", text: "Request forbidden by administrative rules."},
	{status: 404, title: "Not Found", text: "The resource could not be found."},
	{status: 405, title: "Method Not Allowed", text: "A request was made of a resource using a request method not supported by that resource"},
	{status: 407, title: "Unauthorized", text: "You need a valid user and password to access this content."},
	{status: 408, title: "Request Time-out", text: "Your browser didn't send a complete request in time."},
	{status: 410, title: "Gone", text: "The resource is no longer available and will not be available again."},
	{status: 411, title: "Length Required", text: "Your browser did not say how long its request is."},
	{status: 413, title: "Payload Too Large", text: "The request entity exceeds the maximum allowed."},
	{status: 414, title: "URI Too Long", text: "The request's address exceeds the maximum allowed."},
	{status: 421, title: "Misdirected Request", text: "Request sent to a non-authoritative server."},
	{status: 422, title: "Unprocessable Content", text: "The server cannot process the contained instructions."},
	{status: 425, title: "Too Early", text: "Your browser sent early data."},
	{status: 429, title: "Too Many Requests", text: "You have sent too many requests in a given amount of time."},
	{status: 431, title: "Request Header Fields Too Large", text: "The request's headers exceed the maximum allowed."},
	{status: 500, title: "Internal Server Error", text: "An internal server error occurred."},
	{status: 501, title: "Not Implemented", text: "The server does not support the functionality required to fulfill the request."},
	{status: 502, title: "Bad Gateway", text: "The server returned an invalid or incomplete response."},
	{status: 503, title: "Service Unavailable", text: "No server is available to handle this request."},
	{status: 504, title: "Gateway Time-out", text: "The server didn't respond in time."},
	{status: 505, title: "HTTP Version Not Supported", text: "Your browser speaks a version of HTTP that is not spoken here."},
})

func fillPages(list []page) []page {
	for i := range list {
		p := &list[i]
		code := strconv.Itoa(p.status)
		p.body = []byte("<html><body><h1>" + code + " " + p.title + "</h1>\n" + p.text + "\n</body></html>\n")
		head := "HTTP/1.1 " + code + " " + p.title + "\r\n" +
			"content-length: " + strconv.Itoa(len(p.body)) + "\r\n" +
			"cache-control: no-cache\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n"
		p.whole = append([]byte(head), p.body...)
	}
	return list
}
