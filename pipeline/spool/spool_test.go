package spool_test

import (
	"testing"
	"time"

	"marshrut/internal/postgres/postgrestest"
	"marshrut/pipeline/pipelinetest"
	"marshrut/pipeline/spool"
)

func TestContractOnTheSpool(t *testing.T) {
	pipelinetest.Broker(t, func(t *testing.T) pipelinetest.Bus {
		bus := spool.New(postgrestest.New(t), "inquiries", spool.Options{RetryMax: time.Second})
		t.Cleanup(bus.Close)
		return bus
	})
}
