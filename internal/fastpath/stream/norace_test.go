//go:build !race

package stream

const racing = false
