package exporter

import (
	"bytes"
	"strconv"

	"eddy/internal/fastpath/txn"
)

var _ txn.Service = (*Exporter)(nil)

// Serve answers a request with a page, whatever its path: rules choose which requests come here. It implements txn.Service.
func (e *Exporter) Serve(tx *txn.Txn, io txn.ServiceIO) error {
	if !tx.Req.MethodIs("GET") && !tx.Req.MethodIs("HEAD") {
		tx.Res.BuildResponse(405, "")
		tx.Res.AddString("allow", "GET, HEAD")
		tx.Res.AddString("content-length", "0")
		return io.Start()
	}
	accept, _ := tx.Req.Get("accept")
	var page bytes.Buffer
	contentType, err := e.Write(&page, string(accept))
	if err != nil {
		return err // a page that lacks something would look like things that ended
	}
	tx.Res.BuildResponse(200, "")
	tx.Res.AddString("content-type", contentType)
	tx.Res.AddString("cache-control", "no-store")
	tx.Res.AddString("content-length", strconv.Itoa(page.Len()))
	if err := io.Start(); err != nil {
		return err
	}
	_, err = io.Write(page.Bytes())
	return err
}
