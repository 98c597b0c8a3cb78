package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var compressions = map[string]clickhouse.CompressionMethod{
	"none": clickhouse.CompressionNone, "lz4": clickhouse.CompressionLZ4, "zstd": clickhouse.CompressionZSTD,
	"gzip": clickhouse.CompressionGZIP, "deflate": clickhouse.CompressionDeflate,
}

func driverOptions(options Options, address *url.URL) (*clickhouse.Options, error) {
	method, known := compressions[options.Compression]
	if !known {
		return nil, fmt.Errorf("-compression is none of none, gzip, deflate, lz4, zstd")
	}
	return &clickhouse.Options{
		Addr:        []string{address.Host},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Database: options.Database, Username: options.User, Password: options.Password},
		Compression: &clickhouse.Compression{Method: method},
		DialTimeout: 10 * time.Second,
		ReadTimeout: options.Timeout,
	}, nil
}

// bare is the driver alone; macros are not for it.
type bare struct {
	connection driver.Conn
	first      int
}

func openDriver(options Options, address *url.URL) (Backend, error) {
	asked, err := driverOptions(options, address)
	if err != nil {
		return nil, err
	}
	connection, err := clickhouse.Open(asked)
	if err != nil {
		return nil, err
	}
	return &bare{connection, options.FirstRows}, nil
}

func (b *bare) Health(ctx context.Context) (Health, error) {
	if err := b.connection.Ping(ctx); err != nil {
		return Health{Message: err.Error()}, nil
	}
	version, err := b.connection.ServerVersion()
	if err != nil {
		return Health{Message: err.Error()}, nil
	}
	return Health{OK: true, Message: version.String()}, nil
}

func (b *bare) Query(ctx context.Context, query Query) Result {
	rows, err := b.connection.Query(ctx, query.SQL)
	if err != nil {
		return Result{Error: err.Error()}
	}
	defer rows.Close()
	frame := Frame{Fields: []Field{}, First: [][]any{}}
	for _, column := range rows.ColumnTypes() {
		frame.Fields = append(frame.Fields, Field{Name: column.Name(), Type: column.DatabaseTypeName()})
	}
	for rows.Next() {
		values, err := scanned(rows)
		if err != nil {
			return Result{Error: err.Error()}
		}
		if frame.Rows < b.first {
			frame.First = append(frame.First, values)
		}
		frame.Rows++
	}
	if err := rows.Err(); err != nil {
		return Result{Error: err.Error(), Frames: []Frame{frame}}
	}
	return Result{Frames: []Frame{frame}}
}

func (b *bare) Close() { _ = b.connection.Close() }

// scanned is one row, each value read as the type that the driver has for its column.
func scanned(rows driver.Rows) ([]any, error) {
	targets := []any{}
	for _, column := range rows.ColumnTypes() {
		targets = append(targets, reflect.New(column.ScanType()).Interface())
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	values := []any{}
	for _, target := range targets {
		value := reflect.ValueOf(target)
		for value.Kind() == reflect.Pointer && !value.IsNil() {
			if _, says := value.Interface().(json.Marshaler); says {
				break
			}
			value = value.Elem()
		}
		values = append(values, plain(value.Interface()))
	}
	return values, nil
}
