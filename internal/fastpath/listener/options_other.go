//go:build !linux

package listener

import (
	"errors"

	"eddy/internal/config/model"
)

// setOptions refuses the options of bind lines that only Linux has.
func setOptions(_ int, b *model.Bind) error {
	if b.Transparent || b.Interface != "" || b.DeferAccept || b.TFO || b.TCPUserTO > 0 {
		return errors.New("transparent, interface, defer-accept, tfo and tcp-ut need Linux")
	}
	return nil
}

// changeOptions changes nothing: there are no options.
func changeOptions(_ int, b *model.Bind) error { return setOptions(0, b) }
