package trisul

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onLoad evaluates expressions in an onload.
func onLoad(t *testing.T, tests []expression, changes ...func(*Options)) *rig {
	t.Helper()
	r := one(t, showLua+`TrisulPlugin = { id = { name = "lib" }, onload = function()
local T = T
`+expressions("T", sources(tests))+` end }`, changes...)
	r.on(newEngine("0"))
	compare(t, r, tests)
	return r
}

func TestUtil(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	onLoad(t, []expression{
		{`T.util.ntop(3232235778)`, "'192.168.1.2'"},
		{`T.util.ntop("x")`, "ERR *T.util.ntop: a number is needed*"},
		{`T.util.pton("192.168.1.2")`, "3232235778"},
		{`T.util.pton("192.168.1.256")`, "nil"},
		{`T.util.pton("host")`, "nil"},
		{`T.util.bor(0xf0, 0x0f), T.util.band(0xff, 0x3c)`, "255 60"},
		{`T.util.testbit32(256, 8), T.util.testbit32(256, 7), T.util.testbit32(256, 32)`, "true false false"},
		{`T.util.bitval32(0x1E0000, 20, 4), T.util.bitval32(0x80000000, 31, 1), T.util.bitval32(5, 31, 32)`, "15 1 5"},
		{`T.util.bitval32(1, 2, 4)`, "ERR *there are no 4 bits*"},
		{`T.util.split("a,b,,c", ",")`, "{1='a' 2='b' 3='' 4='c'}"},
		{`T.util.split("a||b", "||")`, "{1='a' 2='b'}"},
		{`T.util.split("abc", "")`, "{1='abc'}"},
		{`T.util.splitm("a.b", ".")`, "'a' 'b'"},
		{`T.util.split(nil, ".")`, "ERR *T.util.split: two strings are needed*"},
		{`T.util.hash("")`, "0"},
		{`T.util.hash("Mystring") >= 0, T.util.hash("Mystring") < 2^32`, "true true"},
		{`T.util.hash("Mystring", 16) == T.util.hash("Mystring") % 65536`, "true"},
		{`T.util.hash("x", 33)`, "ERR *number of bits from 1 to 32*"},
		{`T.util.bin2hex("\0\255A")`, "'00ff41'"},
		{`T.util.hex2bin("00ff41") == "\0\255A"`, "true"},
		{`T.util.hex2bin("0g")`, "ERR *T.util.hex2bin*"},
		{`T.util.filehash("` + file + `", "sha1")`, "'a9993e364706816aba3e25717850c26c9cd0d89d'"},
		{`T.util.filehash("` + file + `", "md5")`, "'900150983cd24fb0d6963f7d28e17f72'"},
		{`T.util.filehash("` + file + `", "sha256")`, "'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'"},
		{`T.util.filehash("` + file + `.none", "md5")`, "nil '*no such file*'"},
		{`T.util.filehash("` + file + `", "crc")`, "ERR *there is no hash \"crc\"; there are md5, sha1 and sha256"},
	})
}

