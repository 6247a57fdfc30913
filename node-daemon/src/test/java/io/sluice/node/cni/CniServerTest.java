package io.sluice.node.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.cni.protocol.CniCommand;
import io.sluice.cni.protocol.CniError;
import io.sluice.cni.protocol.CniRequest;
import io.sluice.cni.protocol.CniRequest.PodReference;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.node.cni.CallListener.CallResult;
import io.sluice.node.cni.CniCaller.Reply;
import io.sluice.node.cni.CniService.SnapshotView;
import io.sluice.node.placement.SandboxRecords;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CniServerTest {
  private static final PodUid UID = new PodUid("6f1c0a52-8f0e-4a43-9a53-0d3a3f8e2b11");
  private static final String CONFIG =
      "{\"cniVersion\":\"1.0.0\",\"prevResult\":{\"ips\":[{\"address\":\"10.1.0.7/24\"}]}}";

  @TempDir private Path directory;
  private CniCaller client;
  private final FakeEnrolment enrolment = new FakeEnrolment();
  private volatile boolean tellsOfEveryPod;
  private final SnapshotView snapshots = new SnapshotView(() -> tellsOfEveryPod);
  private SandboxRecords records;
  private CniAnswers answers;

  @SuppressWarnings("UnusedVariable") // who closes it is an extension
  @AutoClose
  private CniServer server;

  private volatile Optional<String> replacementOrWhyNot = Optional.of("it is another's");
  private final List<String> replaced = Collections.synchronizedList(new ArrayList<>());
  private final EndedCalls ended = new EndedCalls();

  /** Notes how calls end. */
  private static final class EndedCalls implements CallListener {
    final List<String> all = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void served(CniCommand command, CallResult result, Duration duration) {
      assertThat(duration).isPositive();
      all.add(command + " " + result.label());
    }

    @Override
    public void undecodable() {
      all.add("undecodable");
    }
  }

  @BeforeEach
  void start() {
    records = SandboxRecords.open(directory.resolve("sandboxes"));
    answers =
        new CniAnswers(
            Set.of("kube-system"),
            snapshots,
            records,
            enrolment,
            new PodReplacement() {
              @Override
              public Optional<String> replace(PodReference pod, List<InetAddress> addresses) {
                replaced.add(pod.name() + " " + addresses);
                if (replacementOrWhyNot.isEmpty()) {
                  snapshots.publish(snapshot(pod("shop", pod.name().name(), true)));
                }
                return replacementOrWhyNot;
              }

              @Override
              public void left(PodReference pod) {
                replaced.add("left " + pod.name());
              }
            });
    server =
        CniServer.start(directory.resolve("cni/s"), answers, new LinuxNetworkNamespaces(), ended);
    snapshots.publish(snapshot(pod("shop", "store", true), pod("shop", "till", false)));
    client = new CniCaller(directory);
  }

  private static Workload pod(String namespace, String name, boolean enrolled) {
    return new Workload(
        new NamespacedName(namespace, name),
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, namespace, "default"),
        List.of(),
        Map.of(),
        enrolled,
        null,
        UID,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  private static MeshSnapshot snapshot(Workload... workloads) {
    return new MeshSnapshot(
        1,
        MeshSettings.CLOSED,
        List.of(workloads),
        List.of(),
        List.of(),
        Map.of(
            "shop", NamespaceMembership.INSIDE,
            "else", NamespaceMembership.OUTSIDE));
  }

  private Reply call(String command, String container, String ifname, String pod, String config)
      throws IOException {
    String[] name = pod.split("/", -1);
    String body =
        "CNI_COMMAND=%s\0CNI_CONTAINERID=%s\0CNI_NETNS=/run/netns/x\0CNI_IFNAME=%s\0CNI_ARGS=%s\0\0%s"
            .formatted(
                command,
                container,
                ifname,
                "K8S_POD_NAMESPACE=%s;K8S_POD_NAME=%s;K8S_POD_UID=%s"
                    .formatted(name[0], name[1], UID),
                config);
    return client.send("SLUICE-CNI 1 " + body.length() + "\n" + body, command.equals("ADD"));
  }

  @Test
  void anAddOfAnEnrolledPodAttachesItBeforeTheAnswer() throws IOException {
    Reply reply = call("ADD", "c1", "eth0", "shop/store", CONFIG);

    assertThat(reply).isEqualTo(new Reply(0, "{\"ips\":[{\"address\":\"10.1.0.7/24\"}]}"));
    assertThat(enrolment.calls).containsExactly("attach shop/store [/10.1.0.7]");
    assertThat(SandboxRecords.open(directory.resolve("sandboxes")).find("c1"))
        .hasValueSatisfying(sandbox ->
            assertThat(sandbox.addresses()).containsExactly(IpAddresses.parse("10.1.0.7")));
  }

  @Test
  void podsThatAreNotEnrolledAreLeftAlone() throws IOException {
    assertThat(call("ADD", "c1", "eth0", "shop/till", CONFIG).status()).isZero();
    assertThat(call("ADD", "c2", "eth0", "kube-system/dns", CONFIG).status()).isZero();
    assertThat(call("ADD", "c3", "eth0", "else/unknown", CONFIG).status()).isZero();
    assertThat(enrolment.calls).isEmpty();
    assertThat(records.all()).isEmpty();
  }

  @Test
  void aPodThatNobodyTellsOfStartsInThePlaceOfAnother() throws IOException {
    replacementOrWhyNot = Optional.empty();

    assertThat(call("ADD", "c1", "eth0", "shop/next", CONFIG).status()).isZero();
    assertThat(enrolment.calls).containsExactly("attach shop/next [/10.1.0.7]");
    assertThat(call("DEL", "c1", "eth0", "shop/next", CONFIG).status()).isZero();
    assertThat(replaced).containsExactly("shop/next [/10.1.0.7]", "left shop/next");
  }

  /** As after an ADD whose sandbox could not be noted. */
  @Test
  void aDelOfASandboxThatNobodyNotedLeavesNobodyInThePlaceOfAnother() throws IOException {
    assertThat(call("DEL", "c9", "eth0", "shop/next", CONFIG).status()).isZero();

    assertThat(replaced).containsExactly("left shop/next");
    assertThat(enrolment.calls).isEmpty();
  }

  @Test
  void aPodThatSomebodyTellsOfTakesNoOthersPlace() throws IOException {
    tellsOfEveryPod = true;
    replacementOrWhyNot = Optional.empty();

    assertThat(call("ADD", "c1", "eth0", "shop/next", CONFIG).status()).isNotZero();
    assertThat(replaced).as("who failed stands in for nobody").containsExactly("left shop/next");
  }

  @Test
  void aPodThatIsNotKnownYetIsWaitedFor() throws IOException {
    Thread registry =
        Thread.ofVirtual().start(() -> snapshots.publish(snapshot(pod("shop", "late", true))));

    assertThat(call("ADD", "c1", "eth0", "shop/late", CONFIG).status()).isZero();
    assertThat(enrolment.calls).containsExactly("attach shop/late [/10.1.0.7]");
    assertThat(registry.isInterrupted()).isFalse();
  }

  /** Its own label enrols it, and the controller is a second behind. */
  @Test
  @Tag("attack")
  void aPodWithALabelOfItsOwnIsWaitedForThoughItsNamespaceIsOutside() throws Exception {
    tellsOfEveryPod = true;
    Executor later = CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS);
    CompletableFuture<Void> told =
        CompletableFuture.runAsync(
            () -> snapshots.publish(snapshot(pod("else", "labelled", true))), later);

    assertThat(call("ADD", "c1", "eth0", "else/labelled", CONFIG).status()).isZero();

    assertThat(enrolment.calls).containsExactly("attach else/labelled [/10.1.0.7]");
    told.get();
    Attack.tried(
            "a labelled pod of a namespace outside starts before the controller has told of it")
        .refusedBy("CNI ADD: answered when the pod is in force")
        .countedAs("sluice_cni_calls_total{command=\"add\",result=\"ok\"}");
  }

  @Test
  void aPodThatIsNotToldOfIsRefusedUnlessNobodyIsThereToTell() throws InterruptedException {
    tellsOfEveryPod = true;
    assertThat(atOnce("else/unknown"))
        .hasValueSatisfying(refusal -> {
          assertThat(refusal.code()).isEqualTo(CniError.TRY_AGAIN);
          assertThat(refusal).hasMessageContaining("does not know pod else/unknown");
          assertThat(refusal.details()).startsWith("the runtime tries again");
        });
    assertThat(atOnce("kube-system/unknown")).isEmpty();

    tellsOfEveryPod = false; // the controller has been away for so long
    assertThat(atOnce("else/unknown")).isEmpty();
    assertThat(atOnce("shop/unknown"))
        .hasValueSatisfying(
            refusal -> assertThat(refusal.details()).startsWith("it waits for the controller"));
    assertThat(atOnce("nowhere/unknown")).isPresent();
  }

  /** What an ADD is refused with when its time is up at once; empty where the pod starts. */
  private Optional<CniError> atOnce(String pod) throws InterruptedException {
    String[] name = pod.split("/", -1);
    String body =
        "CNI_COMMAND=ADD\0CNI_CONTAINERID=c1\0CNI_NETNS=/run/netns/x\0CNI_IFNAME=eth0\0CNI_ARGS="
            + "K8S_POD_NAMESPACE=%s;K8S_POD_NAME=%s;K8S_POD_UID=%s\0\0%s"
                .formatted(name[0], name[1], UID, CONFIG);
    try {
      answers.answer(
          CniRequest.parse(body.getBytes(StandardCharsets.UTF_8)),
          Optional.empty(),
          System.nanoTime());
      return Optional.empty();
    } catch (CniError e) {
      return Optional.of(e);
    }
  }

  @Test
  void aPodThatCannotBeEnrolledIsRefusedAndForgotten() throws IOException {
    enrolment.problem = Optional.of("port 15001 is taken");

    Reply reply = call("ADD", "c1", "eth0", "shop/store", CONFIG);

    assertThat(reply.status()).isEqualTo(1);
    assertThat(reply.json().path("code").asInt()).isEqualTo(11);
    assertThat(reply.json().path("cniVersion").asText()).isEqualTo("1.0.0");
    assertThat(reply.json().path("msg").asText())
        .contains("shop/store")
        .contains("port 15001 is taken");
    assertThat(records.all()).isEmpty();
  }

  @Test
  void anAdditionalInterfaceOfTheSameSandboxIsOnlyLookedAt() throws IOException {
    call("ADD", "c1", "eth0", "shop/store", CONFIG);

    assertThat(call("ADD", "c1", "net1", "shop/store", CONFIG).status()).isZero();
    assertThat(call("DEL", "c1", "net1", "shop/store", CONFIG).status()).isZero();
    assertThat(enrolment.calls)
        .containsExactly("attach shop/store [/10.1.0.7]", "refresh shop/store");
    assertThat(records.find("c1")).isPresent();
  }

  @Test
  void deletingSucceedsForWhateverReason() throws IOException {
    call("ADD", "c1", "eth0", "shop/store", CONFIG);

    assertThat(call("DEL", "c1", "eth0", "shop/store", "{}")).isEqualTo(new Reply(0, ""));
    assertThat(call("DEL", "c1", "eth0", "shop/store", "{}")).isEqualTo(new Reply(0, ""));
    assertThat(call("DEL", "never", "eth0", "no/body", "{}")).isEqualTo(new Reply(0, ""));
    // What could not be let go stays noted, and the second call tried again.
    assertThat(enrolment.calls).endsWith("detach shop/store", "detach shop/store").hasSize(3);
    assertThat(records.all()).isEmpty();
    assertThat(SandboxRecords.open(directory.resolve("sandboxes")).leaving()).hasSize(1);
  }

  @Test
  void checkingTellsWhatIsWrong() throws IOException {
    call("ADD", "c1", "eth0", "shop/store", CONFIG);
    assertThat(call("CHECK", "c1", "eth0", "shop/store", CONFIG)).isEqualTo(new Reply(0, ""));

    enrolment.problem = Optional.of("a program was detached");
    assertThat(call("CHECK", "c1", "eth0", "shop/store", CONFIG).body())
        .contains("a program was detached");
    assertThat(call("CHECK", "c9", "eth0", "shop/store", CONFIG).body())
        .contains("was never attached");
    assertThat(call("CHECK", "c9", "eth0", "else/unknown", CONFIG).status()).isZero();
  }

  @Test
  void whatIsNoLongerValidIsCollected() throws IOException {
    call("ADD", "c1", "eth0", "shop/store", CONFIG);
    String config =
        "{\"cni.dev/valid-attachments\":[{\"containerID\":\"c1\",\"ifname\":\"eth0\"}]}";

    call("GC", "", "", "shop/store", config);
    assertThat(records.find("c1")).isPresent();
    call("GC", "", "", "shop/store", "{\"cni.dev/valid-attachments\":[]}");
    assertThat(records.all()).isEmpty();
    assertThat(enrolment.calls).endsWith("detach shop/store");
  }

  @Test
  void garbageIsAnsweredWithAnErrorDocument() throws IOException {
    for (String garbage :
        List.of("GET / HTTP/1.1\n", "SLUICE-CNI 1 5\nabc", "x".repeat(100), "SLUICE-CNI 1 1\nx")) {
      Reply reply = client.send(garbage, false);
      assertThat(reply.status()).as(garbage).isEqualTo(1);
      assertThat(reply.json().path("code").asInt()).as(garbage).isEqualTo(6);
    }
    assertThat(call("DEL", "c1", "eth0", "shop/store", "{}").status()).isZero();
  }

  @Test
  void everyCallIsToldOfWithItsResult() throws IOException {
    call("ADD", "c1", "eth0", "shop/store", CONFIG);
    enrolment.problem = Optional.of("port 15001 is taken");
    call("ADD", "c2", "eth0", "shop/store", CONFIG);
    enrolment.fault = Optional.of(new IllegalStateException("a defect"));
    call("ADD", "c3", "eth0", "shop/store", CONFIG);
    call("DEL", "c1", "eth0", "shop/store", CONFIG);
    client.send("GET / HTTP/1.1\n", false);

    assertThat(ended.all)
        .containsExactly("ADD ok", "ADD refused", "ADD failed", "DEL ok", "undecodable");
  }

  @Test
  void anAddWithoutANamespaceIsRefused() throws IOException {
    String body =
        "CNI_COMMAND=ADD\0CNI_CONTAINERID=c\0CNI_IFNAME=eth0\0"
            + "CNI_ARGS=K8S_POD_NAMESPACE=shop;K8S_POD_NAME=store\0\0{}";

    Reply reply = client.send("SLUICE-CNI 1 " + body.length() + "\n" + body, false);

    assertThat(reply.json().path("code").asInt()).isEqualTo(4);
  }
}
