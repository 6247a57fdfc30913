package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Validation;
import io.sluice.mesh.Access;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Roots of other meshes in the MeshConfig, and TrafficTargets that name their identities. */
class FederationTest {
  private static final TrustDomain PARTNER = new TrustDomain("partner.example");
  private static final SpiffeId BUYER = new SpiffeId(PARTNER, "shop", "buyer");
  private static final KeyPair KEY = key("secp256r1");
  private static final X509Certificate ROOT = certificate(1, true, Duration.ofDays(1));
  private static final X509Certificate NEXT = certificate(2, true, Duration.ofDays(1));
  private static final X509Certificate ENDED = certificate(3, true, Duration.ofDays(-1));
  private static final X509Certificate GONE = certificate(5, true, Duration.ofDays(-1));
  private static final X509Certificate LATER =
      Requests.selfSigned(
          KEY,
          "later",
          true,
          Instant.now().plus(Duration.ofDays(1)),
          Instant.now().plus(Duration.ofDays(2)));
  private static final X509Certificate THIRDS =
      certificate(6, true, Duration.ofDays(1), key("secp256r1"));
  private static final X509Certificate LEAF = certificate(4, false, Duration.ofDays(1));

  private static KeyPair key(String algorithm) {
    try {
      return Requests.keyPair(algorithm);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509Certificate certificate(int number, boolean ca, Duration left) {
    return certificate(number, ca, left, KEY);
  }

  private static X509Certificate certificate(int number, boolean ca, Duration left, KeyPair key) {
    Instant now = Instant.now();
    return Requests.selfSigned(
        key, "partner " + number, ca, now.minus(Duration.ofDays(2)), now.plus(left));
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
    CompiledChange compilation =
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
            "two meshes need different trust domains: change spec.certificate.trustDomain of one"),
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
        Arguments.of(
            federating(entry("a", pem(ROOT).replace("MII", "!!!"))),
            entry + ".trustBundle",
            "a block cannot be read",
            "PEM certificates"),
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
        .anySatisfy(
            problem -> assertThat(problem).contains(field, wrong, mend).doesNotContain("keys"));
    assertThat(errors(config)).isNotEmpty();
  }

  @Test
  void aCertificateThatHasEndedIsNotToBeWrittenAloneAndTakesNothingElseAway() {
    String beside = federating(entry("a", pem(THIRDS)), entry("partner.example", pem(ENDED, ROOT)));

    assertThat(errors(federating(entry("partner.example", pem(ENDED)))))
        .singleElement()
        .satisfies(finding ->
            assertThat(finding.sentence())
                .contains("spec.certificate.federatesWith[0]: ", "has ended", "present root"));
    assertThat(findings(beside))
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.level()).isEqualTo(Finding.Level.WARNING);
          assertThat(finding.sentence())
              .contains("spec.certificate.federatesWith[1]: ", "remove the one that has ended");
        });
    assertThat(Manifests.compile(beside).snapshot().settings().federated().includes(PARTNER))
        .isTrue();
  }

  /** Whatever is wrong with what is there already, the rest of the object can be changed. */
  @ParameterizedTest
  @ValueSource(strings = {"ENDED", "WEAK"})
  void anEntryThatIsThereAlreadyDoesNotStopAnUpdate(String wrong) {
    X509Certificate root = wrong.equals("ENDED") ? ENDED : weak();
    String stored = federating(entry("partner.example", pem(root)));
    String changed = stored.replace("spec: {", "spec: {traffic: {enableEgress: true}, ");

    assertThat(update(stored, changed))
        .singleElement()
        .satisfies(finding -> assertThat(finding.level()).isEqualTo(Finding.Level.WARNING));
    assertThat(update(stored, federating(entry("partner.example", pem(root, GONE)))))
        .extracting(Finding::level)
        .contains(Finding.Level.ERROR);
    assertThat(update(stored, federating(entry("other.example", pem(root)))))
        .extracting(Finding::level)
        .containsExactly(Finding.Level.ERROR);
  }

  private static List<Finding> update(String before, String after) {
    return Validation.ofUpdate(
            "config.yaml", bytes(after), bytes(before), CompilerSettings.USUAL, _ -> List.of())
        .findings();
  }

  private static X509Certificate weak() {
    Instant now = Instant.now();
    return Requests.selfSigned(
        key("RSA-1024"), "weak", true, now.minusSeconds(60), now.plusSeconds(3_600));
  }

  static Stream<Arguments> rootsThatProveNobody() {
    Instant now = Instant.now();
    X509Certificate edwards =
        Requests.selfSigned(
            key("Ed25519"), "ed", true, now.minusSeconds(60), now.plusSeconds(3_600));
    return Stream.of(
        Arguments.of(weak(), Finding.Level.ERROR, "none of RSA 2048 to 8192", "such a key"),
        Arguments.of(LATER, Finding.Level.WARNING, "begins at", "keep the present root beside it"),
        Arguments.of(edwards, Finding.Level.WARNING, "Ed25519", "sign with P-256"));
  }

  /** By the rules of the node's judge. */
  @ParameterizedTest
  @MethodSource("rootsThatProveNobody")
  void aRootThatProvesNobodyIsTold(
      X509Certificate root, Finding.Level level, String wrong, String mend) {
    assertThat(findings(federating(entry("partner.example", pem(root)))))
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.level()).isEqualTo(level);
          assertThat(finding.field()).isEqualTo("spec.certificate.federatesWith[0]");
          assertThat(finding.reason()).contains(wrong);
          assertThat(finding.mend()).contains(mend);
        });
  }

  @Test
  void withoutMutualTlsNobodyOfAnotherMeshCanProveWhoHeIs() {
    String config = federating(entry("partner.example", pem(ROOT)));

    assertThat(findings(config.replace("spec: {", "spec: {sidecar: {sidecarDisabledMTLS: true}, ")))
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.level()).isEqualTo(Finding.Level.WARNING);
          assertThat(finding.sentence())
              .contains("spec.certificate.federatesWith: ", "sidecarDisabledMTLS");
        });
  }

  private static List<Finding> errors(String config) {
    return findings(config).stream()
        .filter(finding -> finding.level() == Finding.Level.ERROR)
        .toList();
  }

  private static List<Finding> findings(String config) {
    return Validation.ofObjects("config.yaml", bytes(config), CompilerSettings.USUAL).findings();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void anEntryOfTheDenyListIsOfTheMeshUnlessItNamesAnother() {
    SpiffeId former = new SpiffeId(new TrustDomain("former.example"), "shop", "seller");
    CompiledChange compilation =
        Manifests.compile(
            config(
                "federatesWith: [%s], deniedIdentities: [\"%s\", \"%s\"]"
                    .formatted(entry("partner.example", pem(ROOT)), BUYER, former)));

    assertThat(compilation.snapshot().settings().denied())
        .isEqualTo(new DeniedPeers(Set.of(former), Set.of(BUYER), Set.of()));
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status ->
            assertThat(status.toString())
                .contains(
                    "spec.certificate.deniedIdentities[1]: " + former,
                    "own account shop/seller",
                    "remove it; or, to deny that account, write"
                        + " spiffe://cluster.local/ns/shop/sa/seller; or add former.example to"
                        + " federatesWith"));
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::severity)
        .containsExactly(Severity.WARNING);
  }

  /** The definition of the custom resource refuses it by the same words. */
  @Test
  void anEntryOfTheDenyListThatIsOfTheMeshItselfIsTold() {
    String denied = "], deniedIdentities: [\"spiffe://%s/ns/sluice-system/sa/controller\"]";
    String roots = "federatesWith: [" + entry("partner.example", pem(ROOT));

    assertThat(findings(config(roots + denied.formatted("cluster.local"))))
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.level()).isEqualTo(Finding.Level.WARNING);
          assertThat(finding.sentence())
              .contains(
                  "would deny a part of the mesh itself;"
                      + " deny its certificate by serial number instead");
        });
    assertThat(findings(config(roots + denied.formatted("partner.example")))).isEmpty();
  }

  @Test
  void aTargetLetsInAnIdentityOfAnotherMeshByItsWholeName() {
    CompiledChange compilation =
        Manifests.compile(
            federating(entry("partner.example", pem(ROOT))), target(principal(BUYER)));

    assertThat(compilation.snapshot().permissions())
        .containsExactly(
            new Permission(
                new NamespacedName("shop", "grant"),
                new NamespacedName("shop", "store"),
                Set.of(),
                Set.of(BUYER),
                Ports.EVERY,
                Access.BYTES,
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
            "spec.sources[0].namespace: has no meaning"),
        Arguments.of(
            principal(new SpiffeId(PARTNER, "sluice-system", "controller")), "no workload's"));
  }

  @ParameterizedTest
  @MethodSource("refusedSources")
  void aSourceThatIsNoWorkloadOfAnotherMeshGrantsNothing(String source, String said) {
    CompiledChange compilation =
        Manifests.compile(federating(entry("partner.example", pem(ROOT))), target(source));

    assertThat(compilation.snapshot().permissions()).isEmpty();
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::toString)
        .anySatisfy(status -> assertThat(status).contains(said));
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.severity()).isEqualTo(Severity.UNUSABLE);
          assertThat(status.field()).startsWith("spec.sources[0]");
          assertThat(status.reason()).endsWith(", so no source of it can be used");
        });
  }

  static Stream<Arguments> misnamedSources() {
    return Stream.of(
        Arguments.of(
            "{kind: authenticatedPrincipal, name: \"" + BUYER + "\"}",
            "spec.sources[0].kind: is authenticatedPrincipal, so no source of it can be used; a source"
                + " is a ServiceAccount, or an AuthenticatedPrincipal of another mesh"),
        Arguments.of(
            "{kind: ServiceAccount, namespace: shop, name: \"" + BUYER + "\"}",
            "spec.sources[0].name: '"
                + BUYER
                + "' is not the name of an object; for an identity of another mesh write kind:"
                + " AuthenticatedPrincipal"));
  }

  @ParameterizedTest
  @MethodSource("misnamedSources")
  void aSourceThatIsMeantForAnotherMeshIsToldHowToWriteIt(String source, String said) {
    assertThat(findings(target(source)))
        .extracting(Finding::sentence)
        .anySatisfy(sentence -> assertThat(sentence).contains(said))
        .noneSatisfy(sentence -> assertThat(sentence).contains("lower-case letters"));
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
