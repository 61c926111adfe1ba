package engine

import (
	"strings"
	"testing"

	"eddy/internal/config"
	"eddy/internal/config/diag"
)

// init-addr says what becomes of a server whose name nobody knows.
func TestInitAddr(t *testing.T) {
	for _, tt := range []struct{ option, addr, problem string }{
		{"", "", `cannot look up "no.such.host.invalid"`},
		{"init-addr last,libc", "", `cannot look up "no.such.host.invalid"`},
		{"init-addr last,libc,none", "", "it starts down"},
		{"init-addr libc,192.0.2.7", "192.0.2.7:80", "it starts with 192.0.2.7"},
	} {
		text := "backend b\n timeout connect 1s\n timeout server 1s\n server known 127.0.0.1:81\n server s no.such.host.invalid:80 " + tt.option + "\n"
		cfg, problems := config.LoadBytes("t.cfg", []byte(text), config.Options{})
		if problems.Failed() {
			t.Fatal(problems.All())
		}
		var list diag.List
		set := buildProxies(cfg, &list)
		s := set.All[0].Servers[1]
		addr := ""
		if a := s.Addr.Load(); a != nil {
			addr = a.String()
		}
		all := list.All()
		if len(all) != 1 || !strings.Contains(all[0].Text, tt.problem) || all[0].Pos.Line != 5 || addr != tt.addr {
			t.Errorf("%q: address %q, problems %v", tt.option, addr, all)
		}
		if failed := tt.option == "" || strings.HasSuffix(tt.option, "libc"); list.Failed() != failed || s.Up.Load() != (!strings.Contains(tt.option, "none")) {
			t.Errorf("%q: failed %v, up %v", tt.option, list.Failed(), s.Up.Load())
		}
		if a := set.All[0].Servers[0].Addr.Load(); a == nil || a.String() != "127.0.0.1:81" {
			t.Errorf("the known server is at %v", a)
		}
	}
}
