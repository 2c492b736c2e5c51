package main

import (
	"marshrut/internal/app"
	"marshrut/leads/repository"
)

type deadLetter = repository.DeadLetter

// eachDead goes through all dead letters, page by page.
func eachDead(c console, t *app.Tools, use func(deadLetter)) error {
	filter := repository.DeadFilter{Limit: 200}
	for {
		page, err := t.Leads.DeadLetters(c.ctx, filter)
		if err != nil {
			return err
		}
		for _, letter := range page.Items {
			use(letter)
		}
		if filter.Cursor = page.Next; page.Next == "" {
			return nil
		}
	}
}
