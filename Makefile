# eddy. "make" alone explains itself.

SHELL    := /bin/bash
FUZZTIME ?= 5m
GO       ?= go

.DEFAULT_GOAL := help
.PHONY: help deps build run test lint fuzz bench-proxy bench-observe bench-jobs crash docs clean

help: ## print this help
	@echo "make TARGET"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || \
	 sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' $(MAKEFILE_LIST)

deps: ## install what building needs (Lua 5.4 and pkg-config), if it is missing
	@scripts/deps.sh

build: deps ## build bin/eddy
	@mkdir -p bin
	$(GO) build -o bin/eddy ./cmd/eddy

run: build ## run examples/email: answers at once, mails in the background
	@$(GO) build -o bin/mailsink ./examples/email/sink
	@exec scripts/run-email.sh

test: deps lint ## everything that must pass: format, vet, staticcheck, tests with the race detector
	$(GO) test -race -timeout 14m ./...

lint: deps ## gofmt, vet and staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

fuzz: deps ## run every fuzz target for FUZZTIME (5m)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

bench-proxy: build ## compare with HAProxy (HAPROXY=path, default: the one on the PATH); needs wrk and taskset
	$(GO) run ./bench/proxy -eddy bin/eddy

bench-observe: build ## compare the observed lane with Suricata and tcpflow, where they are installed; takes minutes and 2 GB in the temporary folder
	$(GO) run ./bench/observe -eddy bin/eddy

bench-jobs: build ## compare jobs with River, Asynq, beanstalkd and JetStream, where they are installed; takes minutes
	$(GO) run ./bench/jobs -eddy bin/eddy

crash: deps ## kill eddy at random moments for a long time, and count jobs and mails (EDDY_CRASH_ROUNDS, default 500)
	EDDY_CRASH_ROUNDS=$${EDDY_CRASH_ROUNDS:-500} $(GO) test -count 1 -timeout 2h -v -run Crash ./test/crash

docs: deps ## write docs/configuration.md anew from the keyword declarations
	$(GO) test ./internal/config -run "^TestDocs$$" -update

clean: ## remove bin/
	rm -rf bin
