# Everything a person runs. `make` alone says what there is.

SHELL := /bin/bash
GO ?= go
BIN := bin/marshrut
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFILES := $(shell git ls-files '*.go' 2>/dev/null)
# Nine minutes bound a package, so that one that hangs says where; the whole takes about six on two cores.
TESTFLAGS ?= -race -timeout 9m

.PHONY: help
help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup-run setup-test
setup-run:
	@./scripts/setup run
setup-test:
	@./scripts/setup test

.PHONY: run
run: setup-run build ## start the demo company on http://localhost:8080
	@exec $(BIN) demo

.PHONY: build
build: web/dist/manifest.json ## bin/marshrut with the pages' scripts inside
	@mkdir -p bin
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./cmd/marshrut

WEB_SOURCES := $(shell find web/ts web/static -type f 2>/dev/null) web/package.json web/package-lock.json web/build.mjs
web/dist/manifest.json: $(WEB_SOURCES)
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build

.PHONY: test
test: setup-test build ## all tests, with what they need
	$(GO) test $(TESTFLAGS) ./...

.PHONY: test-kafka
test-kafka: setup-test build ## the bus and the whole way against a real Apache Kafka
	@./scripts/setup kafka
	MARSHRUT_REQUIRE_KAFKA=1 $(GO) test -tags kafka -timeout 20m -count=1 ./pipeline/kafka/... ./internal/kafkatest/... ./internal/oracle/...

.PHONY: test-mail
test-mail: setup-test ## mailboxes against a real Dovecot
	@./scripts/setup mail
	MARSHRUT_REQUIRE_DOVECOT=1 $(GO) test -tags dovecot -timeout 10m -count=1 ./connectors/email/...

.PHONY: bench
bench: setup-test build ## the numbers the design answers for, as ratios to a floor of the same run
	$(GO) run ./internal/bench

.PHONY: lint
lint: setup-run web/dist/manifest.json ## gofmt, go vet, staticcheck, the pages' types
	@bad=$$(gofmt -l $(GOFILES)); if [ -n "$$bad" ]; then echo "not gofmt-ed:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags kafka,dovecot ./...
	$(GO) tool staticcheck ./...
	cd web && npm run --silent check
	@$(GO) mod tidy -diff >/dev/null || { echo "go.mod is not tidy: run go mod tidy"; exit 1; }

.PHONY: clean
clean: ## remove what was built; data stays
	rm -rf bin web/node_modules && find web/dist -type f ! -name .gitkeep -delete
