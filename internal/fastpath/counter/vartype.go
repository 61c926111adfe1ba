package counter

// VarType says how the samples of a meter become its value over a time bucket (T.K.vartype). The numbers are those of
// MeterInfo.MeterType in Trisul's remote protocol (the page "TRP Protocol Reference"), so that a script that prints or
// stores one sees what it would see there.
type VarType uint8

// The types of meters. A value over a bucket of b seconds is:
const (
	Counter          VarType = 2  // the sum of what was added
	RateCounter      VarType = 4  // the sum divided by b
	Gauge            VarType = 5  // the last sample
	RunningCounter   VarType = 8  // the sum since the beginning: it isn't reset when a bucket ends
	Average          VarType = 9  // the mean of the samples
	DeltaRateCounter VarType = 10 // samples of a counter that only grows (as SNMP has them): its growth divided by b
	Maximum          VarType = 11 // the greatest sample
	Minimum          VarType = 12 // the smallest sample
)

// VarTypes gives the names that scripts use, each with its type.
func VarTypes() map[string]VarType {
	return map[string]VarType{
		"COUNTER":            Counter,
		"RATE_COUNTER":       RateCounter,
		"GAUGE":              Gauge,
		"RUNNING_COUNTER":    RunningCounter,
		"AVERAGE":            Average,
		"DELTA_RATE_COUNTER": DeltaRateCounter,
		"MAXIMUM":            Maximum,
		"MINIMUM":            Minimum,
	}
}

// Valid says whether t is one of the types above.
func (t VarType) Valid() bool { return t.width() > 0 }

// Carries says whether a value depends on what went before its bucket.
func (t VarType) Carries() bool { return t == RunningCounter || t == DeltaRateCounter }

// Adds says whether the values of several buckets add up to that of all of them (of rates: times the buckets' seconds).
func (t VarType) Adds() bool { return t == Counter || t == RateCounter || t == DeltaRateCounter }
