package io.sluice.control.compile;

import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.control.objects.AccessCert;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.ObjectMeta;
import io.sluice.control.objects.Rfc1123;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which certificates clients outside the mesh get: that of the MeshConfig's ingress, and those of
 * AccessCerts. A name is one client's alone, and a Secret has one certificate; the ingress comes
 * first, then the older AccessCert.
 */
record CertificateCompiler(TrustDomain trustDomain, Statuses statuses) {
  /** Of one certificate; they fit into a line of the journal. */
  static final int MOST_NAMES = 8;

  /** AccessCerts of a mesh. */
  static final int MOST = 256;

  /** AccessCerts of a namespace. */
  static final int MOST_OF_ONE = 32;

  private static final String GATEWAY = "spec.certificate.ingressGateway";
  private static final String NAMES = "subjectAltNames";

  /** That of the ingress; null where the MeshConfig in force asks for none that can be issued. */
  static @Nullable OutsideCertificate ofGateway(MeshConfig config, Statuses statuses) {
    MeshConfig.GatewayFields fields = config.gatewayOrNull();
    return fields == null
        ? null
        : new CertificateCompiler(config.trustDomain(), statuses).gateway(config, fields);
  }

  /**
   * All of them.
   *
   * @param gatewayOrNull that of the ingress
   * @param isOn whether AccessCerts are acted on
   */
  static List<OutsideCertificate> all(
      @Nullable OutsideCertificate gatewayOrNull,
      boolean isOn,
      TrustDomain trustDomain,
      Collection<AccessCert> written,
      Statuses statuses) {
    List<OutsideCertificate> found = new ArrayList<>();
    if (gatewayOrNull != null) {
      found.add(gatewayOrNull);
    }
    CertificateCompiler compiler = new CertificateCompiler(trustDomain, statuses);
    written.stream()
        .sorted(
            Comparator.comparing((AccessCert one) -> one.meta().birth())
                .thenComparing(KubernetesObject::ref))
        .forEach(one -> {
          if (isOn) {
            compiler.accessCert(one, found).ifPresent(found::add);
          } else {
            statuses.unusable(
                one,
                "spec.featureFlags.enableAccessCertPolicy of the MeshConfig is not true",
                "set it to true");
          }
        });
    return found;
  }

