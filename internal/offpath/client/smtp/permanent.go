package smtp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-smtp"
)

// Permanent says of an error of Send whether the same mail would fail again: something in it can't be sent at all, or the
// server refused it with a 5xx answer (RFC 5321 §4.2.1). A 4xx answer, a broken or silent connection and a *PartialError are
// not permanent.
func Permanent(err error) bool {
	var partial *PartialError
	var step *StepError
	switch {
	case err == nil || errors.As(err, &partial):
		return false
	case !errors.As(err, &step):
		return true // of Message's own check: there was no dialogue
	}
	var all *allRefusedError
	if errors.As(err, &all) {
		for _, r := range all.refused {
			if !answeredNever(r.Err) {
				return false
			}
		}
		return true
	}
	return answeredNever(err)
}

func answeredNever(err error) bool {
	var answer *smtp.SMTPError
	return errors.As(err, &answer) && answer.Code >= 500
}

// CheckAddress says why an address can't stand in a mail's envelope; who names it in the error. It is what Send itself looks
// at. "<a@b>" is as good as "a@b".
func CheckAddress(who, address string) error {
	_, err := checkAddress(who, address, false)
	return err
}

// Check says what Send would refuse before it connects.
func (m Message) Check() error {
	_, err := m.checked()
	return err
}

// allRefusedError says that the server took none of several recipients.
type allRefusedError struct{ refused []Refused }

func (e *allRefusedError) Error() string {
	all := make([]string, len(e.refused))
	for i, r := range e.refused {
		all[i] = fmt.Sprintf("<%s>: %s", r.To, reason(r.Err))
	}
	return "all refused: " + strings.Join(all, "; ")
}
