package email

import (
	"context"
	"errors"
)

// Test signs in where letters are read and where they are sent, and opens each folder for looking. Both are tried, so that
// whoever repairs the connection hears of all that is wrong.
func (i *Instance) Test(ctx context.Context) error {
	if i.settings.Server == "" && i.settings.SMTP == "" {
		return i.noServer()
	}
	return errors.Join(i.testReading(ctx), i.testSending(ctx))
}

func (i *Instance) testReading(ctx context.Context) error {
	if i.settings.Server == "" {
		return nil
	}
	s, done, err := i.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	folders, err := s.folders(i.settings)
	if err != nil {
		return err
	}
	for _, f := range folders {
		if _, err := s.examine(f.name); err != nil {
			return err
		}
	}
	return nil
}

func (i *Instance) testSending(ctx context.Context) error {
	if i.settings.SMTP == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sendingTime)
	defer cancel()
	client, err := i.admitted(ctx)
	if err != nil {
		return i.inWords(i.connection.Language, err)
	}
	client.Close() // that the goodbye fails does not matter: it let us in
	return nil
}
