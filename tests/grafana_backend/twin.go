package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/data/sqlutil"
	"github.com/grafana/sqlds/v5"
	"github.com/shopspring/decimal"
)

// twin is a data source on the plugin's own libraries: Grafana's sqlds runs the queries, clickhouse-go speaks HTTP with
// gzip, as the plugin has it. The macros are ours, after the plugin's documentation.
type twin struct {
	options *clickhouse.Options
	timeout time.Duration
}

func openTwin(options Options, address *url.URL) (Backend, error) {
	source, err := dataSource(options, address)
	if err != nil {
		return nil, err
	}
	options.Compression = "gzip"
	asked, err := driverOptions(options, address)
	if err != nil {
		return nil, err
	}
	made, err := sqlds.NewDatasource(&twin{asked, options.Timeout}).NewDatasource(context.Background(), *source)
	if err != nil {
		return nil, err
	}
	found, is := made.(handler)
	if !is {
		return nil, fmt.Errorf("sqlds makes no backend any more")
	}
	return &grafana{
		handler: found, first: options.FirstRows, close: func() {},
		context: backend.PluginContext{OrgID: 1, PluginID: pluginID, DataSourceInstanceSettings: source},
	}, nil
}

func (t *twin) Connect(context.Context, backend.DataSourceInstanceSettings, json.RawMessage) (*sql.DB, error) {
	return clickhouse.OpenDB(t.options), nil
}

func (t *twin) Settings(context.Context, backend.DataSourceInstanceSettings) sqlds.DriverSettings {
	return sqlds.DriverSettings{Timeout: t.timeout, FillMode: &data.FillMissing{Mode: data.FillModeNull}}
}

// Converters are for the types that sqlds has no frame's field for.
func (t *twin) Converters() []sqlutil.Converter {
	anything := reflect.TypeOf((*any)(nil)).Elem()
	exact := reflect.TypeOf((*decimal.Decimal)(nil))
	return []sqlutil.Converter{
		converter("decimal", `^Decimal`, exact, data.FieldTypeNullableFloat64, number),
		converter("no decimal", `^Nullable\(Decimal`, reflect.PointerTo(exact), data.FieldTypeNullableFloat64, number),
		converter(
			"text or none", `^(LowCardinality\()?Nullable\((String|FixedString|Enum(8|16)?)\b`,
			anything, data.FieldTypeNullableString, optional[string],
		),
		converter(
			"number or none", `^(LowCardinality\()?Nullable\((U?Int(8|16|32|64)|Float(32|64))\)`,
			anything, data.FieldTypeNullableFloat64, optional[float64],
		),
		converter("yes, no or none", `^Nullable\(Bool\)`, anything, data.FieldTypeNullableBool, optional[bool]),
		converter("moment or none", `^Nullable\(Date`, anything, data.FieldTypeNullableTime, optional[time.Time]),
		converter(
			"as JSON", `^(Nullable\()?(Array|Map|Tuple|Nested|Point|JSON|Dynamic|Variant|IPv[46]|U?Int(128|256))\b`,
			anything, data.FieldTypeNullableString, text,
		),
	}
}

func converter(
	name, types string, scanned reflect.Type, field data.FieldType, convert func(any) (any, error),
) sqlutil.Converter {
	return sqlutil.Converter{
		Name: name, InputTypeRegex: regexp.MustCompile(types), InputScanType: scanned,
		FrameConverter: sqlutil.FrameConverter{FieldType: field, ConverterFunc: convert},
	}
}

func number(value any) (any, error) {
	if found, is := value.(**decimal.Decimal); is {
		if *found == nil {
			return (*float64)(nil), nil
		}
		value = *found
	}
	found, is := value.(*decimal.Decimal)
	if !is {
		return nil, fmt.Errorf("%T is no decimal", value)
	}
	near, _ := found.Float64()
	return &near, nil
}

// given is what stands behind a nullable value of the driver: a pointer in an interface; nothing where it is NULL.
func given(value any) (reflect.Value, bool) {
	found := reflect.ValueOf(value)
	for found.Kind() == reflect.Pointer || found.Kind() == reflect.Interface {
		if found.IsNil() {
			return found, false
		}
		found = found.Elem()
	}
	return found, found.IsValid()
}

