package io.sluice.node.replacement;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.cni.protocol.CniRequest.PodReference;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.node.cni.CniOptions.ReplacementMode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who starts in whose place, with a stand-in of the kubelet's directory. */
class ReplacementsTest {
  private static final PodUid UID = new PodUid("6f1c0a52-8f0e-4a43-9a53-0d3a3f8e2b11");
  private static final NamespacedName OLD = new NamespacedName("shop", "web-old");
  private static final NamespacedName NEXT = new NamespacedName("shop", "web-next");
  private static final PodReference POD = new PodReference(NEXT, UID);
  private static final List<InetAddress> OLD_AT = addresses("10.1.0.5", "fd00::5");
  private static final List<InetAddress> NEXT_AT = addresses("10.1.0.9", "fd00::9");
  private static final String CONTENT = "..2026_11_21_10_00_00.123456789";

  @TempDir private Path kubelet;
  private final Set<NamespacedName> here = ConcurrentHashMap.newKeySet();
  private final AtomicInteger changes = new AtomicInteger();
  private boolean hasCertificate = true;
  private boolean isTold;
  private Replacements replacements;

  @BeforeEach
  void start() {
    replacements = replacing(ReplacementMode.AUTO);
  }

  private Replacements replacing(ReplacementMode mode) {
    Replacements made =
        new Replacements(
            mode,
            "edge1",
            kubelet,
            new Replacements.Facts() {
              @Override
              public boolean isHere(NamespacedName pod) {
                return here.contains(pod);
              }

              @Override
              public boolean hasCertificate(SpiffeId identity) {
                return hasCertificate && identity.equals(identity("web"));
              }

              @Override
              public boolean isToldOfEveryPod() {
                return isTold;
              }
            });
    made.onChange(changes::incrementAndGet);
    return made;
  }

  private static List<InetAddress> addresses(String... texts) {
    return List.of(texts).stream().map(IpAddresses::parse).toList();
  }

  private static SpiffeId identity(String account) {
    return new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", account);
  }

  private static Workload pod(
      NamespacedName name, List<InetAddress> at, String node, Map<String, String> labels) {
    return new Workload(
        name,
        identity("web"),
        at,
        labels,
        true,
        null,
        new PodUid("00000000-0000-4000-8000-000000000001"),
        node,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(8081),
        MtlsMode.STRICT);
  }

  private static Workload old() {
    return pod(OLD, OLD_AT, "edge1", Map.of("app", "web", "pod-template-hash", "1"));
  }

  private static MeshSnapshot told(Workload... pods) {
    List<Endpoint> endpoints =
        OLD_AT.stream()
            .map(address -> new Endpoint(new InetSocketAddress(address, 8080), true))
            .toList();
    return new MeshSnapshot(
        7,
        MeshSettings.CLOSED,
        List.of(pods),
        List.of(
            new Service(
                new NamespacedName("shop", "web"),
                addresses("10.96.0.9"),
                List.of(new ServicePort("http", 80, AppProtocol.TCP, endpoints)))),
        List.of());
  }

  private MeshSnapshot inForce(MeshSnapshot found) {
    SnapshotEditor editor = found.edit();
    replacements.addTo(editor, found.withComplete(true));
    return editor.snapshot(found.revision() + 1);
  }

  private Path volume(PodUid uid, String plugin, String name) throws IOException {
    return Files.createDirectories(
        kubelet
            .resolve("pods")
            .resolve(uid.toString())
            .resolve("volumes")
            .resolve(plugin)
            .resolve(name));
  }

  private static String token(NamespacedName pod, PodUid uid, String account) {
    String claims =
        """
        {"aud":["x"],"kubernetes.io":{"namespace":"%s","pod":{"name":"%s","uid":"%s"},
        "serviceaccount":{"name":"%s","uid":"y"}}}\
        """
            .formatted(pod.namespace(), pod.name(), uid, account);
    return "e30."
        + Base64.getUrlEncoder()
            .withoutPadding()
            .encodeToString(claims.getBytes(StandardCharsets.UTF_8))
        + ".c2ln";
  }

  /** As the kubelet's AtomicWriter lays it out. */
  private Path project(String volume, String token) throws IOException {
    return project(UID, volume, token);
  }

  private Path project(PodUid uid, String volume, String token) throws IOException {
    Path made = volume(uid, "kubernetes.io~projected", volume);
    Path content = Files.createDirectories(made.resolve(CONTENT));
    Files.writeString(content.resolve("token"), token);
    Files.createSymbolicLink(made.resolve("..data"), Path.of(CONTENT));
    Files.createSymbolicLink(made.resolve("token"), Path.of("..data/token"));
    return content;
  }

