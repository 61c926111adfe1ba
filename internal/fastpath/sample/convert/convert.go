// Package convert has the code of the converters that package expr declares (configuration.txt §7.3.1).
package convert

import (
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/txn"
)

// maxText bounds what a converter may build, in bytes; beyond it there is no value.
const maxText = 1 << 20

const upperHex = "0123456789ABCDEF"

var code call.Table[call.Converter]

// Table is the code behind expr.Converters, by name.
func Table() map[string]call.Converter {
	return code.Get(numberConverters, dateConverters, textConverters, cutConverters, codeConverters, hashConverters,
		jsonConverters, forwardedConverters, outsideConverters, mapConverters)
}

// does makes a converter without preparation.
func does(f func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool)) call.Converter {
	return call.Converter{Apply: f}
}
