fn main() -> Result<(), std::io::Error> {
    let protos = "../../../proto";
    let service = format!("{protos}/weightinit/v1/weight_init_service.proto");
    tonic_prost_build::configure()
        .build_server(false)
        .compile_protos(&[service], &[protos.to_string()])
}
