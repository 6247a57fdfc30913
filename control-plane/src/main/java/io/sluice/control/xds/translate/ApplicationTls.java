package io.sluice.control.xds.translate;

import com.google.protobuf.Any;
import io.sluice.api.envoy.core.TransportSocket;
import io.sluice.api.envoy.matcher.StringMatcher;
import io.sluice.api.envoy.tls.CertificateProviderPluginInstance;
import io.sluice.api.envoy.tls.CertificateValidationContext;
import io.sluice.api.envoy.tls.CommonTlsContext;
import io.sluice.api.envoy.tls.UpstreamTlsContext;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Mutual TLS that the application behind a port speaks itself, with certificates of the mesh. What
 * nodes do between them is not told here: it wraps connections of any kind, and an application's
 * own socket must not speak it.
 */
final class ApplicationTls {
  private ApplicationTls() {}

  /** For ports of protocol TLS, where the client says that it has certificates. */
  static Optional<TransportSocket> of(
      String certificateProvider,
      AppProtocol protocol,
      MeshSnapshot snapshot,
      Set<TrustDomain> domains,
      List<Endpoint> endpoints) {
    NavigableSet<String> identities = new TreeSet<>();
    for (Endpoint endpoint : endpoints) {
      snapshot
          .workloadAt(endpoint.address().getAddress())
          .map(Workload::identity)
          .ifPresent(identity ->
              domains.forEach(domain -> identities.add(identity.in(domain).toString())));
    }
    return certificateProvider.isEmpty() || protocol != AppProtocol.TLS || identities.isEmpty()
        ? Optional.empty()
        : Optional.of(socket(certificateProvider, identities));
  }

  /** An endpoint proves one of {@code identities}, or the handshake fails. */
  private static TransportSocket socket(
      String certificateProvider, NavigableSet<String> identities) {
    CertificateProviderPluginInstance provider =
        CertificateProviderPluginInstance.newBuilder().setInstanceName(certificateProvider).build();
    CertificateValidationContext.Builder validation =
        CertificateValidationContext.newBuilder().setCaCertificateProviderInstance(provider);
    for (String identity : identities) {
      validation.addMatchSubjectAltNames(StringMatcher.newBuilder().setExact(identity));
    }
    UpstreamTlsContext context =
        UpstreamTlsContext.newBuilder()
            .setCommonTlsContext(
                CommonTlsContext.newBuilder()
                    .setTlsCertificateProviderInstance(provider)
                    .setValidationContext(validation))
            .build();
    return TransportSocket.newBuilder()
        .setName("envoy.transport_sockets.tls")
        .setTypedConfig(Any.pack(context))
        .build();
  }
}
