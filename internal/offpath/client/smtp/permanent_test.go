package smtp

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/emersion/go-smtp"
)

func TestPermanent(t *testing.T) {
	answer := func(code int) error { return &smtp.SMTPError{Code: code, Message: "no"} }
	step := func(err error) error { return &StepError{Server: "h:25", Step: "sender", Text: "no", Err: err} }
	all := func(codes ...int) error {
		e := &allRefusedError{}
		for _, c := range codes {
			e.refused = append(e.refused, Refused{To: "a@b", Err: answer(c)})
		}
		return step(e)
	}
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"it went well", nil, false},
		{"nothing was sent", Message{Server: "h", From: "a\nb"}.Check(), true},
		{"5xx", step(answer(550)), true},
		{"5xx, wrapped", fmt.Errorf("job: %w", step(answer(550))), true},
		{"4xx", step(answer(451)), false},
		{"the connection broke", step(errors.New("reset")), false},
		{"no answer in time", step(context.DeadlineExceeded), false},
		{"all refused for good", all(550, 553), true},
		{"all refused, one for now", all(550, 450), false},
		{"some have it", &PartialError{Delivered: []string{"a@b"}, Refused: []Refused{{"c@d", answer(550)}}}, false},
	} {
		if got := Permanent(tt.err); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// The refusals of real servers, over the wire.
func TestPermanentAnswers(t *testing.T) {
	for code, want := range map[int]bool{550: true, 450: false} {
		s := serve(t, func(s *server) {
			s.onRcpt = func(string) error {
				return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no"}
			}
		})
		for _, to := range [][]string{{"a@test"}, {"a@test", "b@test"}} {
			m := s.message()
			m.To = to
			if err := Send(t.Context(), m); err == nil || Permanent(err) != want {
				t.Errorf("%d to %v: %v, permanent %v", code, to, err, !want)
			}
		}
	}
	m := Message{Server: "127.0.0.1", Port: freePort(), From: "a@b", To: []string{"c@d"}}
	if err := Send(t.Context(), m); err == nil || Permanent(err) {
		t.Errorf("nobody listens: %v", err)
	}
}