func TestRE2(t *testing.T) {
	onLoad(t, []expression{
		{`T.re2("Host.*:"):partial_match("The Host : x")`, "true"},
		{`T.re2("Host"):full_match("The Host")`, "false"},
		{`T.re2("(GET|POST) (\\S+)"):full_match("GET /x")`, "true"},
		{`T.re2("(Ho..)\\s*:"):partial_match_c1("Host : x")`, "true 'Host'"},
		{`T.re2("(Ho..)\\s*:"):partial_match_c1("none")`, "false nil"},
		{`T.re2("(a)(b)"):partial_match_c2("xaby")`, "true 'a' 'b'"},
		{`T.re2("(a)(b)"):partial_match_c2("x")`, "false nil nil"},
		{`T.re2("(a)"):partial_match_c2("a")`, "false nil nil"},
		{`T.re2("(GET|POST)\\s(\\S+)\\sHTTP/\\d\\.\\d"):partial_match_n("GET /x HTTP/1.1")`, "true 'GET' '/x'"},
		{`T.re2("(a)|(b)"):partial_match_n("b")`, "true '' 'b'"},
		{`T.re2("(a+)(b+)"):full_match_n("aabb")`, "true 'aa' 'bb'"},
		{`T.re2("(a+)(b+)"):full_match_n("aabbc")`, "false"},
		{`T.re2("ABC", {case_sensitive = false}):partial_match("xabcx")`, "true"},
		{`T.re2("a.b", {literal = true}):partial_match("axb")`, "false"},
		{`T.re2("(a)", {never_capture = true}):partial_match_n("a")`, "true"},
		{`T.re2("a[^b]c", {never_nl = true}):partial_match("a\nc")`, "false"},
		{`T.re2("a(|b|bc)", {longest_match = true}):partial_match_c1("abc")`, "true 'bc'"},
		{`T.re2("[[:alpha:]]+", {posix_syntax = true, case_sensitive = true}):full_match("abc")`, "true"},
		{`T.re2("\\d+", {posix_syntax = true}):full_match("12")`, "true"}, // the documentation's own example has \s with this option
		{`T.re2("(", {posix_syntax = true})`, "ERR *invalid regular expression*"},
		{`T.re2("(\\xe9)", {utf8 = false}):partial_match_c1("caf\xe9") `, "true '\xe9'"},
		{`T.re2("x", {log_errors = false}):full_match("x")`, "true"},
		{`T.re2("x", {colour = true})`, "ERR *there is no option \"colour\""},
		{`T.re2("(")`, "ERR *T.re2: invalid regular expression: missing closing )*"},
		{`T.re2()`, "ERR *T.re2: argument 1 must be a string*"},
		{`T.re2("x").partial_match("x")`, "ERR *"},
	})
}

func TestAC(t *testing.T) {
	text := `"QUERY\tID: 39219\tFlags:0x0100\tQDCount:1\tANCount:0\tNSCount:0\tARCount:0\nQuestions\n.toolbar.google.com\t\tA\tIN\n"`
	onLoad(t, []expression{
		{`T.ac({"toolbar", "nsatc", "HOLLERITH"}):match_all(` + text + `)`, "{toolbar=87}"}, // obj_ac
		{`T.ac({"he", "she", "his", "hers"}):match_all("ushers")`, "{he=4 hers=6 she=4}"},
		{`T.ac({"he", "she", "his", "hers"}):match_one("ushers")`, "{she=4}"},
		{`T.ac({"a"}):match_all("xaxa")`, "{a=2}"},
		{`next(T.ac({"a"}):match_all("b"))`, "nil"},
		{`T.ac({}):match_all("b")`, "{}"},
		{`T.ac({"", "b"}):match_all("b")`, "{b=1}"},
		{`T.ac({1, {}})`, "ERR *T.ac: pattern 1 is a number, not a string"},
		{`T.ac("x")`, "ERR *T.ac: argument 1 must be an array of strings*"},
	})
}

