// Fetches five tensors from a weightinit server, verifies every byte of them, and prints the name, the standard
// deviation and the CRC-32 of each.

import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { type ChannelCredentials, credentials, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { ProtoGrpcType } from "./generated/weight_init_service.js";
import type { InitializeTensorRequest } from "./generated/weightinit/v1/InitializeTensorRequest.js";
import type { InitializeTensorResponse__Output as Response } from "./generated/weightinit/v1/InitializeTensorResponse.js";
import type { TensorDescription__Output as TensorDescription } from "./generated/weightinit/v1/TensorDescription.js";
import type { TensorTrailer__Output as TensorTrailer } from "./generated/weightinit/v1/TensorTrailer.js";
import type { WeightInitServiceClient as Client } from "./generated/weightinit/v1/WeightInitService.js";

const requests: InitializeTensorRequest[] = [
  { seed: 42, tensor: { name: "fc1.weight", shape: [512, 256], activation: "ACTIVATION_RELU" } },
  {
    tensor: {
      name: "cut",
      shape: [4096],
      dtype: "DTYPE_FLOAT64",
      scheme: "SCHEME_TRUNCATED_NORMAL",
      parameters: { mean: 0.5, stddev: 0.25, low: -1, high: 3 },
    },
  },
  {
    seed: 42,
    tensor: { name: "conv.weight", shape: [32, 16, 3, 3], dtype: "DTYPE_BFLOAT16", scheme: "SCHEME_XAVIER_UNIFORM" },
  },
  {
    tensor: {
      name: "conv3d",
      shape: [3, 4, 5, 8, 12],
      activation: "ACTIVATION_RELU",
      fan: { layout: "LAYOUT_IN_OUT" },
    },
  },
  {
    tensor: { name: "far", shape: [2 ** 20, 2 ** 20], scheme: "SCHEME_NORMAL" },
    slice: [{ start: 1048571 }, { start: 1048273, stop: 1048574 }],
  },
];

// What the server says of the tensor, and its bytes: little-endian, row-major.
async function fetchTensor(client: Client, request: InitializeTensorRequest): Promise<[TensorDescription, Buffer]> {
  let description: TensorDescription | undefined;
  let trailer: TensorTrailer | undefined;
  let elements = 0;
  const chunks: Buffer[] = [];
  for await (const part of client.initializeTensor(request) as AsyncIterable<Response>) {
    if (part.header?.description) {
      description = part.header.description;
    } else if (part.chunk && description) {
      const { first_element, data } = part.chunk;
      if (first_element !== elements || part.chunk.crc32 !== crc32(data)) {
        throw new Error(`${description.name}: damaged at element ${elements}`);
      }
      chunks.push(data);
      elements += (data.length * description.elements) / description.bytes;
    } else if (part.trailer) {
      trailer = part.trailer;
    }
  }
  const data = Buffer.concat(chunks);
  const complete = trailer?.elements === elements && trailer.bytes === data.length && trailer.crc32 === crc32(data);
  if (!complete || description?.elements !== elements) {
    throw new Error(`${request.tensor?.name}: incomplete or damaged`);
  }
  return [description, data];
}

// TLS if WEIGHTINIT_CA names a file of authorities, and over it the token in WEIGHTINIT_TOKEN.
function channelCredentials(): ChannelCredentials {
  const { WEIGHTINIT_CA: ca, WEIGHTINIT_TOKEN: token } = process.env;
  if (!ca) return credentials.createInsecure();
  const tls = credentials.createSsl(readFileSync(ca));
  if (!token) return tls;
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return tls.compose(credentials.createFromMetadataGenerator((_, done) => done(null, metadata)));
}

const options = { keepCase: true, longs: Number, enums: String, defaults: true, includeDirs: ["../../../proto"] };
const definition = loadSync("weightinit/v1/weight_init_service.proto", options);
const { weightinit } = loadPackageDefinition(definition) as unknown as ProtoGrpcType;
const client = new weightinit.v1.WeightInitService(process.argv[2] ?? "127.0.0.1:50051", channelCredentials());
for (const request of requests) {
  const [{ name, stddev }, data] = await fetchTensor(client, request);
  console.log(name, stddev.toFixed(6), crc32(data).toString(16).padStart(8, "0"));
}
client.close();
