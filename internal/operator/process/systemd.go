package process

import (
	"net"
	"os"
	"strings"
)

// NotifySystemd tells a service manager about a state ("READY=1", "RELOADING=1", "STOPPING=1"), if one asked to be
// told (sd_notify(3)). Without one it does nothing.
func NotifySystemd(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	if strings.HasPrefix(path, "@") {
		path = "\x00" + path[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte(state))
	return err
}
