package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/reports"
)

// apiReportLine is a report one can ask for.
type apiReportLine struct {
	Key    string     `json:"key"`
	Name   string     `json:"name"`
	Says   string     `json:"says"`
	Clocks []apiClock `json:"clocks"`
}

// apiClock is a clock of a report with the tables it has by it.
type apiClock struct {
	Key  reports.Clock    `json:"key"`
	Name string           `json:"name"`
	Cuts []reports.Choice `json:"cuts"`
}

func (s *Server) apiReports(c *gin.Context, actor staff.Actor) error {
	if err := knownQuery(c); err != nil {
		return err
	}
	language := s.apiLanguage(actor)
	c.JSON(http.StatusOK, listOf(reports.All(), "", func(r reports.Report) apiReportLine {
		line := apiReportLine{Key: r.Key, Name: r.Name.In(language), Says: r.Says.In(language)}
		for _, clock := range r.Clocks {
			line.Clocks = append(line.Clocks, apiClock{clock, clock.Name(language), orEmpty(r.CutNames(clock, language))})
		}
		return line
	}))
	return nil
}

// apiReport answers a report as JSON, or with .xlsx or .csv behind its name as a file.
func (s *Server) apiReport(c *gin.Context, actor staff.Actor) error {
	if err := knownQuery(c, reports.Parameters()...); err != nil {
		return err
	}
	name, kind, _ := strings.Cut(c.Param("name"), ".")
	q, err := s.reportQuery(c.Request.URL.Query(), actor, s.apiLanguage(actor))
	if err != nil {
		return err
	}
	switch kind {
	case "xlsx":
		// Asking for the table first finds what is wrong with the question before the first byte of the file is out.
		if _, err := reports.Run(c.Request.Context(), s.Pool, name, q); err != nil {
			return err
		}
		return s.sent(c, s.sendWorkbook(c, actor, name, q))
	case "", "csv":
	default:
		return reports.ErrUnknown
	}
	result, err := reports.Run(c.Request.Context(), s.Pool, name, q)
	if err != nil {
		return err
	}
	if kind == "csv" {
		attach(c, "text/csv; charset=utf-8", fileName(name, q, "csv"))
		return s.sent(c, reports.WriteCSV(c.Writer, result))
	}
	c.JSON(http.StatusOK, result)
	return nil
}

// sent ends a download. A file that has begun cannot turn into a problem document: the connection is broken, so that nobody
// takes half a file for a whole one.
func (s *Server) sent(c *gin.Context, err error) error {
	if err == nil || !c.Writer.Written() {
		return err
	}
	if !errors.Is(err, c.Request.Context().Err()) {
		s.Log.ErrorContext(c.Request.Context(), "a download broke off", "route", c.FullPath(), "error", err)
	}
	panic(http.ErrAbortHandler)
}
