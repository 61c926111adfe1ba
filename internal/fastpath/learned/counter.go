package learned

// Counter is what one key of a counter group came to in one time bucket. Unlike the other records it may be used again
// by its writer once the call that took it has returned. It belongs to no flow; Where.Time is the bucket's begin.
type Counter struct {
	Where
	Group    string // GUID
	Name     string // of the group
	Key      string
	Label    string // what people call the key; "": nothing
	Interval int64  // ns, of the bucket
	Meters   []Meter
}

// Meter is the value of one meter of a counter.
type Meter struct {
	Name  string
	Value float64
}