func TestEnvAndHost(t *testing.T) {
	dir := t.TempDir()
	template := filepath.Join(dir, "template.xml")
	if err := os.WriteFile(template, []byte("<x/>"), 0o644); err != nil {
		t.Fatal(err)
	}
	onLoad(t, []expression{
		{`T.env.configfile`, "'" + dir + "/eddy.cfg'"},
		{`T.env.get_config("App>User")`, "'nobody'"},
		{`T.env.get_config("App > User")`, "'nobody'"},
		{`T.env.get_config("App>None")`, "nil"},
		{`type(T.env.get_config("App>RunStateDirectory")), T.env.get_config("App>DBRoot")`, "'string' '/data'"},
		{`T.env.get_domain_config("Domain >LocalReq")`, "'ipc:///x'"},
		{`T.env.domain_configfile`, "'" + dir + "/eddy.cfg'"},
		{`T.host:get_homenets()`, "{1={1='10.0.0.0' 2='255.0.0.0'} 2={1='fd00::' 2='ff00::'}}"},
		{`T.host:is_homenet("10.1.2.3"), T.host:is_homenet(167837955), T.host:is_homenet("11.1.2.3")`, "true true false"},
		{`T.host.is_homenet("10.1.2.3")`, "true"},
		{`T.host:is_homenet("nonsense")`, "false"},
		{`T.host:is_homenet_key("0A.01.02.03"), T.host:is_homenet_key("0B.01.02.03"), T.host:is_homenet_key("x")`, "true false false"},
		{`T.host:is_homenet_key("FD000000000000000000000000000001"), T.host:is_homenet_key("FE800000000000000000000000000001")`, "true false"},
		{`T.host:is_homenet_key("0A.01.02.0G"), T.host:is_homenet_key("FD00000000000000000000000000000G"), T.host:is_homenet_key("0A.01.02")`, "false false false"},
		{`T.host:get_configpath(), T.host:get_datapath()`, "'" + dir + "' '/data'"},
		{`T.host:prepare_config("{AA-BB}", "` + template + `")`, "'" + dir + "/PI-AA-BB.xml'"},
		{`io.open("` + dir + `/PI-AA-BB.xml"):read("*a")`, "'<x/>'"},
		{`T.host:prepare_config("../x", "` + template + `")`, "ERR *is not a GUID"},
		{`T.host:prepare_config("{CC}", "none")`, "nil '*no such file*'"},
	}, func(o *Options) {
		o.Config, o.Data = dir+"/eddy.cfg", "/data"
		o.Env = map[string]string{"App>User": "nobody", "Domain>LocalReq": "ipc:///x"}
		o.HomeNets = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
}

func TestIdentity(t *testing.T) {
	onLoad(t, []expression{
		{`type(T.contextid), T.contextid == T.execution_contextid`, "'number' true"},
		{`T.probeid, T.probeversion, T.context_name, T.args, T.enginetype`, "'probe0' '1.2' 'context0' 'hello' 'frontend'"},
		{`T.countergroups, T.monitor_group_guid, T.backend_engineid`, "nil nil nil"},
		{`T.K.loglevel.ERROR, T.K.loglevel.EMERG, T.K.loglevel.DEBUG`, "4 0 8"},
		{`T.K.vartype.RATE_COUNTER == T.K.vartypes.RATE_COUNTER, type(T.K.vartype.GAUGE)`, "true 'number'"},
		{`T.K.vartype.COUNTER ~= nil and T.K.vartype.RUNNING_COUNTER ~= nil and T.K.vartype.AVERAGE ~= nil and T.K.vartype.DELTA_RATE_COUNTER ~= nil and T.K.vartype.MAXIMUM ~= nil and T.K.vartype.MINIMUM ~= nil`, "true"},
	}, func(o *Options) { o.Args, o.Version = "hello", "1.2" })
}

func TestLog(t *testing.T) {
	r := one(t, `TrisulPlugin = { id = { name = "log" }, onload = function()
  T.log(T.K.loglevel.INFO, "info")
  T.log("debug by default")
  T.log(T.K.loglevel.ERROR, "an error")
  T.logerror("e") T.logwarning("w") T.loginfo("i") T.logdebug("d")
  T.host:log(T.K.loglevel.INFO, "as in the tutorial ")
  T.log("two\nlines \27[31m and \xff bytes\t.")
  T.log(7)
  T.log("x", "y")
end }`)
	r.on(newEngine("0"))
	want := []string{
		"7 [test.lua] info", "8 [test.lua] debug by default", "4 [test.lua] an error", "4 [test.lua] e", "5 [test.lua] w",
		"7 [test.lua] i", "8 [test.lua] d", "7 [test.lua] as in the tutorial ", `8 [test.lua] two\nlines \x1b[31m and \xff bytes .`,
		"8 [test.lua] 7",
	}
	got := strings.Split(r.logs(), "\n")
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("line %d of:\n%s\nwant %s", i, r.logs(), want[i])
		}
	}
	check(t, "wrong level", got[len(want)], "4 [test.lua] onload: *T.log: argument 1 must be one of T.K.loglevel*")
}

