#include "server/app/security_flags.h"

#include <CLI/CLI.hpp>
#include <string>

namespace weightinit {

void DeclareSecurityFlags(CLI::App* app, SecurityOptions* security) {
  const std::string reloaded = "; read again when it changes";
  app->add_option("--tls-cert", security->tls.cert,
                  "File with the certificate of the server in PEM form, "
                  "followed by those that signed it; with --tls-key all TCP "
                  "addresses speak TLS" +
                      reloaded)
      ->envname("WEIGHTINIT_SERVER_TLS_CERT")
      ->type_name("FILE");
  app->add_option("--tls-key", security->tls.key,
                  "File with the key of the certificate" + reloaded)
      ->envname("WEIGHTINIT_SERVER_TLS_KEY")
      ->type_name("FILE");
  app->add_option("--tls-client-ca", security->tls.client_ca,
                  "File with the certificates that sign those of clients: a "
                  "client needs one" +
                      reloaded)
      ->envname("WEIGHTINIT_SERVER_TLS_CLIENT_CA")
      ->type_name("FILE");
  app->add_option_function<std::string>(
         "--tls-client-certificate",
         [security](const std::string& text) {
           security->client_certificate_optional = text == "optional";
         },
         "With --tls-client-ca: optional lets in clients without a "
         "certificate too, which then need a token of --access-file")
      ->envname("WEIGHTINIT_SERVER_TLS_CLIENT_CERTIFICATE")
      ->check(CLI::IsMember({"required", "optional"}))
      ->default_str("required");
  app->add_option("--access-file", security->access_file,
                  "File with a line NAME ROLES CREDENTIAL for each client that "
                  "may call. Default: everybody may" +
                      reloaded)
      ->envname("WEIGHTINIT_SERVER_ACCESS_FILE")
      ->type_name("FILE");
  app->add_flag("--allow-plaintext-tokens", security->allow_plaintext_tokens,
                "Take tokens without TLS by other addresses than loopback, "
                "where something else encrypts the way here")
      ->envname("WEIGHTINIT_SERVER_ALLOW_PLAINTEXT_TOKENS");
}

}  // namespace weightinit
