package staff

import (
	"strings"
	"testing"
)

func TestPasswordHashIsAPHCStringThatMatchesOnlyItsPassword(t *testing.T) {
	s := New(nil, Options{})
	hash, err := s.hashPassword(t.Context(), "пароль с пробелом")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q", hash)
	}
	for password, want := range map[string]bool{"пароль с пробелом": true, "пароль с пробелом ": false, "": false} {
		if got, err := s.checkPassword(t.Context(), hash, password); err != nil || got != want {
			t.Errorf("%q matches: %t (%v), want %t", password, got, err, want)
		}
	}
	other, _ := s.hashPassword(t.Context(), "пароль с пробелом")
	if other == hash {
		t.Error("two hashes share a salt")
	}
}

func TestMalformedHashMatchesNothing(t *testing.T) {
	s := New(nil, Options{})
	for _, hash := range []string{"", "x", "$argon2id$v=19$m=0,t=0,p=0$AA$AA", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=19456,t=2,p=1$!!$!!", "$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA"} {
		if got, err := s.checkPassword(t.Context(), hash, ""); got || err != nil {
			t.Errorf("%q matches (%v)", hash, err)
		}
	}
}

func TestOneTimePasswordsAreLongDictatableAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		p := oneTimePassword()
		if len(p) != 19 || strings.ContainsAny(p, "lo01 ") || seen[p] || CheckPassword(p) != nil {
			t.Fatalf("one-time password %q", p)
		}
		seen[p] = true
	}
}
