package webform

import (
	"cmp"
	"slices"
	"strings"

	"marshrut/leads"
)

// The three answers. Absent is no answer: an unticked box is not sent at all.
const (
	consentYes    = "yes"
	consentNo     = "no"
	consentAbsent = "absent"
)

var (
	saidYes = []string{"on", "true", "yes", "y", "1", "да", "ok", "checked", "+", "agree", "agreed", "accepted", "accept", "согласен", "согласна", "☑", "✓"}
	saidNo  = []string{"off", "false", "no", "n", "0", "нет", "-", "", "не согласен", "не согласна", "unchecked"}
)

// answer tells what the value of a box means. A box may send the text of its own
// label when it is ticked, so that any longer text is a yes unless it denies.
func answer(value string) string {
	v := strings.ToLower(strings.TrimSpace(value))
	switch {
	case slices.Contains(saidNo, v), strings.HasPrefix(v, "не соглас"), strings.HasPrefix(v, "не даю"), strings.HasPrefix(v, "i do not"):
		return consentNo
	case slices.Contains(saidYes, v):
		return consentYes
	}
	for _, word := range []string{"соглас", "agree", "принима", "accept", "даю", "consent"} {
		if strings.Contains(v, word) {
			return consentYes
		}
	}
	return consentAbsent
}

// consent folds the boxes of a form: a hidden "0" before the box itself loses
// against what the box says, and one consent refused makes the whole a no.
func consent(boxes []Field, text string) leads.Consent {
	c := leads.Consent{State: consentAbsent}
	last := map[string]int{}
	for _, box := range boxes {
		item := leads.ConsentItem{Key: box.Key, Value: cut(box.Value, 1000), Text: cmp.Or(box.Label, text)}
		if i, again := last[strings.ToLower(box.Key)]; again {
			c.Items[i] = item
			continue
		}
		last[strings.ToLower(box.Key)] = len(c.Items)
		c.Items = append(c.Items, item)
	}
	for _, item := range c.Items {
		switch state := answer(item.Value); {
		case state == consentNo:
			c.State = consentNo
		case state == consentYes && c.State == consentAbsent:
			c.State = consentYes
		}
	}
	return c
}
