package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os/exec"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// An answer may be larger than gRPC's default of 4 MiB; Grafana allows 16.
const mostBytes = 16 << 20

// remote is a plugin in a process of its own, spoken to over gRPC.
type remote struct {
	data        grpcplugin.DataClient
	diagnostics grpcplugin.DiagnosticsClient
}

// openPlugin starts the plugin's executable and shakes hands with it.
func openPlugin(options Options, address *url.URL) (Backend, error) {
	source, err := dataSource(options, address)
	if err != nil {
		return nil, err
	}
	client := goplugin.NewClient(&goplugin.ClientConfig{
		Cmd: exec.Command(options.Plugin),
		HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion:  grpcplugin.ProtocolVersion,
			MagicCookieKey:   grpcplugin.MagicCookieKey,
			MagicCookieValue: grpcplugin.MagicCookieValue,
		},
		VersionedPlugins: map[int]goplugin.PluginSet{grpcplugin.ProtocolVersion: {
			"data": &grpcplugin.DataGRPCPlugin{}, "diagnostics": &grpcplugin.DiagnosticsGRPCPlugin{},
		}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		GRPCDialOptions:  []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(mostBytes))},
		Logger:           hclog.New(&hclog.LoggerOptions{Output: io.Discard}),
	})
	protocol, err := client.Client()
	if err != nil {
		client.Kill()
		return nil, fmt.Errorf("the plugin's executable does not start: %w", err)
	}
	var found remote
	stop := client.Kill
	for name, set := range map[string]func(any) bool{
		"data":        func(client any) (is bool) { found.data, is = client.(grpcplugin.DataClient); return },
		"diagnostics": func(client any) (is bool) { found.diagnostics, is = client.(grpcplugin.DiagnosticsClient); return },
	} {
		client, err := protocol.Dispense(name)
		if err != nil || !set(client) {
			stop()
			return nil, fmt.Errorf("the plugin does not serve %s", name)
		}
	}
	return &grafana{
		handler: &found, first: options.FirstRows, close: stop,
		context: backend.PluginContext{OrgID: 1, PluginID: pluginID, DataSourceInstanceSettings: source},
	}, nil
}

func (r *remote) CheckHealth(ctx context.Context, asked *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	wire := &pluginv2.CheckHealthRequest{PluginContext: backend.ToProto().PluginContext(asked.PluginContext)}
	found, err := r.diagnostics.CheckHealth(ctx, wire)
	if err != nil {
		return nil, err
	}
	return backend.FromProto().CheckHealthResponse(found), nil
}

func (r *remote) QueryData(ctx context.Context, asked *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	found, err := r.data.QueryData(ctx, backend.ToProto().QueryDataRequest(asked))
	if err != nil {
		return nil, err
	}
	return backend.FromProto().QueryDataResponse(found)
}
