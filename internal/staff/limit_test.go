package staff

import (
	"fmt"
	"testing"
	"time"
)

func TestOneAddressCannotTryEverybody(t *testing.T) {
	a, now := newAttempts(), time.Now()
	refused := 0
	for i := range 100 {
		if a.take(now, fmt.Sprint("user", i), "10.0.0.1") != nil {
			refused++
		}
	}
	if refused != 70 {
		t.Errorf("%d of 100 attempts refused, want 70", refused)
	}
	if err := a.take(now, "user1", "10.0.0.2"); err != nil {
		t.Errorf("another address is refused too: %v", err)
	}
}

func TestMemoryOfAttemptsIsBounded(t *testing.T) {
	a, now := newAttempts(), time.Now()
	for i := range 3 * maxAttemptKeys {
		_ = a.take(now, "anna", fmt.Sprint(i))
	}
	if len(a.known) > maxAttemptKeys+2 {
		t.Errorf("%d keys are remembered", len(a.known))
	}
}
