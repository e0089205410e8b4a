//! Fetches five tensors from a weightinit server, verifies every byte of them, and prints the
//! name, the standard deviation and the CRC-32 of each.

use std::error::Error;
use tonic::Request;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

mod proto {
    tonic::include_proto!("weightinit.v1");
}
use proto::initialize_tensor_response::Part;
use proto::weight_init_service_client::WeightInitServiceClient as Client;
use proto::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: example HOST:PORT")?;
    let mut client = Client::new(connect(&address).await?);
    for request in requests() {
        let (description, data) = fetch(&mut client, request).await?;
        let crc32 = crc32fast::hash(&data);
        println!("{} {:.6} {crc32:08x}", description.name, description.stddev);
    }
    Ok(())
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Uses TLS if WEIGHTINIT_CA names a file of authorities.
async fn connect(address: &str) -> Result<Channel, Box<dyn Error>> {
    let Some(ca) = environment("WEIGHTINIT_CA") else {
        return Ok(Endpoint::new(format!("http://{address}"))?.connect().await?);
    };
    let authorities = Certificate::from_pem(std::fs::read(ca)?);
    let tls = ClientTlsConfig::new().ca_certificate(authorities);
    let endpoint = Endpoint::new(format!("https://{address}"))?.tls_config(tls)?;
    Ok(endpoint.connect().await?)
}

/// With the token in WEIGHTINIT_TOKEN, over TLS only.
fn authorized<T>(message: T) -> Result<Request<T>, Box<dyn Error>> {
    let mut request = Request::new(message);
    if let (Some(token), Some(_)) = (environment("WEIGHTINIT_TOKEN"), environment("WEIGHTINIT_CA"))
    {
        let value = format!("Bearer {token}").parse()?;
        request.metadata_mut().insert("authorization", value);
    }
    Ok(request)
}

/// What the server says of the tensor, and its bytes: little-endian, row-major.
async fn fetch(
    client: &mut Client<Channel>,
    request: InitializeTensorRequest,
) -> Result<(TensorDescription, Vec<u8>), Box<dyn Error>> {
    let mut stream = client.initialize_tensor(authorized(request)?).await?.into_inner();
    let (mut description, mut trailer) = (TensorDescription::default(), None);
    let (mut data, mut elements) = (Vec::new(), 0);
    while let Some(response) = stream.message().await? {
        match response.part {
            Some(Part::Header(part)) => description = part.description.unwrap_or_default(),
            Some(Part::Chunk(part)) => {
                if part.first_element != elements || part.crc32 != crc32fast::hash(&part.data) {
                    let name = description.name;
                    return Err(format!("{name}: damaged at element {elements}").into());
                }
                data.extend_from_slice(&part.data);
                elements = data.len() as i64 * description.elements / description.bytes;
            }
            Some(Part::Trailer(part)) => trailer = Some(part),
            None => {}
        }
    }
    let (bytes, crc32) = (data.len() as i64, crc32fast::hash(&data));
    let delivered = TensorTrailer { elements, bytes, crc32 };
    if description.elements != elements || trailer != Some(delivered) {
        return Err(format!("{}: incomplete or damaged", description.name).into());
    }
    Ok((description, data))
}

#[rustfmt::skip]
fn requests() -> [InitializeTensorRequest; 5] {
    let tensor = |name: &str, shape: &[i64]| TensorSpec { name: name.into(), shape: shape.into(), ..Default::default() };
    let request = |seed, tensor| InitializeTensorRequest { seed, tensor: Some(tensor), ..Default::default() };
    let cut = SchemeParameters { mean: Some(0.5), stddev: Some(0.25), low: Some(-1.0), high: Some(3.0), ..Default::default() };
    let in_out = FanSpec { layout: Layout::InOut.into(), ..Default::default() };
    [
        request(42, TensorSpec { activation: Activation::Relu.into(), ..tensor("fc1.weight", &[512, 256]) }),
        request(0, TensorSpec { scheme: Scheme::TruncatedNormal.into(), parameters: Some(cut), dtype: Dtype::Float64.into(), ..tensor("cut", &[4096]) }),
        request(42, TensorSpec { scheme: Scheme::XavierUniform.into(), dtype: Dtype::Bfloat16.into(), ..tensor("conv.weight", &[32, 16, 3, 3]) }),
        request(0, TensorSpec { activation: Activation::Relu.into(), fan: Some(in_out), ..tensor("conv3d", &[3, 4, 5, 8, 12]) }),
        InitializeTensorRequest {
            slice: vec![DimensionRange { start: 1048571, stop: None }, DimensionRange { start: 1048273, stop: Some(1048574) }],
            ..request(0, TensorSpec { scheme: Scheme::Normal.into(), ..tensor("far", &[1 << 20, 1 << 20]) })
        },
    ]
}
