package native

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/base/value"
	"eddy/internal/offpath/client/http"
	"eddy/internal/offpath/job"
)

// webhook asks web servers.
type webhook struct{ client *http.Client }

func tlsConfig(roots *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// run makes a job's request. What a server may answer otherwise the next time (408, 425, 429, 5xx, silence) fails and may be
// tried again; other answers that are not expected are final.
func (w webhook) run(ctx context.Context, j *job.Job) (value.Value, error) {
	a, err := readAsk(j.Data)
	if err != nil {
		return value.Nil(), err
	}
	for {
		answer, err := w.client.Do(ctx, a.Request)
		if err != nil {
			return value.Nil(), err
		}
		if a.fine(answer.Status) {
			return answerValue(answer), nil
		}
		if to := header(answer, "location"); isRedirect(answer.Status) && to != "" && a.redirects > 0 {
			if err := a.follow(answer.Status, to); err != nil {
				return value.Nil(), never(err)
			}
			continue
		}
		err = a.refused(answer)
		if !passing(answer.Status) {
			err = never(err)
		}
		return value.Nil(), err
	}
}

// passing says of an answer that it may be another one later (RFC 9110 §15.5, RFC 6585 §4, RFC 8470 §5.2).
func passing(status int) bool {
	return status == 408 || status == 425 || status == 429 || status >= 500
}

func isRedirect(status int) bool {
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308
}

// header gives the first header of an answer with that name in lower case.
func header(answer *http.Response, name string) string {
	for _, h := range answer.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// answerValue is {status=, headers={name = value}, body=}, with cut = true when there was more of the body. Values of headers
// that came several times are put together with commas, but for Set-Cookie, of which the first counts.
func answerValue(r *http.Response) value.Value {
	headers := &value.Table{}
	slices.SortStableFunc(r.Headers, func(a, b http.Header) int { return strings.Compare(a.Name, b.Name) })
	for i := 0; i < len(r.Headers); {
		name, all := r.Headers[i].Name, r.Headers[i].Value
		for i++; i < len(r.Headers) && r.Headers[i].Name == name; i++ {
			if name != "set-cookie" {
				all += ", " + r.Headers[i].Value
			}
		}
		headers.Set(name, value.Str(all))
	}
	t := &value.Table{}
	t.Set("status", value.Int(int64(r.Status)))
	t.Set("headers", value.Tab(headers))
	t.Set("body", value.Bytes(r.Body))
	if r.Cut {
		t.Set("cut", value.Bool(true))
	}
	return value.Tab(t)
}

// visible makes one line of a text from outside, without anything that moves a terminal's cursor.
func visible(s string, most int) string {
	cut := len(s) > most
	if cut {
		s = strings.ToValidUTF8(s[:most], "")
	}
	s = strings.TrimSpace(s)
	q := strconv.QuoteToGraphic(s)
	s = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
	if cut {
		s += "…"
	}
	return s
}