  /** The next pod has the place of the old one; what was told before. */
  private MeshSnapshot replaced() throws IOException {
    MeshSnapshot found = told(old());
    inForce(found);
    project("kube-api-access-abcde", token(NEXT, UID, "web"));
    assertThat(replacements.replace(POD, NEXT_AT)).isEmpty();
    return found;
  }

  private String whyNot() {
    Optional<String> why = replacements.replace(POD, NEXT_AT);
    assertThat(changes).hasValue(0);
    return why.orElseThrow(() -> new AssertionError("it was replaced"));
  }

  @Test
  void aPodIsWhatItsPredecessorWasAndReachedWhereThatWas() throws IOException {
    MeshSnapshot found = replaced();

    assertThat(changes).hasValue(1);
    MeshSnapshot now = inForce(found);
    assertThat(now.workload(OLD)).isEmpty();
    assertThat(now.workload(NEXT))
        .hasValueSatisfying(pod -> {
          assertThat(pod.identity()).isEqualTo(identity("web"));
          assertThat(pod.enrolled()).isTrue();
          assertThat(pod.uid()).contains(UID);
          assertThat(pod.labels()).containsEntry("app", "web");
          assertThat(pod.probePorts()).containsExactly(8081);
          assertThat(pod.nodeName()).contains("edge1");
        });
    for (InetAddress address : NEXT_AT) {
      assertThat(now.workloadAt(address)).map(Workload::name).contains(NEXT);
    }
    assertThat(now.service(new NamespacedName("shop", "web")).orElseThrow().ports())
        .flatExtracting(ServicePort::endpoints)
        .extracting(endpoint -> endpoint.address().getAddress())
        .containsExactlyElementsOf(NEXT_AT);
  }

  @Test
  void aPredecessorThatStillRunsIsCalledUntilItLeaves() throws IOException {
    MeshSnapshot found = told(old());
    inForce(found);
    here.add(OLD);
    project("kube-api-access-abcde", token(NEXT, UID, "web"));

    assertThat(replacements.replace(POD, NEXT_AT)).isEmpty();
    here.add(NEXT);
    MeshSnapshot both = inForce(found);
    assertThat(both.workload(OLD)).isPresent();
    assertThat(both.workload(NEXT)).isPresent();
    assertThat(both.services()).isEqualTo(found.services()).isNotEmpty();

    here.remove(OLD);
    replacements.left(new PodReference(OLD, null));
    assertThat(changes).hasValue(2);
    assertThat(inForce(found).workload(OLD)).isEmpty();
    here.remove(NEXT);
    replacements.left(POD);
    assertThat(inForce(found).hasSameContentAs(found)).isTrue();
  }

  @Test
  void twoThatStandInForOthersHaveNotOneAddress() throws IOException {
    MeshSnapshot found = told(old());
    inForce(found);
    PodUid uid = new PodUid("7a2d1b63-9f1f-4b54-8b64-1e4b4f9f3c22");
    PodReference second = new PodReference(new NamespacedName("shop", "web-third"), uid);
    project("kube-api-access-abcde", token(NEXT, UID, "web"));
    project(uid, "kube-api-access-abcde", token(second.name(), uid, "web"));
    assertThat(replacements.replace(POD, NEXT_AT)).isEmpty();

    assertThat(replacements.replace(second, addresses("10.1.0.10", "fd00::9")))
        .hasValueSatisfying(why -> assertThat(why).contains("fd00::9", "is that of pod " + NEXT));
    assertThat(inForce(found).workload(second.name())).isEmpty();
    assertThat(replacements.replace(POD, NEXT_AT)).as("an ADD that is repeated").isEmpty();
    replacements.left(POD);
    assertThat(replacements.replace(second, NEXT_AT)).isEmpty();
  }

  @Test
  void anEarlierPodOfItsNameTakesNoneWithIt() throws IOException {
    MeshSnapshot found = replaced();

    PodUid other = new PodUid("7a2d1b63-9f1f-4b54-8b64-1e4b4f9f3c22");
    replacements.left(new PodReference(NEXT, other));

    assertThat(inForce(found).workload(NEXT)).isPresent();
    replacements.left(POD);
    assertThat(inForce(found).workload(NEXT)).isEmpty();
  }

