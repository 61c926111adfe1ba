package haproxy

import (
	"fmt"
	"os"
	"strings"
	"time"

	"eddy/internal/fastpath/proxy"
)

// Syslog levels that the binding itself uses.
const (
	levelErr     = 3
	levelWarning = 4
	levelNotice  = 5
	levelInfo    = 6
	levelDebug   = 7
)

// log sends a line of a script, or about one, to the loggers of px and to stderr, as tune.lua.log.loggers and
// tune.lua.log.stderr say (configuration.txt §3.2).
func (b *Binding) log(px *proxy.Proxy, level int, text string) {
	text = strings.TrimRight(text, "\r\n")
	taken := false
	if b.lua.LogLoggers {
		taken = b.opts.Logger.Log(px, level, text)
	}
	switch b.lua.LogStderr {
	case "on":
	case "off":
		return
	default: // auto
		if taken {
			return
		}
	}
	now := time.Now()
	fmt.Fprintf(b.opts.Stderr, "[%s] %03d/%s (%d) : %s\n", levelName(level), now.YearDay()-1, now.Format("150405"), os.Getpid(),
		strings.ReplaceAll(text, "\n", "\n    "))
}

func levelName(level int) string {
	names := [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	return names[min(max(level, 0), 7)]
}

// log sends a line to the loggers that belong to the call: those of its frontend, or the global ones.
func (k *call) log(level int, text string) {
	if k.tx != nil {
		k.b.log(k.tx.Front, level, text)
		return
	}
	k.b.log(nil, level, text)
}
