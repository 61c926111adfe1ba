package object

import (
	"strings"

	"eddy/internal/fastpath/extract"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

// headerFuncs is what HTTPHeader objects ask for. Arguments 1 and 2 are the handle, and true for an answer's head.
func headerFuncs() lib.Funcs {
	return lib.Funcs{
		"header_path": func(c *vm.Call) error {
			x, err := exchangeOf(c)
			if err != nil || x.Request == nil {
				return nothing(c, err)
			}
			c.PushStr(targetPath(x.Request.Target))
			return nil
		},
		"header_method": func(c *vm.Call) error {
			x, err := exchangeOf(c)
			if err != nil || x.Request == nil {
				return nothing(c, err)
			}
			c.PushStr(x.Request.Method)
			return nil
		},
		"header_status": func(c *vm.Call) error {
			x, err := exchangeOf(c)
			if err != nil || !c.Bool(2) || x.Response == nil {
				return nothing(c, err)
			}
			c.PushInt(int64(x.Response.Status))
			return nil
		},
		// header_value(handle, answer, name)
		"header_value": func(c *vm.Call) error {
			h, err := headOf(c)
			if err != nil {
				return err
			}
			name, err := lib.Text(c, 3, "header:get_value", 1)
			if err != nil {
				return err
			}
			v, ok := h.Get(name)
			if !ok {
				return nothing(c, nil)
			}
			c.PushStr(v)
			return nil
		},
		// header_all(handle, answer): name = value; values of one name are joined with ", " (RFC 9110 §5.3)
		"header_all": func(c *vm.Call) error {
			h, err := headOf(c)
			if err != nil {
				return err
			}
			t := &vm.Table{}
			for i := range h.Headers {
				name, value := h.Headers[i].Name, h.Headers[i].Value
				if earlier, ok := t.Get(name).AsStr(); ok {
					value = earlier + ", " + value
				}
				t.Set(name, vm.Str(value)) // the last one of a name is what Lua keeps
			}
			return c.PushValue(vm.Tab(t))
		},
		// header_match(handle, answer, name, expression)
		"header_match": func(c *vm.Call) error {
			h, err := headOf(c)
			if err != nil {
				return err
			}
			name, err := lib.Text(c, 3, "header:match_value", 1)
			if err != nil {
				return err
			}
			expression, err := lib.Bytes(c, 4, "header:match_value", 2)
			if err != nil {
				return err
			}
			v, ok := h.Get(name)
			if ok {
				if ok, err = Owner(c).expr.Match(expression, v); err != nil {
					return err
				}
			}
			c.PushBool(ok)
			return nil
		},
	}
}

// nothing returns nil to the script, or raises err.
func nothing(c *vm.Call, err error) error {
	c.PushNil()
	return err
}

func exchangeOf(c *vm.Call) (*extract.Exchange, error) {
	m, err := current(c)
	if err != nil {
		return nil, err
	}
	if m.Exchange == nil {
		return nil, errGone
	}
	return m.Exchange, nil
}

// headOf is the head that the object stands for; one that was not seen is empty.
func headOf(c *vm.Call) (*extract.Head, error) {
	x, err := exchangeOf(c)
	if err != nil {
		return nil, err
	}
	h := x.Request
	if c.Bool(2) {
		h = x.Response
	}
	if h == nil {
		h = &extract.Head{}
	}
	return h, nil
}

// targetPath is the path of a request's target, which may be a whole URI.
func targetPath(target string) string {
	if i := strings.Index(target, "://"); i > 0 && !strings.Contains(target[:i], "/") {
		target = target[i+3:]
		if i = strings.IndexAny(target, "/?#"); i < 0 || target[i] != '/' {
			return "/"
		}
		target = target[i:]
	}
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		target = target[:i]
	}
	return target
}
