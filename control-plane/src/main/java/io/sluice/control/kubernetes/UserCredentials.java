package io.sluice.control.kubernetes;

import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.api.model.AuthInfoBuilder;
import io.fabric8.kubernetes.client.OAuthTokenProvider;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.kubernetes.KubeconfigField.Found;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * How a user of a kubeconfig proves itself, in words that the library has.
 *
 * @param user without files and without a plug-in
 * @param tokens asked for each request, where a plug-in gives tokens
 */
record UserCredentials(AuthInfo user, Optional<OAuthTokenProvider> tokens) {

  /** Reads files, and runs the plug-in where nothing else is given. */
  static UserCredentials of(AuthInfo written, KubeconfigField field) {
    AuthInfo user = new AuthInfoBuilder(written).withExec(null).build();
    Optional<Found<Pem>> certificate =
        field.pem(
            "client-certificate",
            written.getClientCertificateData(),
            written.getClientCertificate());
    Optional<Found<Pem>> key =
        field.pem("client-key", written.getClientKeyData(), written.getClientKey());
    user.setClientCertificate(null);
    user.setClientKey(null);
    if (certificate.isPresent() || key.isPresent()) {
      put(
          certificate.orElseThrow(
              () -> field.at("client-certificate").wrong("is missing", "it goes with client-key")),
          key.orElseThrow(
              () -> field.at("client-key").wrong("is missing", "it goes with client-certificate")),
          user);
    }
    if (written.getExec() == null || hasToken(written) || certificate.isPresent()) {
      return new UserCredentials(user, Optional.empty());
    }
    CredentialPlugin plugin = new CredentialPlugin(written.getExec(), field.at("exec"));
    CredentialPlugin.Answer answer = plugin.run();
    if (!answer.certificate().isEmpty()) {
      KubeconfigField status = field.at("exec");
      put(
          new Found<>(status.pem(answer.certificate()), status),
          new Found<>(status.pem(answer.key()), status),
          user);
    }
    return new UserCredentials(
        user, answer.token().isEmpty() ? Optional.empty() : Optional.of(plugin::token));
  }

  private static boolean hasToken(AuthInfo user) {
    return user.getToken() != null && !user.getToken().isEmpty();
  }

  private static void put(Found<Pem> certificate, Found<Pem> key, AuthInfo user) {
    if (certificate.value().certificates().isEmpty()) {
      throw certificate.field().wrong("holds no certificate", "put the user's there, in PEM");
    }
    if (key.value().keys().size() != 1) {
      throw key.field()
          .wrong(
              "holds " + key.value().keys().size() + " private keys",
              "put the one of the certificate there, in PEM");
    }
    user.setClientCertificateData(encoded(new Pem(certificate.value().certificates(), List.of())));
    user.setClientKeyData(encoded(new Pem(List.of(), key.value().keys())));
  }

  private static String encoded(Pem pem) {
    return Base64.getEncoder().encodeToString(pem.text().getBytes(StandardCharsets.US_ASCII));
  }
}
