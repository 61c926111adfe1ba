//go:build race

package wire

// racing: the race detector makes pools forget, and so allocates.
const racing = true
