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

const maxBytes = 64 << 20 // encoded size that may cross the boundary
