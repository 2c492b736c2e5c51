package bpmn

import (
	"errors"
	"regexp"
	"time"
)

// minCycle keeps a mistyped reminder (PT1S) from filling the journal.
const minCycle = time.Minute

var (
	cycle    = regexp.MustCompile(`^R(\d{0,4})/(P.+)$`)
	errCycle = errors.New("not a repeating interval like R3/PT1H")
)
