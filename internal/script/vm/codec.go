package vm

// Tags of the encoding in which values cross (package value); vm.h has the same list.
const (
	tagNil byte = iota
	tagFalse
	tagTrue
	tagInt
	tagNum
	tagStr
	tagTable
	tagOwned
	tagRef
)
