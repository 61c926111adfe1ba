//go:build race

package stream

// racing: the race detector makes pools forget, and so allocates.
const racing = true
