package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, l Listen, timeout time.Duration) string {
	t.Helper()
	s := &Server{Timeout: timeout, Commands: []Command{
		{Words: []string{"show", "version"}, Usage: "show version : the version", Run: say("1.2.3\n")},
		{Words: []string{"show", "version", "long"}, Usage: "show version long : more", Run: say("1.2.3 and more")},
		{Words: []string{"echo"}, Usage: "echo WORD... : say it again", Run: func(_ context.Context, args []string, w Conn) error {
			_, err := fmt.Fprintf(w, "%q\n", args)
			return err
		}},
		{Words: []string{"read"}, Usage: "read : the next line", Run: func(_ context.Context, _ []string, w Conn) error {
			line, err := w.ReadLine()
			fmt.Fprintf(w, "line %q\n", line)
			if err != nil {
				return err
			}
			b := make([]byte, 4)
			_, err = io.ReadFull(w, b)
			fmt.Fprintf(w, "bytes %q\n", b)
			return err
		}},
		{Words: []string{"fail"}, Usage: "fail : does not work", Run: func(context.Context, []string, Conn) error { return errors.New("broken") }},
		{Words: []string{"take"}, Usage: "take WORD... << : a payload", Run: func(_ context.Context, args []string, w Conn) error {
			rest, payload, given, err := Payload(args, w)
			fmt.Fprintf(w, "%q %q %v\n", rest, payload, given)
			return err
		}},
		{Words: []string{"hidden"}, Run: say("found\n")},
		{Words: []string{"stop"}, Usage: "stop : for admins", Level: Admin, Run: say("stopped\n")},
	}}
	if err := s.Open([]Listen{l}); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	t.Cleanup(s.Close)
	return s.listeners[0].Addr().String()
}

func say(text string) func(context.Context, []string, Conn) error {
	return func(_ context.Context, _ []string, w Conn) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// ask sends text and gives all that comes back until the server closes.
func ask(t *testing.T, addr, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %q: %v", b, err)
	}
	return string(b)
}

