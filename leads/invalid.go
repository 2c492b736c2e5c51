package leads

import "fmt"

// Invalid is an ErrInvalid in words for the person who typed the value.
type Invalid struct{ Message, MessageEn string }

// NotValid makes an Invalid. Both sentences get the same arguments.
func NotValid(ru, en string, args ...any) error {
	return &Invalid{fmt.Sprintf(ru, args...), fmt.Sprintf(en, args...)}
}

func (e *Invalid) Error() string { return e.MessageEn }
func (e *Invalid) Unwrap() error { return ErrInvalid }

// In gives the words in a language, "ru" or "en".
func (e *Invalid) In(language string) string {
	if language == "en" {
		return e.MessageEn
	}
	return e.Message
}
