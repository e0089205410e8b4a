// Checks configurations with the types of the programs that read them: an Envoy's with
// its protos and their rules, a Compose file with Compose's own loader, a ServiceMonitor
// with the types of the Prometheus operator.
//
// usage: weightinit-deploy-tools envoy|compose|service-monitor FILE
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"

	// The types that docker/envoy.yaml names.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_web/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/resource_monitors/downstream_connections/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

// validate applies the rules of a message's fields, and those of what it packs.
func validate(message proto.Message) error {
	if rules, ok := message.(interface{ ValidateAll() error }); ok {
		if err := rules.ValidateAll(); err != nil {
			return err
		}
	}
	return protorange.Range(message.ProtoReflect(), func(path protopath.Values) error {
		inner, ok := path.Index(-1).Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		packed, ok := inner.Interface().(*anypb.Any)
		if !ok {
			return nil
		}
		unpacked, err := packed.UnmarshalNew()
		if err != nil {
			return err
		}
		if err := validate(unpacked); err != nil {
			return fmt.Errorf("%s: %w", path.Path, err)
		}
		return nil
	})
}

func checkEnvoy(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	json, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	var config bootstrap.Bootstrap
	if err := protojson.Unmarshal(json, &config); err != nil {
		return err
	}
	return validate(&config)
}

func checkCompose(file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithProfiles([]string{"*"}))
	if err != nil {
		return err
	}
	_, err = options.LoadProject(context.Background())
	return err
}

func checkServiceMonitor(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var monitor monitoring.ServiceMonitor
	return yaml.UnmarshalStrict(text, &monitor)
}

func main() {
	checks := map[string]func(string) error{
		"envoy": checkEnvoy, "compose": checkCompose, "service-monitor": checkServiceMonitor,
	}
	if len(os.Args) != 3 || checks[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: weightinit-deploy-tools envoy|compose|service-monitor FILE")
		os.Exit(2)
	}
	if err := checks[os.Args[1]](os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[2], err)
		os.Exit(1)
	}
}