func TestCommands(t *testing.T) {
	addr := start(t, Listen{Network: "tcp", Addr: "127.0.0.1:0", Level: Operator}, 0)
	tests := []struct{ name, send, want string }{
		{"one", "show version\n", "1.2.3\n\n"},
		{"longest match", "show  version long\r\n", "1.2.3 and more\n\n"},
		{"several", "show version;echo a;echo b\n", "1.2.3\n\n[\"a\"]\n\n[\"b\"]\n\n"},
		{"escapes", `echo a\;b c\ d \\` + "\n", `["a;b" "c d" "\\"]` + "\n\n"},
		{"only the first line", "echo a\necho b\n", "[\"a\"]\n\n"},
		{"error", "fail\n", "broken\n\n"},
		{"not allowed", "stop\n", "Permission denied\n\n"},
		{"empty", "\n", ""},
		{"prompt", "prompt\necho a\nquit\n", "\n> [\"a\"]\n\n\n> "},
		{"prompt i", "prompt i\necho a\necho b\nprompt n\n", "[\"a\"]\n\n[\"b\"]\n\n"},
		{"command that reads", "prompt i\nread\na line\nabcdquit\n", "line \"a line\\n\"\nbytes \"abcd\"\n\n"},
		{"no payload", "take a b\n", "[\"a\" \"b\"] \"\" false\n\n"},
		{"payload", "take a <<\none\ntwo\r\n\nthree\n", "[\"a\"] \"one\\ntwo\\r\\n\" true\n\n"},
		{"payload with an end of its own", "prompt i\ntake a <<%E%\none\n\n%E%\necho a\nquit\n", "[\"a\"] \"one\\n\\n\" true\n\n[\"a\"]\n\n"},
		{"payload of a long line", "take <<\n" + strings.Repeat("x", 3*maxLine) + "\n\n", "[] \"" + strings.Repeat("x", 3*maxLine) + "\\n\" true\n\n"},
		{"hidden", "hidden\n", "found\n\n"},
		{"too long", "echo " + strings.Repeat("x", maxLine) + "\n", "The line is longer than 16384 bytes.\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ask(t, addr, tt.send); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	help := ask(t, addr, "help\n")
	if !strings.Contains(help, "  show version      : the version\n") || strings.Contains(help, "stop :") || strings.Contains(help, "hidden") || !strings.Contains(help, "quit") {
		t.Errorf("help: %s", help)
	}
	if got := ask(t, addr, "shwo version\n"); !strings.Contains(got, "Did you mean 'show version'?\n") {
		t.Errorf("a typo: %s", got)
	}
	unknown := ask(t, addr, "show \x1b[31mnothing\n")
	if !strings.HasPrefix(unknown, "Unknown command: 'show ?[31mnothing'\n") || strings.Contains(unknown, "echo WORD") {
		t.Errorf("unknown: %q", unknown)
	}
}

func TestPayloadWithoutEnd(t *testing.T) {
	for text, want := range map[string]string{
		"take <<X\none\n": "has no end",
		"take <<\n" + strings.Repeat(strings.Repeat("x", maxLine)+"\n", MaxPayload/maxLine): "longer than",
	} {
		addr := start(t, Listen{Network: "tcp", Addr: "127.0.0.1:0"}, 0)
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			_, _ = io.WriteString(c, text)
			_ = c.(*net.TCPConn).CloseWrite()
		}()
		got := make([]byte, 200)
		n, _ := io.ReadFull(c, got)
		if !strings.Contains(string(got[:n]), want) {
			t.Errorf("got %q, want %q", got[:n], want)
		}
	}
}

func TestSilenceEndsTheConnection(t *testing.T) {
	addr := start(t, Listen{Network: "tcp", Addr: "127.0.0.1:0"}, 20*time.Millisecond)
	if got := ask(t, addr, "prompt i\n"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestManyConnectionsWait(t *testing.T) {
	addr := start(t, Listen{Network: "tcp", Addr: "127.0.0.1:0"}, 0)
	var idle []net.Conn
	for range maxConns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle = append(idle, c)
	}
	answered := make(chan string)
	go func() { answered <- ask(t, addr, "echo a\n") }()
	select {
	case <-answered:
		t.Error("more connections than allowed were served at once")
	case <-time.After(50 * time.Millisecond):
		idle[0].Close()
		<-answered
	}
}

func TestSocketFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	s := &Server{}
	if err := s.Open([]Listen{{Network: "unix", Addr: path, UID: -1, GID: -1}}); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	mode := func() os.FileMode {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.Mode().Perm()
	}
	if mode() != 0o600 {
		t.Errorf("mode %o without one given", mode())
	}
	newer := &Server{}
	if err := newer.Open([]Listen{{Network: "unix", Addr: path, Mode: 0o644, UID: os.Getuid(), GID: os.Getgid()}}); err != nil {
		t.Fatal(err)
	}
	newer.Serve()
	if mode() != 0o644 {
		t.Errorf("mode %o, want 644", mode())
	}
	s.Close()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the older server took the newer one's file away: %v", err)
	}
	newer.Close()
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is still there")
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := new(Server).Open([]Listen{{Network: "unix", Addr: path}}); err == nil {
		t.Error("a file that is no socket was replaced")
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestSplit(t *testing.T) {
	for in, want := range map[string][][]string{
		"":            {nil},
		"a":           {{"a"}},
		" a\tb ;; c ": {{"a", "b"}, nil, {"c"}},
		`a\ b\`:       {{`a b\`}},
	} {
		if got := split(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

// FuzzQuote: a quoted word comes out of a line as it was.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"a", `a\`, "a b;c", "\t\\", `\;`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if word == "" || strings.ContainsAny(word, "\r\n") {
			return
		}
		if got := split("x " + Quote(word) + " y\n"); !reflect.DeepEqual(got, [][]string{{"x", word, "y"}}) {
			t.Errorf("%q came out as %q", word, got)
		}
	})
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := []Listen{{Network: "unix", Addr: filepath.Join(dir, "s")}, {Network: "unix", Addr: "@name"}, {Network: "tcp", Addr: "127.0.0.1:1"}}
	if err := Check(good); err != nil {
		t.Error(err)
	}
	for _, path := range []string{file, filepath.Join(dir, "missing", "s"), filepath.Join(file, "s")} {
		if err := Check([]Listen{{Network: "unix", Addr: path}}); err == nil {
			t.Errorf("%s looks good", path)
		}
	}
}

// A stopping process keeps its files, which a newer one replaces, and lets go of ports, which it could not.
func TestRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s := &Server{}
	if err := s.Open([]Listen{{Network: "unix", Addr: path, UID: -1, GID: -1}, {Network: "tcp", Addr: "127.0.0.1:0"}}); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	defer s.Close()
	port := s.listeners[1].Addr().String()
	s.Release()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	ln, err := net.Listen("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
}
