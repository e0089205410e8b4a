// Command example fetches five tensors from a weightinit server, verifies every byte of them,
// and prints the name, the standard deviation and the CRC-32 of each.
package main

//go:generate protoc -I../../../proto --go_out=. --go-grpc_out=. weightinit/v1/model.proto weightinit/v1/tensor.proto weightinit/v1/weight_init_service.proto

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	pb "weightinit-example/weightinit/v1"
)

var requests = []*pb.InitializeTensorRequest{
	{Seed: 42, Tensor: &pb.TensorSpec{Name: "fc1.weight", Shape: []int64{512, 256}, Activation: pb.Activation_ACTIVATION_RELU}},
	{Tensor: &pb.TensorSpec{Name: "cut", Shape: []int64{4096}, Dtype: pb.Dtype_DTYPE_FLOAT64, Scheme: pb.Scheme_SCHEME_TRUNCATED_NORMAL,
		Parameters: &pb.SchemeParameters{Mean: proto.Float64(0.5), Stddev: proto.Float64(0.25), Low: proto.Float64(-1), High: proto.Float64(3)}}},
	{Seed: 42, Tensor: &pb.TensorSpec{Name: "conv.weight", Shape: []int64{32, 16, 3, 3}, Dtype: pb.Dtype_DTYPE_BFLOAT16,
		Scheme: pb.Scheme_SCHEME_XAVIER_UNIFORM}},
	{Tensor: &pb.TensorSpec{Name: "conv3d", Shape: []int64{3, 4, 5, 8, 12}, Activation: pb.Activation_ACTIVATION_RELU,
		Fan: &pb.FanSpec{Layout: pb.Layout_LAYOUT_IN_OUT}}},
	{Tensor: &pb.TensorSpec{Name: "far", Shape: []int64{1 << 20, 1 << 20}, Scheme: pb.Scheme_SCHEME_NORMAL},
		Slice: []*pb.DimensionRange{{Start: 1048571}, {Start: 1048273, Stop: proto.Int64(1048574)}}},
}

// fetch returns what the server says of the tensor, and its bytes: little-endian, row-major.
func fetch(client pb.WeightInitServiceClient, request *pb.InitializeTensorRequest) (*pb.TensorDescription, []byte, error) {
	stream, err := client.InitializeTensor(context.Background(), request)
	if err != nil {
		return nil, nil, err
	}
	var description *pb.TensorDescription
	var trailer *pb.TensorTrailer
	var data []byte
	var elements int64
	for response, err := stream.Recv(); err != io.EOF; response, err = stream.Recv() {
		if err != nil {
			return nil, nil, err
		}
		switch part := response.Part.(type) {
		case *pb.InitializeTensorResponse_Header:
			description = part.Header.Description
		case *pb.InitializeTensorResponse_Chunk:
			if part.Chunk.FirstElement != elements || part.Chunk.Crc32 != crc32.ChecksumIEEE(part.Chunk.Data) {
				return nil, nil, fmt.Errorf("%s: damaged at element %d", description.Name, elements)
			}
			data = append(data, part.Chunk.Data...)
			elements = int64(len(data)) * description.Elements / description.Bytes
		case *pb.InitializeTensorResponse_Trailer:
			trailer = part.Trailer
		}
	}
	if trailer == nil || description.GetElements() != elements || trailer.Elements != elements ||
		trailer.Bytes != int64(len(data)) || trailer.Crc32 != crc32.ChecksumIEEE(data) {
		return nil, nil, fmt.Errorf("%s: incomplete or damaged", request.Tensor.Name)
	}
	return description, data, nil
}

// token goes with every call, over TLS only.
type token string

func (t token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(t)}, nil
}

func (token) RequireTransportSecurity() bool { return true }

// connect uses TLS if WEIGHTINIT_CA names a file of authorities, and the token in WEIGHTINIT_TOKEN.
func connect(address string) (*grpc.ClientConn, error) {
	security := insecure.NewCredentials()
	if ca := os.Getenv("WEIGHTINIT_CA"); ca != "" {
		var err error
		if security, err = credentials.NewClientTLSFromFile(ca, ""); err != nil {
			return nil, err
		}
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(security)}
	if text := os.Getenv("WEIGHTINIT_TOKEN"); text != "" {
		options = append(options, grpc.WithPerRPCCredentials(token(text)))
	}
	return grpc.NewClient(address, options...)
}

func main() {
	connection, err := connect(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for _, request := range requests {
		description, data, err := fetch(pb.NewWeightInitServiceClient(connection), request)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %.6f %08x\n", description.Name, description.Stddev, crc32.ChecksumIEEE(data))
	}
}
