package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"eddy/internal/config"
	"eddy/internal/config/model"
	"eddy/internal/operator/admin"
)

// socketVariable names a stats socket for those who do not want to say it each time.
const socketVariable = "EDDY_SOCKET"

// socket is the stats socket to ask: as it was given, that of a configuration, or that of the environment.
func (p Program) socket(c *console, given string, files []string) (string, error) {
	switch env, _ := os.LookupEnv(socketVariable); {
	case given != "":
		return strings.TrimPrefix(given, "unix@"), nil
	case len(files) > 0:
		return p.configuredSocket(c, files)
	case env != "":
		return strings.TrimPrefix(env, "unix@"), nil
	}
	return "", &usageError{"which eddy?", "name its stats socket: -S PATH, or -f FILE of its configuration, or the variable " + socketVariable}
}

// configuredSocket finds the socket of a configuration on which most may be done.
func (p Program) configuredSocket(c *console, files []string) (string, error) {
	cfg, problems := p.Load(config.Options{Files: files, Env: os.LookupEnv, Version: p.Version})
	if cfg == nil || problems.Failed() {
		c.problems(problems)
		return "", fmt.Errorf("the configuration cannot be used: %s", problems.Summary())
	}
	best, level := "", admin.User
	for _, b := range cfg.Global.StatsSocks {
		addr := ""
		switch b.Addr.Kind {
		case model.AddrUnix:
			addr = b.Addr.Path
		case model.AddrAbstract:
			addr = "@" + b.Addr.Path
		case model.AddrTCP:
			addr = b.Addr.Host
			switch strings.Trim(addr, "[]") {
			case "", "*", "0.0.0.0":
				addr = "127.0.0.1"
			case "::":
				addr = "[::1]"
			default:
				if strings.Contains(addr, ":") && !strings.HasPrefix(addr, "[") {
					addr = "[" + addr + "]"
				}
			}
			addr += ":" + strconv.Itoa(b.Addr.Port)
		}
		if l := admin.ParseLevel(b.Level); addr != "" && (best == "" || l > level) {
			best, level = addr, l
		}
	}
	if best == "" {
		return "", errors.New(`the configuration has no stats socket: add "stats socket /run/eddy.sock level admin" to its global section`)
	}
	return best, nil
}
