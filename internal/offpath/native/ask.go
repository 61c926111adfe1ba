package native

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/offpath/client/http"
)

const formWebhook = `{url = "https://host/path", method = "POST", ` +
	`headers = {["Content-Type"] = "application/json"}, body = "…", expect = {200, 204}}`

const maxRedirects = 10

// ask is a request, and what to make of its answer.
type ask struct {
	http.Request
	at        *url.URL
	expect    []int // statuses that are fine; none: 2xx
	redirects int   // that are followed
}

// readAsk makes a request of a payload.
func readAsk(data []byte) (*ask, error) {
	p := open(data, formWebhook)
	a := &ask{}
	a.at = p.url("url")
	if a.at != nil {
		a.URL = a.at.String()
	}
	body := p.text("body")
	if p.has("body") {
		a.Body = []byte(body)
	}
	if a.Method = p.text("method"); a.Method == "" {
		a.Method = "GET"
		if a.Body != nil {
			a.Method = "POST"
		}
	}
	switch {
	case !token(a.Method):
		p.bad("method", "is %q, which is no method", short(a.Method, 50))
	case strings.EqualFold(a.Method, "CONNECT"):
		p.bad("method", "is CONNECT, which opens a tunnel and makes no request")
	}
	for _, h := range p.pairs("headers") {
		p.field(h)
		a.Headers = append(a.Headers, http.Header{Name: h.name, Value: h.value})
	}
	a.login(p)
	a.Timeout = p.seconds("timeout")
	a.expect = p.statuses("expect")
	a.redirects = p.whole("redirects", 0, 0, maxRedirects)
	return a, p.end()
}

// url reads an absolute URL. Errors don't quote it: it may hold a secret.
func (p *payload) url(name string) *url.URL {
	s := p.text(name)
	if s == "" {
		p.bad(name, "is missing")
		return nil
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r <= 0x20 || r == 0x7f }); i >= 0 {
		p.bad(name, "has a space or a control byte (%#02x) at byte %d: write it as %%%02X", s[i], i+1, s[i])
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		p.bad(name, "is not a URL")
		return nil
	case u.Scheme != "http" && u.Scheme != "https":
		p.bad(name, "begins with neither http:// nor https://")
	case u.Hostname() == "":
		p.bad(name, "has no host")
	case u.Port() != "":
		if n, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || n == 0 {
			p.bad(name, "has no port number behind its colon")
		}
	}
	return u
}

// login takes user and password from their fields or out of the URL, as a header (RFC 7617).
func (a *ask) login(p *payload) {
	user, password := p.text("user"), p.text("password")
	if a.at != nil && a.at.User != nil {
		if user == "" {
			user = a.at.User.Username()
			password, _ = a.at.User.Password()
		}
		a.at.User = nil
		a.URL = a.at.String()
	}
	if user == "" {
		return
	}
	if strings.Contains(user, ":") {
		p.bad("user", "has a colon, which a user's name can't have here")
	}
	for _, h := range a.Headers {
		if strings.EqualFold(h.Name, "Authorization") {
			p.bad("headers", "have Authorization beside 'user'")
		}
	}
	login := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	a.Headers = append(a.Headers, http.Header{Name: "Authorization", Value: "Basic " + login})
}

// field refuses a header that is not one, or that would change where the request ends.
func (p *payload) field(h pair) {
	if !token(h.name) {
		p.bad("headers", "have the name %q; a name is made of letters, digits and hyphens", short(h.name, 50))
		return
	}
	switch strings.ToLower(h.name) {
	case "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect":
		p.bad("headers", "have %s, which follows from the body and the connection: leave it out", h.name)
	}
	if i := control(h.value); i >= 0 {
		p.bad("headers["+h.name+"]", "has a control byte (%#02x) at byte %d", h.value[i], i+1)
	}
}

// token says that s is a method or the name of a header (RFC 9110 §5.6.2).
func token(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)) {
			return false
		}
	}
	return s != "" && len(s) <= 256
}

// statuses is a list of HTTP statuses, or one.
func (p *payload) statuses(name string) []int {
	var out []int
	for _, s := range p.list(name) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 100 || n > 599 {
			p.bad(name, "has %q, which is no status; write a number from 100 to 599", short(s, 20))
			return nil
		}
		out = append(out, n)
	}
	return out
}

func (a *ask) fine(status int) bool {
	if len(a.expect) > 0 {
		return slices.Contains(a.expect, status)
	}
	return status >= 200 && status < 300
}

// refused is the error of an answer that is not fine. It names the host only: the rest of a URL may hold a secret.
func (a *ask) refused(answer *http.Response) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d %s", a.host(), answer.Status, visible(answer.Reason, 100))
	if wait := header(answer, "retry-after"); wait != "" && passing(answer.Status) {
		fmt.Fprintf(&b, " (Retry-After: %s)", visible(wait, 50))
	}
	if isRedirect(answer.Status) && len(a.expect) == 0 {
		b.WriteString(": a redirect; 'redirects' says how many are followed")
	}
	if len(answer.Body) > 0 {
		b.WriteString(": " + visible(string(answer.Body), 300))
	}
	return errors.New(b.String())
}

func (a *ask) host() string { return visible(a.at.Host, 200) }

// follow turns a into the request that a redirect asks for (RFC 9110 §15.4). What authenticates us does not go to another
// host, and nothing goes from https to http.
func (a *ask) follow(status int, location string) error {
	to, err := a.at.Parse(location)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return fmt.Errorf("%s: %d: it redirects to something that is no http or https URL", a.host(), status)
	}
	if a.at.Scheme == "https" && to.Scheme == "http" {
		return fmt.Errorf("%s: %d: it redirects from https to http", a.host(), status)
	}
	dropped := []string{"host"}
	if to.Host != a.at.Host || to.Scheme != a.at.Scheme {
		dropped = append(dropped, "authorization", "cookie")
	}
	if status == 303 && a.Method != "HEAD" || status < 303 && a.Method == "POST" {
		a.Method, a.Body = "GET", nil
		dropped = append(dropped, "content-type", "content-encoding", "content-language", "content-location")
	}
	a.Headers = slices.DeleteFunc(slices.Clone(a.Headers), func(h http.Header) bool {
		return slices.Contains(dropped, strings.ToLower(h.Name))
	})
	to.User, to.Fragment = nil, ""
	a.at, a.URL = to, to.String()
	a.redirects--
	return nil
}
