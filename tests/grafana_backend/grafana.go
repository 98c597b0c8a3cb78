package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

const pluginID = "grafana-clickhouse-datasource"

// handler is what Grafana calls a plugin's backend for.
type handler interface {
	CheckHealth(context.Context, *backend.CheckHealthRequest) (*backend.CheckHealthResult, error)
	QueryData(context.Context, *backend.QueryDataRequest) (*backend.QueryDataResponse, error)
}

// grafana asks a plugin's backend as Grafana's server does.
type grafana struct {
	handler handler
	context backend.PluginContext
	first   int
	close   func()
}

// dataSource is the data source as Grafana's form, or a provisioning file, sets it up.
func dataSource(options Options, address *url.URL) (*backend.DataSourceInstanceSettings, error) {
	port, err := strconv.Atoi(address.Port())
	if err != nil {
		return nil, fmt.Errorf("-url's port is no number")
	}
	settings, err := json.Marshal(map[string]any{
		"host": address.Hostname(), "port": port, "protocol": "http", "secure": address.Scheme == "https",
		"username": options.User, "defaultDatabase": options.Database,
	})
	return &backend.DataSourceInstanceSettings{
		ID: 1, UID: "loanstream", Name: "loanstream", Type: pluginID, Updated: time.Unix(1, 0),
		JSONData: settings, DecryptedSecureJSONData: map[string]string{"password": options.Password},
	}, err
}

func (g *grafana) Health(ctx context.Context) (Health, error) {
	found, err := g.handler.CheckHealth(ctx, &backend.CheckHealthRequest{PluginContext: g.context})
	if err != nil {
		return Health{}, err
	}
	return Health{OK: found.Status == backend.HealthStatusOk, Message: found.Message}, nil
}

func (g *grafana) Query(ctx context.Context, query Query) Result {
	written := map[string]any{"rawSql": query.SQL, "format": query.Format, "editorType": "sql"}
	if query.Model != nil {
		written = query.Model
	}
	maps.Copy(written, map[string]any{"refId": "A", "intervalMs": query.IntervalMS, "maxDataPoints": 1000})
	model, err := json.Marshal(written)
	if err != nil {
		return Result{Error: err.Error()}
	}
	asked := backend.DataQuery{
		RefID: "A", JSON: model, MaxDataPoints: 1000,
		Interval:  time.Duration(query.IntervalMS) * time.Millisecond,
		TimeRange: backend.TimeRange{From: query.From, To: query.To},
	}
	response, err := g.handler.QueryData(ctx, &backend.QueryDataRequest{
		PluginContext: g.context, Headers: map[string]string{}, Queries: []backend.DataQuery{asked},
	})
	if err != nil {
		return Result{Error: err.Error()}
	}
	answer := response.Responses["A"]
	if answer.Error != nil {
		return Result{Error: answer.Error.Error()}
	}
	result := Result{Frames: []Frame{}}
	for _, frame := range answer.Frames {
		result.Frames = append(result.Frames, g.frame(frame))
	}
	return result
}

func (g *grafana) Close() { g.close() }

func (g *grafana) frame(from *data.Frame) Frame {
	frame := Frame{Fields: []Field{}, Rows: from.Rows(), First: [][]any{}}
	for _, field := range from.Fields {
		frame.Fields = append(frame.Fields, Field{Name: field.Name, Type: field.Type().ItemTypeString(), Labels: field.Labels})
	}
	for row := 0; row < min(frame.Rows, g.first); row++ {
		values := []any{}
		for _, field := range from.Fields {
			value, there := field.ConcreteAt(row)
			if !there {
				value = nil
			}
			values = append(values, plain(value))
		}
		frame.First = append(frame.First, values)
	}
	return frame
}

// plain is a value that JSON has.
func plain(value any) any {
	switch found := value.(type) {
	case float64:
		if math.IsNaN(found) || math.IsInf(found, 0) {
			return fmt.Sprint(found)
		}
	case json.RawMessage: // the plugin hands an array of bytes out as if it were JSON
		if !json.Valid(found) {
			return fmt.Sprintf("%q", []byte(found))
		}
	case time.Time:
		return found.Format(time.RFC3339Nano)
	}
	return value
}
