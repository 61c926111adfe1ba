package ramfs

import (
	"strconv"
	"strings"
)

// Name is what a file's name is made from. Both may hold anything that the network brought.
type Name struct{ Host, URI string }

// maxName bounds the name of a file in bytes, the ending of a part excluded.
const maxName = 200

// base gives the name of a file: a unique number, the host and the URI's path, such as "17-example.com_img_a.gif". It has
// letters, digits, '.', '_' and '-' only, so that it does no harm in a shell's hands either, and ends as the URI does.
func (n Name) base(serial uint64) string {
	host, path := n.Host, n.URI
	if _, rest, ok := strings.Cut(path, "://"); ok { // as sent to a proxy
		_, path, _ = strings.Cut(rest, "/")
	}
	if i := strings.IndexAny(path, "?#;"); i >= 0 {
		path = path[:i]
	}
	path = strings.TrimLeft(path, "/")
	var room [maxName]byte
	name := strconv.AppendUint(room[:0], serial, 10)
	if host != "" {
		name = appendSafe(append(name, '-'), host[:min(len(host), maxName/4)])
	}
	if path != "" {
		left := maxName - len(name) - 1
		name = appendSafe(append(name, '_'), path[max(0, len(path)-left):])
	}
	return string(name)
}

// appendSafe appends s with '_' in the place of what has no business in a file's name.
func appendSafe(name []byte, s string) []byte {
	for i := range len(s) {
		b := s[i]
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '.', b == '-':
		default:
			b = '_'
		}
		name = append(name, b)
	}
	return name
}

// partName gives the path of the part of a file that begins at an offset.
func partName(path string, offset int64) string {
	return path + "." + strconv.FormatInt(offset, 10) + ".part"
}