func optional[T any](value any) (any, error) {
	found, there := given(value)
	if !there {
		return (*T)(nil), nil
	}
	wanted := reflect.TypeFor[T]()
	if !found.CanConvert(wanted) {
		return nil, fmt.Errorf("%s is no %s", found.Type(), wanted)
	}
	converted, is := found.Convert(wanted).Interface().(T)
	if !is {
		return nil, fmt.Errorf("%s is no %s", found.Type(), wanted)
	}
	return &converted, nil
}

func text(value any) (any, error) {
	encoded, err := json.Marshal(value)
	written := string(encoded)
	return &written, err
}

// macro writes a macro's text; its arguments are counted before.
type macro struct {
	arguments int
	write     func(query *sqlutil.Query, arguments []string) string
}

func seconds(moment time.Time) string { return fmt.Sprintf("toDateTime(%d)", moment.Unix()) }
func milliseconds(moment time.Time) string {
	return fmt.Sprintf("fromUnixTimestamp64Milli(%d)", moment.UnixMilli())
}
func date(moment time.Time) string { return "toDate('" + moment.Format(time.DateOnly) + "')" }

func between(write func(time.Time) string, query *sqlutil.Query, column string) string {
	return fmt.Sprintf("%s >= %s AND %s <= %s", column, write(query.TimeRange.From), column, write(query.TimeRange.To))
}

func bucket(column string, length time.Duration) string {
	return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL %d second)", column, max(int64(length.Seconds()), 1))
}

// macros are those of the plugin that rewrite one place of a statement.
var macros = map[string]macro{
	"timeFilter":    {1, func(q *sqlutil.Query, a []string) string { return between(seconds, q, a[0]) }},
	"timeFilter_ms": {1, func(q *sqlutil.Query, a []string) string { return between(milliseconds, q, a[0]) }},
	"dateFilter":    {1, func(q *sqlutil.Query, a []string) string { return between(date, q, a[0]) }},
	"dateTimeFilter": {2, func(q *sqlutil.Query, a []string) string {
		return fmt.Sprintf("(%s) AND (%s)", between(date, q, a[0]), between(seconds, q, a[1]))
	}},
	"fromTime":     {0, func(q *sqlutil.Query, _ []string) string { return seconds(q.TimeRange.From) }},
	"toTime":       {0, func(q *sqlutil.Query, _ []string) string { return seconds(q.TimeRange.To) }},
	"fromTime_ms":  {0, func(q *sqlutil.Query, _ []string) string { return milliseconds(q.TimeRange.From) }},
	"toTime_ms":    {0, func(q *sqlutil.Query, _ []string) string { return milliseconds(q.TimeRange.To) }},
	"timeFrom":     {1, func(q *sqlutil.Query, a []string) string { return a[0] + " >= " + seconds(q.TimeRange.From) }},
	"timeTo":       {1, func(q *sqlutil.Query, a []string) string { return a[0] + " <= " + seconds(q.TimeRange.To) }},
	"timeInterval": {1, func(q *sqlutil.Query, a []string) string { return bucket(a[0], q.Interval) }},
	"timeInterval_ms": {1, func(q *sqlutil.Query, a []string) string {
		length := max(q.Interval.Milliseconds(), 1)
		return fmt.Sprintf("toStartOfInterval(toDateTime64(%s, 3), INTERVAL %d millisecond)", a[0], length)
	}},
	"interval_s": {0, func(q *sqlutil.Query, _ []string) string {
		return fmt.Sprint(max(int64(q.Interval.Seconds()), 1))
	}},
}

func (t *twin) Macros() sqlds.Macros {
	made := sqlds.Macros{}
	for name, macro := range macros {
		made[name] = func(query *sqlutil.Query, arguments []string) (string, error) {
			if len(arguments) == 1 && strings.TrimSpace(arguments[0]) == "" {
				arguments = nil
			}
			if len(arguments) != macro.arguments {
				return "", fmt.Errorf("$__%s has %d arguments, expected %d", name, len(arguments), macro.arguments)
			}
			return macro.write(query, arguments), nil
		}
	}
	return made
}