  @Test
  void theControllersWordEndsIt() throws IOException {
    MeshSnapshot found = replaced();

    isTold = true;

    assertThat(inForce(found).hasSameContentAs(found)).isTrue();
  }

  /** What lies in the pod's directory, and is not to be believed. */
  enum Forged {
    EMPTY_DIR,
    LINKED_NEWEST,
    LINKED_CONTENT,
    LINKED_TOKEN,
    LINKED_VOLUME,
    OTHER_POD,
    OTHER_NAMESPACE,
    TWO_ACCOUNTS,
    TOO_LONG,
    NO_TOKEN
  }

  private void forge(Forged forged) throws IOException {
    Path own =
        Files.createDirectories(volume(UID, "kubernetes.io~empty-dir", "mine").resolve(CONTENT));
    Files.writeString(own.resolve("token"), token(NEXT, UID, "web"));
    Path volume = volume(UID, "kubernetes.io~projected", "tokens");
    switch (forged) {
      case EMPTY_DIR -> Files.delete(volume);
      case LINKED_NEWEST -> Files.createSymbolicLink(volume.resolve("..data"), own);
      case LINKED_CONTENT -> {
        Files.createSymbolicLink(volume.resolve(CONTENT), own);
        Files.createSymbolicLink(volume.resolve("..data"), Path.of(CONTENT));
      }
      case LINKED_TOKEN -> {
        Path content = project("linked", "x");
        Files.delete(content.resolve("token"));
        Files.createSymbolicLink(content.resolve("token"), own.resolve("token"));
        Files.delete(volume);
      }
      case LINKED_VOLUME -> {
        Files.delete(volume);
        Files.createSymbolicLink(own.resolveSibling("..data"), Path.of(CONTENT));
        Files.createSymbolicLink(volume, own.resolve("..").normalize());
      }
      case OTHER_POD -> {
        Files.delete(volume);
        project("tokens", token(OLD, UID, "web"));
      }
      case OTHER_NAMESPACE -> {
        Files.delete(volume);
        project("tokens", token(new NamespacedName("bank", NEXT.name()), UID, "web"));
      }
      case TWO_ACCOUNTS -> {
        Files.delete(volume);
        project("tokens", token(NEXT, UID, "web"));
        project("more", token(NEXT, UID, "ledger"));
      }
      case TOO_LONG -> {
        Files.delete(volume);
        project("tokens", token(NEXT, UID, "web") + "x".repeat(20_000));
      }
      case NO_TOKEN -> {
        Files.delete(volume);
        project("tokens", "no token");
      }
    }
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Forged.class)
  void whatTheKubeletDidNotWriteIsNotBelieved(Forged forged) throws IOException {
    MeshSnapshot found = told(old());
    inForce(found);
    forge(forged);

    assertThat(whyNot()).isNotBlank();
    assertThat(inForce(found).hasSameContentAs(found)).isTrue();

    Attack.tried("a pod that claims another account to its node: " + forged)
        .refusedBy("the daemon: the pod waits for the controller")
        .countedAs("the answer to the runtime, with the reason");
  }

  @Test
  void wherePodsDifferOrAreNotThisNodesItWaitsAndSaysWhy() throws IOException {
    project("kube-api-access-abcde", token(NEXT, UID, "web"));
    assertThat(whyNot()).contains("no pod of service account shop/web was known");

    NamespacedName other = new NamespacedName("shop", "web-b");
    inForce(told(old(), pod(other, addresses("10.1.0.6"), "edge1", Map.of("app", "other"))));
    assertThat(whyNot()).contains("differ in labels or settings");

    MeshSnapshot twoNodes =
        told(old(), pod(other, addresses("10.2.0.6"), "edge2", Map.of("app", "web")));
    inForce(twoNodes);
    assertThat(whyNot()).contains("other nodes, such as edge2");

    replacements = replacing(ReplacementMode.NEVER);
    inForce(told(old()));
    assertThat(whyNot()).contains("never");

    replacements = replacing(ReplacementMode.ALWAYS);
    inForce(twoNodes);
    hasCertificate = false;
    assertThat(whyNot()).contains("no valid certificate of spiffe://cluster.local/ns/shop/sa/web");
    hasCertificate = true;
    here.add(OLD);
    assertThat(replacements.replace(POD, OLD_AT))
        .hasValueSatisfying(
            why -> assertThat(why).contains("10.1.0.5 is that of pod shop/web-old"));
    assertThat(replacements.replace(POD, NEXT_AT)).isEmpty();
  }
}
