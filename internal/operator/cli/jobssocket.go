package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"eddy/internal/config"
	"eddy/internal/config/model"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/jobs"
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

// configuredSocket finds the socket of a configuration on which most may be done. Who asks may stand in another folder, with
// other variables and fewer rights than who started eddy: a configuration with mistakes does when its socket is there.
func (p Program) configuredSocket(c *console, files []string) (string, error) {
	socks, problems := config.StatsSockets(config.Options{Files: files, Env: os.LookupEnv, Version: p.Version})
	best := bestSocket(socks)
	if problems.Failed() && !isSocket(best) {
		c.problems(problems)
		return "", fmt.Errorf("the configuration cannot be used: %s", problems.Summary())
	}
	if best == "" {
		return "", errors.New(`the configuration has no stats socket: add "stats socket /run/eddy.sock level admin" to its global section`)
	}
	return best, nil
}

// isSocket says that there is a socket file.
func isSocket(path string) bool {
	at, err := os.Stat(path)
	return err == nil && at.Mode().Type() == fs.ModeSocket
}

// bestSocket is the first of the highest level; "" when there is none.
func bestSocket(socks []model.Bind) string {
	best, level := "", admin.User
	for _, b := range socks {
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
	return best
}

// socketHint says what to do when nobody answers at a socket.
func socketHint(e *jobs.ConnError) string {
	at, missing := os.Stat(e.Socket)
	switch {
	case errors.Is(e, syscall.ENOENT):
		return `no eddy made this socket: is it running, with "stats socket PATH" in its global section?`
	case errors.Is(e, syscall.EACCES):
		return "the socket's mode does not let you: be its owner, or see mode, user and group of the stats socket line"
	case errors.Is(e, os.ErrDeadlineExceeded):
		return "it took the question and says nothing: is the process stopped, or overloaded?"
	case !errors.Is(e, syscall.ECONNREFUSED):
		return ""
	case missing == nil && at.IsDir():
		return "this is a folder: name the socket in it"
	case missing == nil && at.Mode().Type() != fs.ModeSocket:
		return "this is no socket; with -f FILE, the socket of a configuration is asked"
	case missing == nil:
		return "the process that made this socket has gone"
	}
	return `nothing listens there: is eddy running, with this address as "stats socket" in its global section?`
}
