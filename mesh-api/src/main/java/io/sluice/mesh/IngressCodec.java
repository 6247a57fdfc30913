package io.sluice.mesh;

import io.sluice.api.resources.v1.IngressBackend;
import io.sluice.api.resources.v1.IngressTlsBackend;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;

/** What IngressBackends and AccessControls let in as messages and back. */
final class IngressCodec {
  static final Codec<Ingress> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Ingress.getDefaultInstance(),
          IngressCodec::message,
          IngressCodec::model);

  private IngressCodec() {}

  private static io.sluice.api.resources.v1.Ingress message(Ingress ingress) {
    return io.sluice.api.resources.v1.Ingress.newBuilder()
        .setNamespace(ingress.name().namespace())
        .setName(ingress.name().name())
        .addAllBackends(
            sorted(ingress, backend -> !ingress.tls().containsKey(backend)).stream()
                .map(backend -> message(backend, ingress.bytes().contains(backend)))
                .toList())
        .addAllTlsBackends(
            sorted(ingress, ingress.tls()::containsKey).stream()
                .map(backend -> {
                  Ingress.Tls tls = Objects.requireNonNull(ingress.tlsOrNull(backend));
                  return IngressTlsBackend.newBuilder()
                      .setBackend(message(backend, ingress.bytes().contains(backend)))
                      .setTakesAnybody(tls.takesAnybody())
                      .addAllHosts(tls.hosts().stream().sorted().toList())
                      .build();
                })
                .toList())
        .addAllSources(WorkloadCodec.ranges(ingress.sources()))
        .addAllRoutes(HttpMatchCodec.messages(ingress.routes().routes()))
        .setAccessControl(ingress.origin() == Ingress.Origin.ACCESS_CONTROL)
        .setAnywhere(ingress.anywhere())
        .addAllPrincipals(ingress.principals().stream().sorted().toList())
        .build();
  }

  private static List<Ingress.Backend> sorted(Ingress ingress, Predicate<Ingress.Backend> wanted) {
    return ingress.backends().stream()
        .filter(wanted)
        .sorted(Comparator.comparing(Ingress.Backend::service).thenComparing(Ingress.Backend::port))
        .toList();
  }

  private static IngressBackend message(Ingress.Backend backend, boolean bytes) {
    return IngressBackend.newBuilder()
        .setService(backend.service().toString())
        .setPort(backend.port())
        .setBytes(bytes)
        .build();
  }

  private static Ingress model(io.sluice.api.resources.v1.Ingress message, Checks checks) {
    Set<Ingress.Backend> bytes = new HashSet<>();
    Map<Ingress.Backend, Ingress.Tls> tls = new HashMap<>();
    Set<Ingress.Backend> backends =
        checks.set(
            "backends",
            message.getBackendsList(),
            WireLimits.BACKENDS,
            written -> backend("backends.port", written, bytes, checks));
    checks.list(
        "tls_backends",
        message.getTlsBackendsList(),
        WireLimits.BACKENDS,
        written -> {
          Ingress.Backend backend =
              backend("tls_backends.port", written.getBackend(), bytes, checks);
          backends.add(backend);
          return tls.put(
              backend,
              new Ingress.Tls(
                  written.getTakesAnybody(),
                  Set.copyOf(
                      checks.list(
                          "tls_backends.hosts",
                          written.getHostsList(),
                          WireLimits.INGRESS_NAMES,
                          host -> host))));
        });
    return new Ingress(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        message.getAccessControl() ? Ingress.Origin.ACCESS_CONTROL : Ingress.Origin.INGRESS_BACKEND,
        backends,
        bytes,
        tls,
        WorkloadCodec.ranges("sources", message.getSourcesList(), checks),
        message.getAnywhere(),
        Set.copyOf(
            checks.list(
                "principals", message.getPrincipalsList(), WireLimits.INGRESS_NAMES, name -> name)),
        new Access.Requests(HttpMatchCodec.models("routes", message.getRoutesList(), checks)));
  }

  private static Ingress.Backend backend(
      String field, IngressBackend written, Set<Ingress.Backend> bytes, Checks checks) {
    Ingress.Backend backend =
        new Ingress.Backend(
            NamespacedName.parse(written.getService()), checks.port(field, written.getPort()));
    if (written.getBytes()) {
      bytes.add(backend);
    }
    return backend;
  }
}
