package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"marshrut/internal/app"
	"marshrut/reports"
	"marshrut/reports/excel"
)

type reportCommand struct {
	errand
	Name   string            `arg:"" help:"funnel, loss-reasons, …"`
	From   string            `help:"First day, 2026-01-31."`
	To     string            `help:"The day after the last one."`
	Format string            `default:"xlsx" enum:"xlsx,csv,json" help:"${enum}"`
	Output string            `short:"o" type:"path" help:"Where to; without it csv and json go to standard output, xlsx to NAME.xlsx."`
	Filter map[string]string `short:"f" help:"As in the address of the page: clock=flow, owner=LOGIN, funnel=KEY, as_of=DAY, …"`
}

// Validate is asked before anything is opened.
func (r *reportCommand) Validate() error {
	known := reports.Parameters()
	for _, name := range slices.Sorted(maps.Keys(r.Filter)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is no filter %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

func (r *reportCommand) Run(c console, t *app.Tools) error {
	query, err := r.query(t)
	if err != nil {
		return err
	}
	write, err := r.writer(c, t, query)
	if err != nil {
		return err
	}
	output := r.Output
	if output == "" && r.Format == "xlsx" {
		output = r.Name + ".xlsx"
	}
	if output == "" {
		return write(c.out)
	}
	if err := writeFile(output, write); err != nil {
		return err
	}
	c.printf("%s\n", output)
	return nil
}

func (r *reportCommand) query(t *app.Tools) (reports.Query, error) {
	values := url.Values{}
	for key, value := range r.Filter {
		values.Set(key, value)
	}
	if r.From != "" {
		values.Set("from", r.From)
	}
	if r.To != "" {
		values.Set("to", r.To)
	}
	company := t.Config.Company
	return reports.ParseQuery(values, time.Now(), company.Location(), company.Language)
}

func (r *reportCommand) writer(c console, t *app.Tools, query reports.Query) (func(io.Writer) error, error) {
	if r.Format == "xlsx" {
		options := excel.Options{Company: t.Config.Company.Name}
		return func(w io.Writer) error { return excel.Export(c.ctx, w, t.Pool, r.Name, query, options) }, nil
	}
	result, err := reports.Run(c.ctx, t.Pool, r.Name, query)
	if err != nil {
		return nil, err
	}
	if r.Format == "csv" {
		return func(w io.Writer) error { return reports.WriteCSV(w, result) }, nil
	}
	return func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}, nil
}

// writeFile writes beside and renames, so that a report half written is never taken for one.
func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+strings.TrimPrefix(filepath.Base(path), ".")+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(file.Name())
	err = errors.Join(write(file), file.Chmod(0o644), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
