//go:build kafka

package kafka_test

import (
	"os"
	"testing"

	"marshrut/internal/kafkatest"
)

// TestContractOnRealKafka runs against the broker MARSHRUT_TEST_KAFKA names, or
// one it starts itself. There is no way to skip it: without a broker it fails.
func TestContractOnRealKafka(t *testing.T) {
	addr := os.Getenv("MARSHRUT_TEST_KAFKA")
	if addr == "" {
		addr = kafkatest.Start(t).Addr()
	}
	contract(t, []string{addr})
}

// TestTheSpoolStandsInWhileARealKafkaIsAway needs a broker of its own to kill.
func TestTheSpoolStandsInWhileARealKafkaIsAway(t *testing.T) {
	standIn(t, kafkatest.Start(t))
}
