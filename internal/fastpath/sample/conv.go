package sample

import "eddy/internal/fastpath/txn"

// maxText bounds what a converter may build, in bytes; beyond it there is no value.
const maxText = 1 << 20

var converterCode table[converter]

// converterTable is the code behind expr.Converters, by name.
func converterTable() map[string]converter {
	return converterCode.get(numberConverters, dateConverters, textConverters, cutConverters, codeConverters,
		hashConverters, jsonConverters, forwardedConverters, outsideConverters, mapConverters)
}

// does makes a converter without preparation.
func does(f func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool)) converter {
	return converter{apply: f}
}
