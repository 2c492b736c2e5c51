package app

import (
	"strings"
	"testing"

	"marshrut/configs"
)

func TestThatNobodyCanSendIsSaidInTheLanguageOfTheCompany(t *testing.T) {
	for language, want := range map[string]string{"ru": "нет подключения", "en": "there is no connection"} {
		a := &App{config: configs.Config{Company: configs.Company{Language: language}}}
		if reason := a.nobody("send-letter"); !strings.HasPrefix(reason, want) || !strings.Contains(reason, "send-letter") {
			t.Errorf("in %q: %s", language, reason)
		}
	}
}
