package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.await.AtLoad;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code sluice namespace} and {@code sluice metrics} with ten pods that run: from the command, as
 * it is typed, to the kernel of every pod. What the API server is given, the registry is told.
 */
@Tag("kernel")
class NamespaceVerbsTest {
  private static final int PODS = 10;
  private static final Duration LIMIT = Duration.ofSeconds(5);

  private static final String SERIES = "namespace=\"" + Manifests.NAMESPACE + "\"";

  @TempDir private Path home = Path.of("");

  @Test
  void everyVerbHoldsInTheKernelWithinFiveSeconds() throws Exception {
    assertEveryVerbHolds(Mechanism.EBPF);
  }

  /** Each takes many times as long; what a pod is left with by rules is MechanismLifeTest's. */
  @ParameterizedTest
  @EnumSource(names = {"SPLIT", "IPTABLES"})
  @Tag("long")
  void theyDoByRules(Mechanism mechanism) throws Exception {
    assertEveryVerbHolds(mechanism);
  }

  private void assertEveryVerbHolds(Mechanism mechanism) throws Exception {
    String[] names = IntStream.range(0, PODS).mapToObj(i -> "p" + i).toArray(String[]::new);
    try (FakeCluster cluster = new FakeCluster();
        Site site = new Site(names)) {
      ObjectNode namespace = JsonNodeFactory.instance.objectNode();
      namespace.put("apiVersion", "v1").put("kind", "Namespace");
      namespace.putObject("metadata").put("name", Manifests.NAMESPACE);
      cluster.put("/api/v1/namespaces/" + Manifests.NAMESPACE, namespace);
      cluster.onWrite =
          object -> {
            site.registry().write("namespace", object.toString());
            return object;
          };
      site.registry().write("mesh-config", Manifests.meshConfig(false, false, Map.of()));
      site.registry().write("namespace", namespace.toString());
      site.pods().forEach(site.registry()::write);
      site.startDaemon(mechanism.arguments());
      List<Long> before = cookies(site);
      assertUntouched(site);
      run("namespace list", cluster); // what a first command costs is not the mesh's

      within("namespace add", mechanism, cluster, () -> enrolled(site) == PODS);
      assertThat(site.pods()).allSatisfy(pod -> assertThat(Traces.in(pod)).isNotEmpty());

      SitePod called = site.pods().getLast();
      Attempt refused =
          Attempt.from(site.pods().getFirst(), called.at(Family.IPV6, Shop.STORE_PORT), "hi");
      assertThat(refused.wasTurnedAway()).as("%s", refused).isTrue();
      Await.until("it is counted", () -> site.daemon().view().metrics().contains(SERIES));
      within(
          "metrics disable --namespace",
          mechanism,
          cluster,
          () -> !site.daemon().view().metrics().contains(SERIES));
      within(
          "metrics enable --namespace",
          mechanism,
          cluster,
          () -> site.daemon().view().metrics().contains(SERIES));

      within("namespace remove", mechanism, cluster, () -> enrolled(site) == 0);
      assertUntouched(site);
      within("namespace add", mechanism, cluster, () -> enrolled(site) == PODS);
      within("namespace ignore", mechanism, cluster, () -> enrolled(site) == 0);
      assertUntouched(site);
      assertThat(cookies(site)).isEqualTo(before);
    }
  }

  private void within(
      String verb, Mechanism mechanism, FakeCluster cluster, Callable<Boolean> holds)
      throws Exception {
    long begin = System.nanoTime();
    run(verb + " " + Manifests.NAMESPACE, cluster);
    Await.until(verb + " holds", Await.patience(60), holds);
    Duration time = Duration.ofNanos(System.nanoTime() - begin);
    System.out.printf(
        "%s, %s: %d ms, load of a processor %.1f%n",
        verb, mechanism.mode(), time.toMillis(), AtLoad.perProcessor());
    assertThat(time).as(verb).isLessThan(LIMIT);
  }

  private void run(String words, FakeCluster cluster) throws Exception {
    JavaCommand.here(
        Stream.concat(
                Stream.of(words.split(" ")),
                Stream.of("--kubeconfig", cluster.kubeconfig(home).toString()))
            .toArray(String[]::new));
  }

  private static long enrolled(Site site) {
    return site.daemon().view().pods().stream()
        .filter(pod -> pod.path("state").asText().equals("enrolled"))
        .count();
  }

  /** No program, rule or listener in any pod. */
  private static void assertUntouched(Site site) {
    for (SitePod pod : site.pods()) {
      Await.untilPasses(
          Await.PATIENCE,
          () -> {
            assertThat(Traces.in(pod)).as(pod.name()).isEmpty();
            for (String table : List.of("tcp", "tcp6")) {
              assertThat(pod.procNet(table).lines().filter(line -> line.contains(" 0A ")))
                  .isEmpty();
            }
          });
    }
  }

  private static List<Long> cookies(Site site) {
    return site.pods().stream().map(SitePod::cookie).toList();
  }
}
