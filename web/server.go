// Package web is what people and programs see: pages drawn on the server, and the REST API under /api/v1. Handlers are thin:
// they find out who asks, read the request, call the room that knows, and show the answer. The package holds no rule of the
// business and no SQL; who may do what is asked of internal/staff, what may be done of casework and processes. Only
// internal/app calls it.
package web

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/connectors"
	"marshrut/connectors/registry"
	"marshrut/internal/blobs"
	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/casework"
)

//go:embed all:dist
var bundle embed.FS

// Deps is what the pages stand on.
type Deps struct {
	Pool        *pgxpool.Pool // for reports, which take a database
	Staff       *staff.Staff
	Leads       *repository.Repository
	Casework    *casework.Casework
	Processes   *processes.Service
	Connections *registry.Registry
	Providers   []connectors.Provider // what connections can be made of
	Intake      Replayer
	Spool       Spool       // what was accepted and is not filed yet; nil: nothing waits where it can be asked
	Files       blobs.Store // what people and clients hand in
	Company     Company
	Now         func() time.Time
	Log         *slog.Logger
}

// Replayer runs messages again that could not be processed, or puts them aside. Package intake does it.
type Replayer interface {
	Replay(ctx context.Context, by int64, id string, repairs map[string]string) (repository.Captured, error)
	Discard(ctx context.Context, by int64, id, reason string) error
}

// Spool is where what was accepted waits until it is filed. Package spool is it; what Kafka holds cannot be looked up.
type Spool interface {
	Waiting(ctx context.Context, id string) (connection string, since time.Time, found bool, err error)
}

// Company is whose gateway this is.
type Company struct {
	Name      string
	Region    string // ISO 3166: how phones without a country code are read
	Language  string
	Location  *time.Location
	PublicURL string
}

// Server answers requests. It is an http.Handler made by New.
type Server struct {
	Deps
	pages  *renderer
	secure bool // cookies travel over https only
	assets http.Handler
	bell   *bell
}

// New prepares the pages and the API. The templates are read now, so that a mistake in one stops the start and not a person.
func New(d Deps) (*Server, error) {
	pages, err := newRenderer(d.Company)
	if err != nil {
		return nil, err
	}
	public, err := url.Parse(d.Company.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("public address: %w", err)
	}
	dist, err := fs.Sub(bundle, "dist")
	if err != nil {
		return nil, err
	}
	return &Server{Deps: d, pages: pages, secure: public.Scheme == "https", assets: http.FileServerFS(dist), bell: newBell()}, nil
}

// Handler is the whole of the pages and the API.
func (s *Server) Handler() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.HandleMethodNotAllowed = true
	engine.Use(s.recoverPanics, secureHeaders)
	s.routes(engine)
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "cross-origin request refused", http.StatusForbidden)
	}))
	return protection.Handler(engine)
}

// secureHeaders: nothing inline, nothing from elsewhere, no framing (OWASP ASVS 5.0, 3.4).
func secureHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if !strings.HasPrefix(c.Request.URL.Path, "/assets/") {
		h.Set("Cache-Control", "no-store")
	}
	c.Next()
}

// serveAsset gives a file of the bundle. Its name holds the hash of its content, so it never changes.
func (s *Server) serveAsset(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	http.StripPrefix("/assets/", s.assets).ServeHTTP(c.Writer, c.Request)
}
