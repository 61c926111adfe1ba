package stream

import (
	"context"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

func TestServeZZ(t *testing.T) {
	if os.Getenv("EDDY_SERVE") == "" {
		t.Skip()
	}
	pools := wire.NewPools(16384)
	mk := func(mode model.Mode, listen string, rd bool, srv string) {
		to := model.Timeouts{Client: time.Minute, Server: time.Minute, Connect: 5 * time.Second}
		fm := &model.Proxy{Side: model.Frontend, Name: "f", Mode: mode, Timeouts: to}
		bm := &model.Proxy{Side: model.Backend, Name: "b", Mode: mode, Timeouts: to, Retries: 3}
		bm.Servers = append(bm.Servers, serverModel("s1", srv))
		fp, bp := proxy.New(fm), proxy.New(bm)
		pool, _ := backend.New(backend.Config{Proxy: bp, Pools: pools})
		cfg := Config{Proxy: fp, Pools: pools, Limits: http1.Limits{MaxHeaders: 101, MaxHead: 15360}, Proc: &txn.ProcVars{}, Default: NewBackend(BackendConfig{Proxy: bp, Pool: pool})}
		if rd {
			cfg.HTTPReq = redirect("/ok")
		}
		f, _ := New(cfg)
		ln, err := net.Listen("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		lc := net.ListenConfig{KeepAlive: -1}
		_ = lc
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go f.Serve(c, nil)
			}
		}()
	}
	mk(model.ModeHTTP, "127.0.0.1:38201", true, "127.0.0.1:38300")
	mk(model.ModeHTTP, "127.0.0.1:38202", false, "127.0.0.1:38300")
	mk(model.ModeTCP, "127.0.0.1:38203", false, "127.0.0.1:38300")
	if p := os.Getenv("EDDY_PROF"); p != "" {
		fl, _ := os.Create(p)
		pprof.StartCPUProfile(fl)
		defer pprof.StopCPUProfile()
	}
	_ = context.Background
	go func() {
		for range time.Tick(2 * time.Second) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			println("heapalloc", m.HeapAlloc>>10, "heapinuse", m.HeapInuse>>10, "heapsys", m.HeapSys>>10, "stack", m.StackInuse>>10, "sys", m.Sys>>10, "other", m.OtherSys>>10, m.GCSys>>10, m.MSpanInuse>>10, "gor", runtime.NumGoroutine())
			if p := os.Getenv("EDDY_HEAP"); p != "" && runtime.NumGoroutine() > 5000 {
				f, _ := os.Create(p)
				pprof.Lookup("heap").WriteTo(f, 0)
				f.Close()
			}
		}
	}()
	d, _ := time.ParseDuration(os.Getenv("EDDY_SERVE"))
	time.Sleep(d)
	pprof.StopCPUProfile()
	os.Exit(0)
}
