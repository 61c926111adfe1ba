package syslog

import "slices"

// LevelNames are the eight levels as configurations write them; the index is the level.
func LevelNames() []string {
	return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
}

// FacilityNames are the 24 facilities as configurations write them; the index is the facility.
func FacilityNames() []string {
	return []string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp",
		"ntp", "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}
}

// FormatNames are the formats as configurations write them; the index is the Format.
func FormatNames() []string {
	return []string{"local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw", "json"}
}

// ParseLevel finds a level by its name.
func ParseLevel(name string) (level int, ok bool) { return find(LevelNames(), name) }

// ParseFacility finds a facility by its name.
func ParseFacility(name string) (facility int, ok bool) { return find(FacilityNames(), name) }

// ParseFormat finds a format by its name; "" is Local.
func ParseFormat(name string) (Format, bool) {
	if name == "" {
		return Local, true
	}
	i, ok := find(FormatNames(), name)
	return Format(max(i, 0)), ok
}

func find(names []string, name string) (int, bool) {
	i := slices.Index(names, name)
	return i, i >= 0
}
