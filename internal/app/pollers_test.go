package app

import (
	"errors"
	"testing"
)

func TestAnOutageIsOverOnceWhenTheOtherSideAnswersAgain(t *testing.T) {
	var o outages
	away := errors.New("away")
	for n, step := range []struct {
		trouble error
		over    bool
	}{{nil, true}, {nil, false}, {away, false}, {away, false}, {nil, true}, {nil, false}} {
		if got := o.over("base", step.trouble); got != step.over {
			t.Errorf("step %d: over is %v", n, got)
		}
	}
}
