package telephony

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAPairThatIsNotWellEncodedIsReadAsItCame(t *testing.T) {
	for body, want := range map[string]url.Values{
		"json={\"a\":\"b;c\"}&sign=1": {"json": {`{"a":"b;c"}`}, "sign": {"1"}},
		"json=100%+%zz+%41%2":         {"json": {"100% %zz A%2"}},
		"a=1&&a=2&b":                  {"a": {"1", "2"}, "b": {""}},
		"":                            {},
	} {
		if diff := cmp.Diff(want, pairs(body)); diff != "" {
			t.Errorf("%q: %s", body, diff)
		}
	}
}

func TestAWellEncodedFormIsReadAsAnybodyReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := url.Values{}
		for _, name := range rapid.SliceOfN(rapid.StringN(1, 5, -1), 0, 5).Draw(t, "names") {
			want.Add(name, rapid.String().Draw(t, "value"))
		}
		if diff := cmp.Diff(want, pairs(want.Encode())); diff != "" {
			t.Fatal(diff)
		}
	})
}
