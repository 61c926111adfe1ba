package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"eddy/bench/figures"
)

// measureLua runs the benchmark of a push from Lua, which lies with the package that has it.
func measureLua(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "Push", "-count", "5", "./internal/script/async", "./internal/script/haproxy")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go test: %w: %s", err, out)
	}
	lines := benchLines(string(out))
	if len(lines) == 0 {
		return "A push from Lua was left out: there is no such benchmark.\n\n", nil
	}
	var t strings.Builder
	t.WriteString("A push from Lua into a memory queue (`go test -bench Push ./internal/script/async ./internal/script/haproxy`; medians of 5):\n\n")
	for _, l := range lines {
		fmt.Fprintf(&t, "- `%s`: %s\n", l.name, span(figures.Median(l.ns)))
	}
	return t.String() + "\n", nil
}

// benchLine is a benchmark with what each of its runs took.
type benchLine struct {
	name string
	ns   []float64
}

// benchLines reads what "go test -bench" writes.
func benchLines(out string) (lines []benchLine) {
	for _, m := range regexp.MustCompile(`(?m)^(Benchmark\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`).FindAllStringSubmatch(out, -1) {
		ns, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			continue
		}
		if len(lines) == 0 || lines[len(lines)-1].name != m[1] {
			lines = append(lines, benchLine{name: m[1]})
		}
		l := &lines[len(lines)-1]
		l.ns = append(l.ns, ns)
	}
	return lines
}
