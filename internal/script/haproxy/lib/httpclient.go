package lib

import (
	"context"
	"errors"
	"fmt"
	"time"

	"eddy/internal/offpath/client/http"
	"eddy/internal/script/vm"
)

// HTTPClient is the HTTPClient class on a client.
func HTTPClient(wait Wait, client *http.Client) Funcs {
	w := requests{wait, client}
	return Funcs{"httpclient_do": w.do}
}

type requests struct {
	wait   Wait
	client *http.Client
}

// do(method, request): the answer as a table (lua-api, HTTPClient class).
func (w requests) do(c *vm.Call) error {
	if c.Kind(2) != vm.KindTable {
		return fmt.Errorf("httpclient: give a table, {url = \"http://...\"}")
	}
	t, err := c.Table(2)
	if err != nil {
		return err
	}
	req, err := readRequest(t)
	if err != nil {
		return fmt.Errorf("httpclient: %w", err)
	}
	req.Method = c.Str(1)
	return w.wait(c, func(ctx context.Context) vm.Resume {
		answer, err := w.client.Do(ctx, req)
		if err != nil {
			answer = &http.Response{Reason: err.Error()} // status 0 is "it failed here"
		}
		return vm.Resume{Values: []vm.Value{answerTable(answer)}}
	})
}

func readRequest(t *vm.Table) (req http.Request, err error) {
	var ok bool
	if req.URL, ok = t.Get("url").AsStr(); !ok || req.URL == "" {
		return req, errors.New("'url' is missing")
	}
	if v := t.Get("body"); !v.IsNil() {
		s, ok := Text(v)
		if !ok {
			return req, errors.New("'body' must be a string")
		}
		req.Body = []byte(s)
	}
	if v := t.Get("dst"); !v.IsNil() {
		if req.Dst, ok = v.AsStr(); !ok {
			return req, errors.New("'dst' must be an address in a string")
		}
	}
	if v := t.Get("timeout"); !v.IsNil() {
		ms, ok := v.AsNum()
		if !ok || ms <= 0 || ms > 1e12 {
			return req, errors.New("'timeout' must be a number of milliseconds")
		}
		req.Timeout = time.Duration(ms * float64(time.Millisecond))
	}
	if v := t.Get("headers"); !v.IsNil() {
		ht, ok := v.AsTable()
		if !ok {
			return req, errors.New("'headers' must be a table, {name = {value, ...}}")
		}
		list, err := ReadHeaders(ht)
		if err != nil {
			return req, err
		}
		for _, h := range list {
			req.Headers = append(req.Headers, http.Header{Name: h.Name, Value: h.Value})
		}
	}
	return req, nil
}

// answerTable gives status, reason, body, and headers whose values count from 0.
func answerTable(a *http.Response) vm.Value {
	headers := &vm.Table{}
	lists := map[string]*vm.Table{}
	for _, h := range a.Headers {
		list := lists[h.Name]
		if list == nil {
			list = &vm.Table{}
			lists[h.Name] = list
			headers.Set(h.Name, vm.Tab(list))
		}
		list.Map = append(list.Map, vm.Pair{Key: vm.Int(int64(len(list.Map))), Value: vm.Str(h.Value)})
	}
	t := &vm.Table{}
	t.Set("status", vm.Int(int64(a.Status)))
	t.Set("reason", vm.Str(a.Reason))
	t.Set("headers", vm.Tab(headers))
	t.Set("body", vm.Bytes(a.Body))
	return vm.Tab(t)
}
