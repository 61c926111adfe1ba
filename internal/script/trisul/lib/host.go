package lib

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"eddy/internal/script/vm"
)

// hostFuncs is what T.host and T.env ask Go for.
func hostFuncs(f *Facts) Funcs {
	return Funcs{
		"env_config": func(c *vm.Call) error { // env_config(path): the value or nil
			path, err := Text(c, 1, "T.env.get_config", 1)
			if err != nil {
				return err
			}
			if v, ok := f.Config[configPath(path)]; ok {
				c.PushStr(v)
			} else {
				c.PushNil()
			}
			return nil
		},
		"env_file":         func(c *vm.Call) error { c.PushStr(f.ConfigFile); return nil },
		"host_config_path": func(c *vm.Call) error { c.PushStr(f.ConfigDir); return nil },
		"host_data_path":   func(c *vm.Call) error { c.PushStr(f.DataDir); return nil },
		"host_homenets": func(c *vm.Call) error {
			all := &vm.Table{}
			for _, n := range f.HomeNets {
				mask := net.IP(net.CIDRMask(n.Bits(), n.Addr().BitLen()))
				one := &vm.Table{Arr: []vm.Value{vm.Str(n.Addr().String()), vm.Str(mask.String())}}
				all.Arr = append(all.Arr, vm.Tab(one))
			}
			return c.PushValue(vm.Tab(all))
		},
		// host_is_homenet(address): a number or text
		"host_is_homenet": func(c *vm.Call) error {
			a, ok := hostAddr(c)
			c.PushBool(ok && f.home(a))
			return nil
		},
		// host_is_homenet_key(key): "C0.A8.01.02" or 32 hexadecimal digits
		"host_is_homenet_key": func(c *vm.Call) error {
			a, ok := KeyAddr(c.Str(1))
			c.PushBool(ok && f.home(a))
			return nil
		},
		"host_prepare_config": f.prepareConfig,
	}
}

// configPath takes the blanks out of a path, "Domain >LocalReq".
func configPath(path string) string {
	parts := strings.Split(path, ">")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, ">")
}

func (f *Facts) home(a netip.Addr) bool {
	for _, n := range f.HomeNets {
		if n.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// hostAddr is argument 1: an IPv4 address as a number, or an address as text.
func hostAddr(c *vm.Call) (netip.Addr, bool) {
	if c.Kind(1) == vm.KindInt || c.Kind(1) == vm.KindNum {
		n, ok := c.Int(1)
		if !ok || n < 0 || n > 1<<32-1 {
			return netip.Addr{}, false
		}
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(n))
		return netip.AddrFrom4(b), true
	}
	a, err := netip.ParseAddr(c.Str(1))
	return a, err == nil
}

// KeyAddr reads an address in Trisul's key format: "C0.A8.01.02", or 32 hexadecimal digits.
func KeyAddr(key string) (netip.Addr, bool) {
	if len(key) == 11 {
		var b [4]byte
		for i, part := range strings.Split(key, ".") {
			n, err := strconv.ParseUint(part, 16, 8)
			if err != nil || i > 3 {
				return netip.Addr{}, false
			}
			b[i] = byte(n)
		}
		return netip.AddrFrom4(b), strings.Count(key, ".") == 3
	}
	if len(key) != 32 {
		return netip.Addr{}, false
	}
	var b [16]byte
	for i := range b {
		n, err := strconv.ParseUint(key[2*i:2*i+2], 16, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		b[i] = byte(n)
	}
	return netip.AddrFrom16(b), true
}

// prepareConfig: T.host:prepare_config(guid, template) copies the template to the plugin's place in the configuration
// folder, unless the plugin has a configuration there, and gives that file's name; nil and the reason when it can't.
func (f *Facts) prepareConfig(c *vm.Call) error {
	guid, err := Text(c, 1, "T.host:prepare_config", 1)
	if err != nil {
		return err
	}
	template, err := Text(c, 2, "T.host:prepare_config", 2)
	if err != nil {
		return err
	}
	id := strings.Trim(guid, "{}")
	if id == "" || strings.Trim(id, "0123456789abcdefABCDEF-") != "" {
		return Misuse("T.host:prepare_config", "%q is not a GUID", guid)
	}
	file := filepath.Join(f.ConfigDir, "PI-"+id+".xml")
	return c.Wait(func(context.Context) vm.Resume {
		if _, err := os.Stat(file); err == nil {
			return vm.Resume{Values: []vm.Value{vm.Str(file)}}
		}
		text, err := os.ReadFile(template)
		if err == nil {
			err = os.WriteFile(file, text, 0o644)
		}
		if err != nil {
			return vm.Resume{Values: []vm.Value{vm.Nil(), vm.Str(err.Error())}}
		}
		return vm.Resume{Values: []vm.Value{vm.Str(file)}}
	})
}
