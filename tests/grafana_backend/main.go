// Grafana's way to a warehouse, without Grafana: queries come in as JSON, what its backend makes of them goes out.
//
//	grafana_backend -backend plugin -plugin gpx_clickhouse_linux_amd64 -url http://127.0.0.1:8123 -user reader < queries.json
//
// The password is the environment's GRAFANA_BACKEND_PASSWORD. Three backends:
//
//	plugin  the executable of Grafana's ClickHouse plugin, started as Grafana starts it
//	twin    the libraries the plugin is built on (sqlds, clickhouse-go), with our own macros: twin.go
//	driver  clickhouse-go alone, for what the plugin never asks of it: driver.go
//
// In: [{"id", "sql", "from", "to", "interval_ms", "format", "model"}], times as RFC 3339, format 0 time series, 1 table;
// "model" is the query's JSON as Grafana's pages or its alerting send it, and goes before the rest where it is there.
// Out: {"backend", "health": {"ok", "message"}, "queries": [{"id", "error", "frames": [{"fields": [{"name", "type",
// "labels"}], "rows", "first"}]}]}. It ends with 1, and a line that says why, when it cannot run at all.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"time"
)

// Query is one query of a panel or an alert.
type Query struct {
	ID         string    `json:"id"`
	SQL        string    `json:"sql"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	IntervalMS int64     `json:"interval_ms"`
	Format     int       `json:"format"`

	Model map[string]any `json:"model"`
}

// Field is a column of a frame.
type Field struct {
	Name   string            `json:"name"`
	Type   string            `json:"type"`
	Labels map[string]string `json:"labels,omitempty"`
}

// Frame is a table of an answer; First holds its first rows.
type Frame struct {
	Fields []Field `json:"fields"`
	Rows   int     `json:"rows"`
	First  [][]any `json:"first"`
}

// Result is the answer to one query; Error is empty where there is none.
type Result struct {
	ID     string  `json:"id"`
	Error  string  `json:"error"`
	Frames []Frame `json:"frames"`
}

// Health is what "Save & test" says.
type Health struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

// Output is the whole answer.
type Output struct {
	Backend string   `json:"backend"`
	Health  Health   `json:"health"`
	Queries []Result `json:"queries"`
}

// Options are the flags.
type Options struct {
	Backend, Plugin, URL, User, Password, Database, Compression string
	FirstRows                                                   int
	Timeout                                                     time.Duration
}

// Backend answers a health check and queries.
type Backend interface {
	Health(ctx context.Context) (Health, error)
	Query(ctx context.Context, query Query) Result
	Close()
}

func main() {
	var options Options
	flag.StringVar(&options.Backend, "backend", "twin", "plugin, twin or driver")
	flag.StringVar(&options.Plugin, "plugin", "", "the plugin's executable")
	flag.StringVar(&options.URL, "url", "", "the warehouse, http://host:port")
	flag.StringVar(&options.User, "user", "reader", "who reads")
	flag.StringVar(&options.Database, "database", "loanstream", "what unqualified names mean")
	flag.StringVar(&options.Compression, "compression", "gzip", "none, gzip, deflate, lz4 or zstd; for the driver")
	flag.IntVar(&options.FirstRows, "first", 5, "rows of each frame to hand out")
	flag.DurationVar(&options.Timeout, "timeout", 60*time.Second, "for one query")
	flag.Parse()
	options.Password = os.Getenv("GRAFANA_BACKEND_PASSWORD")
	if err := run(options); err != nil {
		fmt.Fprintln(os.Stderr, "grafana_backend:", err)
		os.Exit(1)
	}
}

func run(options Options) error {
	var queries []Query
	if err := json.NewDecoder(os.Stdin).Decode(&queries); err != nil {
		return fmt.Errorf("the queries are not the JSON expected: %w", err)
	}
	address, err := url.Parse(options.URL)
	if err != nil || address.Hostname() == "" || address.Port() == "" {
		return fmt.Errorf("-url is not http://host:port")
	}
	open, known := map[string]func(Options, *url.URL) (Backend, error){
		"plugin": openPlugin, "twin": openTwin, "driver": openDriver,
	}[options.Backend]
	if !known {
		return fmt.Errorf("-backend is none of plugin, twin, driver")
	}
	chosen, err := open(options, address)
	if err != nil {
		return err
	}
	defer chosen.Close()
	output := Output{Backend: options.Backend, Queries: []Result{}}
	if output.Health, err = chosen.Health(context.Background()); err != nil {
		return err
	}
	for _, query := range queries {
		ctx, cancel := context.WithTimeout(context.Background(), options.Timeout)
		result := chosen.Query(ctx, query)
		result.ID = query.ID
		output.Queries = append(output.Queries, result)
		cancel()
	}
	return json.NewEncoder(os.Stdout).Encode(output)
}
