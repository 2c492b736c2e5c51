package odata

import "net/http"

// session is a session of the base that calls share, so that each does not pay
// for connecting (platform 8.3.9; a third of a second was measured). A
// publication may ignore the wish: then every call is a session of its own.
type session struct {
	id     string
	reused bool // the call under way goes on in a session begun before it
	finish bool
	off    bool
}

// ask puts the wish into a request.
func (s *session) ask(r *http.Request) {
	s.reused = s.id != ""
	switch {
	case s.off:
	case s.id == "":
		r.Header.Set("IBSession", "start")
	default:
		r.AddCookie(&http.Cookie{Name: "ibsession", Value: s.id})
		if s.finish {
			r.Header.Set("IBSession", "finish")
		}
	}
}

// keep takes the session that was begun.
func (s *session) keep(r *http.Response) {
	if s.off {
		return
	}
	if s.finish {
		s.forget()
		return
	}
	for _, c := range r.Cookies() {
		if c.Name == "ibsession" && c.Value != "" {
			s.id = c.Value
			return
		}
	}
	// Asked for one and got none: this publication ignores the header.
	if s.id == "" && r.StatusCode < 300 {
		s.off = true
	}
}

func (s *session) forget() { s.id, s.finish = "", false }
