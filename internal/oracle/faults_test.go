package oracle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// victim is what faults happen to.
type victim interface {
	fmt.Stringer
	kill(context.Context) error      // with -9
	terminate(context.Context) error // asked to stop
	start(context.Context) error
}

// fault takes some victims down at once and brings them back a little later.
type fault struct {
	after   time.Duration // since the fault before
	victims []victim
	gently  bool          // by SIGTERM
	down    time.Duration // how long they stay away
}

func (f fault) String() string {
	names := make([]string, len(f.victims))
	for i, v := range f.victims {
		names[i] = v.String()
	}
	how := "kill -9"
	if f.gently {
		how = "stop"
	}
	return fmt.Sprintf("%s %s for %s", how, strings.Join(names, " and "), f.down)
}

// plan is the run's schedule of faults for a span of time: everybody is killed
// once in random order, then anybody: one time in four gently, else one or two at once.
func plan(rng *rand.Rand, victims []victim, span time.Duration) []fault {
	milliseconds := func(from, to int) time.Duration {
		return time.Duration(from+rng.IntN(to-from)) * time.Millisecond
	}
	var faults []fault
	for _, i := range rng.Perm(len(victims)) {
		faults = append(faults, fault{after: milliseconds(300, 1500), victims: []victim{victims[i]}, down: milliseconds(0, 1200)})
	}
	planned := time.Duration(0)
	for _, f := range faults {
		planned += f.after + f.down
	}
	for planned < span {
		order := rng.Perm(len(victims))
		f := fault{after: milliseconds(300, 1800), victims: []victim{victims[order[0]]}, gently: rng.IntN(4) == 0, down: milliseconds(0, 1500)}
		if len(victims) > 1 && !f.gently && rng.IntN(3) == 0 {
			f.victims = append(f.victims, victims[order[1]])
		}
		planned += f.after + f.down
		faults = append(faults, f)
	}
	return faults
}

// suffer lets the faults happen. What they bring to light is an error of the test.
func suffer(ctx context.Context, t *testing.T, faults []fault) {
	t.Helper()
	began := time.Now()
	for _, f := range faults {
		if !pause(ctx, f.after) {
			t.Error("the faults took too long")
			return
		}
		t.Logf("%6.2fs %s", time.Since(began).Seconds(), f)
		for _, v := range f.victims {
			end := v.kill
			if f.gently {
				end = v.terminate
			}
			if err := end(ctx); err != nil {
				t.Error(err)
			}
		}
		pause(ctx, f.down)
		for _, v := range f.victims {
			if err := v.start(ctx); err != nil {
				t.Error(err)
			}
		}
	}
	t.Logf("%6.2fs all are back", time.Since(began).Seconds())
}

// seed is that of this run.
func seed(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("MARSHRUT_ORACLE_SEED"); text != "" {
		number, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("MARSHRUT_ORACLE_SEED: %v", err)
		}
		return number
	}
	number := rand.Uint64N(1e9)
	t.Logf("MARSHRUT_ORACLE_SEED=%d repeats this run", number)
	return number
}

// span is how long the faults go on.
func span(t *testing.T, usual time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv("MARSHRUT_ORACLE_SECONDS")
	if text == "" {
		return usual
	}
	seconds, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("MARSHRUT_ORACLE_SECONDS: %v", err)
	}
	return time.Duration(seconds) * time.Second
}
