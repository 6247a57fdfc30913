package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.kernel.LongRun;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Manifests;
import io.sluice.mesh.PodUid;
import io.sluice.node.NodeCleanup;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The node comes up again: what was in memory has gone, the files stay, and kubelet is faster than
 * the daemon.
 */
@ExtendWith(CniSites.Shared.class)
@ResourceLock(CniSites.LOCK)
@Tag("kernel")
class RebootTest {
  private static final int PODS = 2;

  /** Who waits is decided before anything intercepts: in a short run once. */
  static Stream<Mechanism> mechanisms() {
    return Stream.of(Mechanism.IPTABLES, Mechanism.EBPF).limit(LongRun.ON ? 2 : 1);
  }

  @ParameterizedTest
  @MethodSource("mechanisms")
  void podsOfTheMeshWaitForTheDaemonAndTheOthersDoNot(Mechanism mechanism, CniSites sites)
      throws Exception {
    CniSite site = sites.of(mechanism);
    try (Silence silence = Silence.around(site)) {
      site.site.registry().write("plain", outside("plain"));
      Map<String, PodUid> pods = new LinkedHashMap<>();
      for (int i = 0; i < PODS; i++) {
        pods.put("pod-" + i, site.register("pod-" + i));
      }
      DaemonProcess daemon = site.site.daemon();
      List<Container> before = new ArrayList<>();
      for (Map.Entry<String, PodUid> pod : pods.entrySet()) {
        before.add(site.add(pod.getKey(), pod.getValue()));
      }
      daemon.kill();
      before.forEach(site.runtime::removeNamespace);
      NodeCleanup.removeAll(site.site.prefix()); // what does not outlive the boot

      for (Map.Entry<String, PodUid> pod : pods.entrySet()) {
        assertThat(CniSite.failure(11, () -> site.add(pod.getKey(), pod.getValue())).getMessage())
            .contains(Manifests.NAMESPACE + "/" + pod.getKey());
      }
      assertStartsUnchanged(site, "plain");
      assertStartsUnchanged(site, "kube-system");
      assertWaits(site, "nobody-knows");

      byte[] whole = Files.readAllBytes(site.membershipFile());
      byte[] file = whole.clone();
      file[file.length / 2] ^= 1;
      Files.write(site.membershipFile(), file);
      for (String namespace : List.of("plain", "kube-system", Manifests.NAMESPACE)) {
        assertWaits(site, namespace); // a file that is damaged may say anything
      }

      daemon.start();
      Await.untilPasses(
          Await.PATIENCE, () -> assertThat(site.membershipFile()).hasBinaryContent(whole));
      for (Map.Entry<String, PodUid> pod : pods.entrySet()) {
        Container container = site.add(pod.getKey(), pod.getValue());
        silence.sing(container.network());
        assertThat(site.enrolledCookie(pod.getKey())).isEqualTo(container.cookie());
        site.runtime.delete(container);
        site.site.registry().remove("pod-" + pod.getKey());
      }
      site.site.registry().remove("plain");
      silence.assertKept();
    }
  }

  static String outside(String namespace) {
    return "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n".formatted(namespace);
  }

  private static void assertWaits(CniSite site, String namespace) throws Exception {
    assertThat(CniSite.failure(11, () -> site.runtime.add(namespace, "some", "")).getMessage())
        .contains(namespace + "/some");
  }

  private static void assertStartsUnchanged(CniSite site, String namespace) throws Exception {
    Container container =
        site.runtime.attachWithoutOurs(site.runtime.create(namespace, "some", ""));

    String answer = site.runtime.callOurs("ADD", container, "eth0");

    assertThat(new ObjectMapper().readTree(answer)).isEqualTo(container.result());
    site.runtime.delete(container);
  }
}
