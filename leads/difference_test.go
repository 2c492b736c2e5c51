package leads

import (
	"slices"
	"testing"
)

func TestDifferencesNameWhatCameOtherwise(t *testing.T) {
	was := Inquiry{Name: "Иван", Text: "Окно", Fields: []Field{{Key: "Name", Value: "Иван", Known: "name"}, {Key: "floor", Label: "Этаж", Value: "2"}, {Key: "same", Value: "1"}}}
	came := Inquiry{Name: "Пётр", Text: "Окно", Fields: []Field{{Key: "Name", Value: "Пётр", Known: "name"}, {Key: "floor", Label: "Этаж", Value: "5"}, {Key: "same", Value: "1"}, {Key: "new", Value: "да"}}}
	want := []Difference{{"name", "", "Иван", "Пётр"}, {"floor", "Этаж", "2", "5"}, {"new", "", "", "да"}}
	if got := Differences(was, came); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := Differences(was, was); len(got) != 0 {
		t.Errorf("the same message differs: %+v", got)
	}
}
