#!/usr/bin/env bash
# Runs each fuzz target of the module in turn for $FUZZTIME. A crash ends the run; its input is then in testdata/.
set -eu
cd "$(dirname "$0")/.."
: "${FUZZTIME:=5m}"

for package in $(go list ./...); do
    for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
        echo "== $package $target for $FUZZTIME"
        go test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 10x "$package"
    done
done
