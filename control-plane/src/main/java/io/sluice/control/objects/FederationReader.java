package io.sluice.control.objects;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.manifest.Fields;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads {@code spec.certificate.federatesWith} of a MeshConfig. One entry that cannot be used makes
 * the whole object unusable, so that what was in force stays: half a list would end connections.
 */
final class FederationReader {
  /** Below {@code spec.certificate}. */
  static final String FIELD = "federatesWith";

  static final String NAME_A_DOMAIN = "write a name such as site-7.example";
  private static final String DOMAIN = "trustDomain";
  private static final String BUNDLE = "trustBundle";

  /** Fields of an entry. */
  static final Set<String> FIELDS = Set.of(DOMAIN, BUNDLE);

  private FederationReader() {}

  /**
   * The bundles; none after a problem was told.
   *
   * @param own the mesh's own trust domain, which no other roots may vouch for
   */
  static FederatedBundles read(Fields certificate, TrustDomain own) {
    Map<TrustDomain, List<X509Certificate>> bundles = new LinkedHashMap<>();
    List<Fields> entries = certificate.objects(FIELD);
    if (entries.size() > FederatedBundles.MOST_DOMAINS) {
      certificate.problem(
          FIELD,
          entries.size() + " trust domains; at most " + FederatedBundles.MOST_DOMAINS,
          "remove those whose workloads do not call this mesh");
      return FederatedBundles.NONE;
    }
    for (Fields entry : entries) {
      Optional<TrustDomain> domain = entry.requiredParsed(DOMAIN, TrustDomain::new, NAME_A_DOMAIN);
      Optional<List<X509Certificate>> roots =
          entry.requiredParsed(
              BUNDLE,
              FederationReader::certificates,
              "write the PEM certificates of the other mesh's roots");
      domain
          .filter(own::equals)
          .ifPresent(_ ->
              entry.problem(
                  DOMAIN,
                  own + " is the trust domain of this mesh, for which its own roots alone vouch",
                  "remove the entry, or name the other mesh's; two meshes need different trust"
                      + " domains: change spec.certificate.trustDomain of one"));
      if (domain.isPresent()
          && roots.isPresent()
          && bundles.put(domain.get(), roots.get()) != null) {
        entry.problem(
            DOMAIN,
            "trust domain " + domain.get() + " is there twice",
            "put all certificates of it into one entry");
      }
    }
    try {
      return new FederatedBundles(bundles);
    } catch (IllegalArgumentException e) {
      certificate.problem(FIELD, String.valueOf(e.getMessage()), "remove some certificates");
      return FederatedBundles.NONE;
    }
  }

  /** Of authorities, each once. */
  static List<X509Certificate> certificates(String text) {
    Pem read;
    try {
      read = Pem.parse(text, "the bundle");
    } catch (AuthorityException e) {
      throw new IllegalArgumentException(e.problem(), e); // keys have no place in it
    }
    if (!read.keys().isEmpty()) {
      throw new IllegalArgumentException(
          "there is a private key in it, which is no secret any more; take it out of use");
    }
    List<X509Certificate> distinct = read.certificates().stream().distinct().toList();
    FederatedBundles.requireAuthorities(distinct);
    return distinct;
  }

  /** Paths of fields that no entry has. */
  static List<String> unknown(Fields certificate) {
    return certificate.objects(FIELD).stream()
        .flatMap(entry -> entry.unknown(FIELDS).stream())
        .toList();
  }
}