// What scripts for LuaJIT expect.
func TestLuaJIT(t *testing.T) {
	onLoad(t, []expression{
		{`bit.band(0xff, 0x0f), require("bit").lshift(1, 4)`, "15 16"},
		{`string.format("%d %x %s %5.2f%%", 2.7, 255.9, "s", 1.5)`, "'2 ff s  1.50%'"},
		{`string.format("%d", -2.7)`, "'-2'"},
		{`string.format("%d", "x")`, "ERR *bad argument #2 to 'format'*"},
		{`string.format("%d")`, "ERR *bad argument #2 to 'format'*"},
		{`("%5d"):format(10/2)`, "'    5'"},
		{`unpack({1, 2})`, "1 2"},
		{`table.getn({1, 2}), loadstring("return 3")()`, "2 3"},
		{`require("ffi")`, "ERR *LuaJIT*no FFI*"},
		{`require("jit")`, "ERR *LuaJIT*"},
		{`require("debugger")()`, ""},
		{`("abcdefg"):sub(1, 7/2), ("abc"):sub(4/2), ("abc"):sub(-2), ("abc"):sub(2)`, "'abc' 'bc' 'bc' 'bc'"},
		{`("abc"):byte(3/2), ("abc"):byte(), ("abc"):byte(2, -1), ("abc"):byte(9)`, "97 97 98"},
		{`("abc"):byte(2, -1)`, "98 99"},
		{`("x"):rep(5/2), ("x"):rep(2, ","), string.char(65.5, 66), string.char()`, "'xx' 'x,x' 'AB' ''"},
		{`string.char("x")`, "ERR *bad argument #1 to*"},
		{`("x"):sub({})`, "ERR *(local 'from')"},
		{`("a,b"):gsub(",", "%."), ("a b"):gsub(" ", "%%20"), ("ab"):gsub("(a)(b)", "%2%1%-%%-%0")`, "'a.b' 'a%20b' 'ba-%-ab' 1"},
		{`("a b"):gsub("%w", {a = 1}), ("a b"):gsub("%w", string.upper), ("aaa"):gsub("a", "b", 2)`, "'1 b' 'A B' 'bba' 2"},
		{`("a"):gsub("a", "%")`, "ERR *invalid use of '%' in replacement string"},
		{`("a"):gsub("a")`, "ERR *bad argument #3 to*"},
		{`math.random(2.5) <= 2, math.random(1.5, 3.7) <= 3, math.random() < 1, math.random(1, 1)`, "true true true 1"},
		{`math.randomseed(1.5) or 1, math.randomseed(os.time()) or 1`, "1 1"},
		{`os.date("!%Y-%m-%d", 1e9 + 0.7), #os.date("%c") > 0, type(os.date("*t"))`, "'2001-09-09' true 'table'"},
		{`os.execute("true"), os.execute("exit 3")`, "0 768 'exit' 3"},
		{`os.execute("exit 3") == 0, os.execute("kill -9 $$")`, "false 9 'signal' 9"},
		{`os.execute()`, "1"},
		{`os.exit()`, "ERR os.exit: a plugin cannot end eddy*"},
	})
}

// TestFormatLine has string.format refuse a number: the error is the script's, at its line.
func TestFormatLine(t *testing.T) {
	r := one(t, plug(`onload = function()
  local text = string.format("%d", 0/0)
  print(text)
end`))
	r.on(newEngine("0"))
	check(t, "log", r.logs(), "4 [test.lua] onload: *test.lua:2: bad argument #2 to 'format' (number has no integer representation)*")
}
