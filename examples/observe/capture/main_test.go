package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCapture holds that the capture beside the examples is what this program writes.
func TestCapture(t *testing.T) {
	var got bytes.Buffer
	if err := shop().Write(&got); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../shop.pcap")
	if err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Fatalf("shop.pcap has other bytes (%v); write it anew with: go run ./examples/observe/capture > examples/observe/shop.pcap", err)
	}
}
