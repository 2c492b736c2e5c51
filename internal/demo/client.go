package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// client speaks to the gateway as anybody would: over HTTP, with a token.
type client struct {
	address, token string
	http           *http.Client
}

func newClient(address, token string) *client {
	return &client{address: address, token: token, http: &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// errMoved: somebody or something was faster, the task is no longer as it was.
var errMoved = errors.New("the task has moved on")

// answerError is an answer other than success.
type answerError struct {
	status int
	body   string
}

func (e *answerError) Error() string { return fmt.Sprintf("%d %s", e.status, e.body) }

func (e *answerError) Is(target error) bool {
	return target == errMoved && (e.status == http.StatusConflict || e.status == http.StatusNotFound || e.status == http.StatusForbidden)
}

// call sends in as JSON, if there is any, and reads the answer into out, if one is wanted.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		body = bytes.NewReader(asJSON(in))
	}
	r, err := http.NewRequestWithContext(ctx, method, c.address+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.do(r, out)
}

func (c *client) do(r *http.Request, out any) error {
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 400 {
		return &answerError{answer.StatusCode, string(text)}
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}

// postLetter posts to a connection's address and gives the id of the inquiry, if the answer has one.
func (c *client) postLetter(ctx context.Context, address string, l letter) (string, error) {
	public, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address+public.EscapedPath(), bytes.NewReader(l.body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", l.contentType)
	r.Header.Set("User-Agent", "Mozilla/5.0")
	answer, err := c.http.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return "", err
	}
	if answer.StatusCode >= 300 {
		return "", fmt.Errorf("post to %s: %w", l.connection, &answerError{answer.StatusCode, string(text)})
	}
	var accepted struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(text, &accepted) // some senders want another answer than JSON
	return accepted.ID, nil
}

// awaitFiled asks until the inquiry has become something.
func (c *client) awaitFiled(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		var inquiry struct {
			State string `json:"state"`
		}
		err := c.call(ctx, http.MethodGet, "/api/v1/inquiries/"+id, nil, &inquiry)
		var answer *answerError
		switch {
		case err == nil && inquiry.State != "received":
			return nil
		case err != nil && !(errors.As(err, &answer) && answer.status == http.StatusNotFound):
			return fmt.Errorf("ask what became of inquiry %s: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("inquiry %s was accepted and not filed: %w", id, ctx.Err())
		case <-tick.C:
		}
	}
}

// task as the API gives it.
type task struct {
	ID, Lead, Title, Role, Assignee, Status string
	DueAt                                   time.Time `json:"due_at"`
	Steps                                   []taskStep
	Outcomes                                []struct{ ID, Label string }
	Revision                                int
}

type taskStep struct {
	ID, Kind    string
	Required    bool
	RequiredFor []string `json:"required_for"`
	Done        bool
	Choices     []struct{ ID, Label string }
}

func (c *client) openTasks(ctx context.Context) ([]task, error) {
	var all []task
	query := url.Values{"status": {"open"}, "limit": {"500"}}
	for {
		var page struct {
			Items []task
			Next  string
		}
		if err := c.call(ctx, http.MethodGet, "/api/v1/tasks?"+query.Encode(), nil, &page); err != nil {
			return nil, fmt.Errorf("list the open tasks: %w", err)
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
}