  /** What is written, where a certificate may live so long. */
  static @Nullable Duration lifetimeOrNull(String written) {
    try {
      Duration lifetime = WrittenDuration.parseGo(written);
      return lifetime.compareTo(CertificateRequest.SHORTEST_LIFETIME) < 0
              || lifetime.compareTo(CertificateRequest.LONGEST_LIFETIME) > 0
          ? null
          : lifetime;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private @Nullable OutsideCertificate gateway(MeshConfig config, MeshConfig.GatewayFields fields) {
    Optional<List<String>> names = names(config, GATEWAY + "." + NAMES, fields.names(), "");
    Duration lifetime = CertificateRequest.DEFAULT_LIFETIME;
    String validity = fields.validityOrNull();
    boolean isWhole = names.isPresent();
    if (validity != null) {
      Duration said = lifetimeOrNull(validity);
      lifetime = said == null ? lifetime : said;
      if (said == null) {
        statuses.warning(
            config,
            GATEWAY + ".validityDuration",
            "'" + validity + "' is no time for which a certificate is issued, so none is",
            "write 1m to 168h, such as 24h");
        isWhole = false;
      }
    }
    if (!Rfc1123.isSubdomain(fields.secretName())
        || !Rfc1123.isSubdomain(fields.secretNamespace())) {
      statuses.warning(
          config,
          GATEWAY + ".secret",
          "names no Secret, so no certificate is issued",
          "write name and namespace");
      isWhole = false;
    }
    return isWhole
        ? new OutsideCertificate(
            config.meta(),
            names.orElseThrow(),
            lifetime,
            new NamespacedName(fields.secretNamespace(), fields.secretName()))
        : null;
  }

  private Optional<OutsideCertificate> accessCert(
      AccessCert written, List<OutsideCertificate> before) {
    ObjectMeta meta = written.meta();
    if (!written.secretNamespace().isEmpty()
        && !written.secretNamespace().equals(meta.namespace())) {
      unusable(
          written,
          "spec.secret.namespace",
          "is " + written.secretNamespace() + ", not " + meta.namespace(),
          "put the AccessCert into the namespace of its Secret");
      return Optional.empty();
    }
    Optional<List<String>> names =
        names(written, "spec." + NAMES, written.names(), meta.namespace());
    if (names.isEmpty()) {
      return Optional.empty();
    }
    if (before.size() >= MOST) {
      unusable(written, "", "there are more than " + MOST + " AccessCerts", "remove some");
      return Optional.empty();
    }
    if (before.stream().filter(one -> isOf(one, meta.namespace())).count() >= MOST_OF_ONE) {
      unusable(
          written,
          "",
          "there are more than " + MOST_OF_ONE + " AccessCerts of namespace " + meta.namespace(),
          "remove some");
      return Optional.empty();
    }
    OutsideCertificate made =
        new OutsideCertificate(
            meta,
            names.get(),
            CertificateRequest.DEFAULT_LIFETIME,
            new NamespacedName(meta.namespace(), written.secretName()));
    Map<String, OutsideCertificate> owners = new HashMap<>();
    before.forEach(one -> one.names().forEach(name -> owners.put(name, one)));
    for (OutsideCertificate other : before) {
      if (other.secret().equals(made.secret())) {
        return taken(written, "spec.secret", "has the certificate of", other);
      }
    }
    for (String name : made.names()) {
      OutsideCertificate other = owners.get(name);
      if (other != null) {
        return taken(written, "spec." + NAMES, name + " is a name of", other);
      }
    }
    if (meta.birth().uid().isEmpty()) {
      statuses.info(written, "a controller on a cluster writes the Secret; elsewhere nobody does");
    }
    return Optional.of(made);
  }

  private static boolean isOf(OutsideCertificate one, String namespace) {
    return !one.owner().ref().kind().equals("MeshConfig")
        && one.owner().namespace().equals(namespace);
  }

  private Optional<OutsideCertificate> taken(
      AccessCert written, String field, String what, OutsideCertificate other) {
    statuses.conflict(
        written,
        Severity.UNUSABLE,
        field,
        what + " " + other.owner().ref(),
        "write another",
        other.owner().ref());
    return Optional.empty();
  }

  /**
   * Those that a client may prove; nothing where one of them is none.
   *
   * @param namespace below which they have to be; empty for every one
   */
  private Optional<List<String>> names(
      KubernetesObject object, String field, List<String> written, String namespace) {
    TreeSet<String> names = new TreeSet<>();
    for (int i = 0; i < written.size(); i++) {
      String name = written.get(i).toLowerCase(Locale.ROOT);
      Optional<String> problem = problem(name, namespace);
      if (problem.isPresent()) {
        unusable(
            object,
            field + "[" + i + "]",
            "'" + written.get(i) + "' " + problem.get() + ", so no certificate is issued",
            "write a DNS name such as gateway."
                + (namespace.isEmpty() ? "ingress" : namespace)
                + "."
                + trustDomain);
        return Optional.empty();
      }
      names.add(name);
    }
    if (names.isEmpty() || names.size() > MOST_NAMES) {
      unusable(
          object,
          field,
          "are " + names.size() + " names, so no certificate is issued",
          "write 1 to " + MOST_NAMES);
      return Optional.empty();
    }
    return Optional.of(List.copyOf(names));
  }

  private Optional<String> problem(String name, String namespace) {
    String ending = "." + trustDomain.name();
    if (name.contains("://")) {
      return Optional.of("is a URI, by which workloads are known");
    }
    if (!Rfc1123.isSubdomain(name) || !name.endsWith(ending)) {
      return Optional.of("is no DNS name below the trust domain " + trustDomain);
    }
    String[] labels = name.substring(0, name.length() - ending.length()).split("\\.");
    String last = labels[labels.length - 1];
    if (last.equals(SystemIdentity.NAMESPACE)) {
      return Optional.of("would pass for a part of the mesh itself");
    }
    if (!namespace.isEmpty() && !last.equals(namespace)) {
      return Optional.of("belongs to namespace " + last + ", by its last label");
    }
    return Optional.empty();
  }

  private void unusable(KubernetesObject object, String field, String reason, String mend) {
    statuses.add(
        object,
        object instanceof MeshConfig ? Severity.WARNING : Severity.UNUSABLE,
        field,
        reason,
        mend);
  }
}
