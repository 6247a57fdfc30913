package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Validation;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Roots of other meshes in the MeshConfig, and TrafficTargets that name their identities. */
class FederationTest {
  private static final TrustDomain PARTNER = new TrustDomain("partner.example");
  private static final SpiffeId BUYER = new SpiffeId(PARTNER, "shop", "buyer");
  private static final KeyPair KEY = key();
  private static final X509Certificate ROOT = certificate(1, true, Duration.ofDays(1));
  private static final X509Certificate NEXT = certificate(2, true, Duration.ofDays(1));
  private static final X509Certificate ENDED = certificate(3, true, Duration.ofDays(-1));
  private static final X509Certificate THIRDS = certificate(5, true, Duration.ofDays(1), key());
  private static final X509Certificate LEAF = certificate(4, false, Duration.ofDays(1));

  private static KeyPair key() {
    try {
      return Requests.keyPair("secp256r1");
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509Certificate certificate(int number, boolean ca, Duration left) {
    return certificate(number, ca, left, KEY);
  }

  private static X509Certificate certificate(int number, boolean ca, Duration left, KeyPair key) {
    try {
      X500Name name = new X500Name("CN=partner " + number);
      Instant now = Instant.now();
      var builder =
          new JcaX509v3CertificateBuilder(
              name,
              BigInteger.valueOf(number),
              Date.from(now.minus(Duration.ofDays(2))),
              Date.from(now.plus(left)),
              name,
              key.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(ca));
      builder.addExtension(
          Extension.keyUsage,
          true,
          new KeyUsage(ca ? KeyUsage.keyCertSign : KeyUsage.digitalSignature));
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder("SHA256withECDSA").build(key.getPrivate())));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static String pem(X509Certificate... certificates) {
    return new Pem(List.of(certificates), List.of()).text();
  }

  private static String entry(String domain, String bundle) {
    return "{trustDomain: \""
        + domain
        + "\", trustBundle: \""
        + bundle.replace("\n", "\\n")
        + "\"}";
  }

  private static String config(String certificate) {
    return "{apiVersion: config.openservicemesh.io/v1alpha2, kind: MeshConfig, metadata: "
        + "{name: osm-mesh-config, namespace: osm-system}, spec: {certificate: {"
        + certificate
        + "}}}\n";
  }

  private static String federating(String... entries) {
    return config("federatesWith: [" + String.join(", ", entries) + "]");
  }

  private static String target(String sources) {
    return """
    {apiVersion: specs.smi-spec.io/v1alpha4, kind: TCPRoute, metadata: {name: all, namespace: shop}}
    ---
    {apiVersion: access.smi-spec.io/v1alpha3, kind: TrafficTarget,
     metadata: {name: grant, namespace: shop}, spec: {
     destination: {kind: ServiceAccount, name: store}, sources: [%s],
     rules: [{kind: TCPRoute, name: all}]}}
    """
        .formatted(sources);
  }

  @Test
  void theBundlesOfTheMeshConfigAreTheMeshs() {
    Compilation compilation =
        Manifests.compile(
            federating(
                entry("partner.example", "# ours\n" + pem(ROOT, NEXT, ROOT)),
                entry("third.example", pem(THIRDS))));

    assertThat(compilation.snapshot().settings().federated())
        .isEqualTo(
            new FederatedBundles(
                Map.of(
                    PARTNER,
                    List.of(ROOT, NEXT),
                    new TrustDomain("third.example"),
                    List.of(THIRDS))));
    assertThat(compilation.statuses()).isEmpty();
  }

  static Stream<Arguments> unusable() {
    List<String> many = new ArrayList<>();
    for (int i = 0; i <= FederatedBundles.MOST_DOMAINS; i++) {
      many.add(entry("m" + i + ".example", pem(ROOT)));
    }
    String entry = "spec.certificate.federatesWith[0]";
    X509Certificate[] nine =
        Stream.iterate(11, number -> number + 1)
            .limit(9)
            .map(number -> certificate(number, true, Duration.ofDays(1)))
            .toArray(X509Certificate[]::new);
    return Stream.of(
        Arguments.of(
            federating(entry("cluster.local", pem(ROOT))),
            entry + ".trustDomain",
            "trust domain of this mesh",
            "remove the entry"),
        Arguments.of(
            federating(entry("a", pem(ROOT)), entry("a", pem(NEXT))),
            "spec.certificate.federatesWith[1].trustDomain",
            "there twice",
            "one entry"),
        Arguments.of(
            federating(entry("b", pem(THIRDS, NEXT)), entry("a", pem(ROOT))),
            "spec.certificate.federatesWith",
            "the same authority for a and b",
            "remove"),
        Arguments.of(
            federating(entry("Partner", pem(ROOT))), entry + ".trustDomain", "may hold", "name"),
        Arguments.of(
            federating(entry("a", pem(LEAF))), entry + ".trustBundle", "no authority's", "roots"),
        Arguments.of(
            federating(entry("a", pem(ROOT).replace("-----END", "-----"))),
            entry + ".trustBundle",
            "cut off",
            "PEM"),
        Arguments.of(federating(entry("a", "nothing")), entry + ".trustBundle", "0", "PEM"),
        Arguments.of(
            federating(entry("a", new Pem(List.of(ROOT), List.of(KEY.getPrivate())).text())),
            entry + ".trustBundle",
            "private key",
            "roots"),
        Arguments.of(federating(entry("a", pem(nine))), entry + ".trustBundle", "9", "1 to 8"),
        Arguments.of(federating("{trustDomain: a}"), entry + ".trustBundle", "missing", "add it"),
        Arguments.of(
            federating(many.toArray(String[]::new)),
            "spec.certificate.federatesWith",
            "17 trust domains; at most 16",
            "remove"));
  }

  /** An object that cannot be read leaves what its source had before in force. */
  @ParameterizedTest
  @MethodSource("unusable")
  void oneEntryThatCannotBeUsedMakesTheObjectUnusable(
      String config, String field, String wrong, String mend) {
    var read = ObjectReader.read("config.yaml", config.getBytes(StandardCharsets.UTF_8));

    assertThat(read.objects()).isEmpty();
    assertThat(read.problems())
        .extracting(Problem::toString)
        .anySatisfy(problem -> assertThat(problem).contains(field, wrong, mend));
    assertThat(errors(config)).isNotEmpty();
  }

  @Test
  void aCertificateThatHasEndedIsNotToBeWrittenButTakesNothingElseAway() {
    String config = federating(entry("partner.example", pem(ENDED, ROOT)));

    assertThat(errors(config))
        .singleElement()
        .satisfies(finding ->
            assertThat(finding.sentence())
                .contains("spec.certificate.federatesWith", "has ended", "present root"));
    assertThat(errors(federating(entry("partner.example", pem(ROOT))))).isEmpty();
    assertThat(Manifests.compile(config).snapshot().settings().federated().includes(PARTNER))
        .isTrue();
  }

  private static List<Finding> errors(String config) {
    return Validation.ofObjects(
            "config.yaml", config.getBytes(StandardCharsets.UTF_8), CompilerSettings.USUAL)
        .findings()
        .stream()
        .filter(finding -> finding.level() == Finding.Level.ERROR)
        .toList();
  }

  @Test
  void anEntryOfTheDenyListIsOfTheMeshUnlessItNamesAnother() {
    SpiffeId former = new SpiffeId(new TrustDomain("former.example"), "shop", "seller");
    Compilation compilation =
        Manifests.compile(
            config(
                "federatesWith: ["
                    + entry("partner.example", pem(ROOT))
                    + "], deniedIdentities: [\""
                    + BUYER
                    + "\", \""
                    + former
                    + "\"]"));

    assertThat(compilation.snapshot().settings().denied())
        .isEqualTo(new DeniedPeers(Set.of(former), Set.of(BUYER), Set.of()));
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status ->
            assertThat(status.toString()).contains(former.toString(), "own account shop/seller"));
  }

  @Test
  void aTargetLetsInAnIdentityOfAnotherMeshByItsWholeName() {
    Compilation compilation =
        Manifests.compile(
            federating(entry("partner.example", pem(ROOT))), target(principal(BUYER)));

    assertThat(compilation.snapshot().permissions())
        .containsExactly(
            new Permission(
                new NamespacedName("shop", "grant"),
                new NamespacedName("shop", "store"),
                Set.of(),
                Set.of(BUYER),
                Set.of(),
                null));
    assertThat(compilation.statuses()).isEmpty();
  }

  private static String principal(SpiffeId identity) {
    return "{kind: AuthenticatedPrincipal, name: \"" + identity + "\"}";
  }

  static Stream<Arguments> refusedSources() {
    return Stream.of(
        Arguments.of(
            principal(BUYER.in(TrustDomain.CLUSTER_LOCAL)),
            "use kind: ServiceAccount with name: buyer and namespace: shop"),
        Arguments.of(
            "{kind: AuthenticatedPrincipal, namespace: shop, name: \"" + BUYER + "\"}",
            "spec.sources[0].namespace has no meaning"),
        Arguments.of(
            principal(new SpiffeId(PARTNER, "sluice-system", "controller")), "no workload's"));
  }

  @ParameterizedTest
  @MethodSource("refusedSources")
  void aSourceThatIsNoWorkloadOfAnotherMeshGrantsNothing(String source, String said) {
    Compilation compilation =
        Manifests.compile(federating(entry("partner.example", pem(ROOT))), target(source));

    assertThat(compilation.snapshot().permissions()).isEmpty();
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::toString)
        .anySatisfy(status -> assertThat(status).contains(said));
  }

  @Test
  void whatTheMeshConfigSaysOfOtherMeshesReachesTargetsThatAreThereAlready() {
    var compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    compiler.apply(Map.of("t", Manifests.objects("t", target(principal(BUYER)))));
    CompiledChange with =
        compiler.apply(
            Map.of("c", Manifests.objects("c", federating(entry("partner.example", pem(ROOT))))));
    CompiledChange without = compiler.apply(Map.of("c", Collections.emptyList()));
    CompiledChange own =
        compiler.apply(Map.of("c", Manifests.objects("c", config("trustDomain: partner.example"))));

    assertThat(with.statuses()).isEmpty();
    assertThat(without.statuses())
        .extracting(ObjectStatus::toString)
        .anySatisfy(status ->
            assertThat(status).contains("whose roots the mesh does not have", "federatesWith"));
    assertThat(with.snapshot().permissions()).hasSize(1);
    assertThat(own.snapshot().permissions()).as("ours now").isEmpty();
  }
}
