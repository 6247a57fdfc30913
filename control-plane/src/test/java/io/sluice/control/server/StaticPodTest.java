package io.sluice.control.server;

import static io.sluice.control.server.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.PodRangeRule;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.registry.RegistryStatus;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A kubelet may make a mirror pod in every namespace, so whoever has a node could be anybody's
 * {@code default}.
 */
@Tag("attack")
class StaticPodTest {
  private static final String VICTIM = "spiffe://cluster.local/ns/bank/sa/default";

  @TempDir private Path home;
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final ClusterHistory history = new ClusterHistory();
  private FakeCluster cluster;
  private volatile RegistryStatus told = RegistryStatus.EMPTY;

  /** Pods that no admission of the API server gave an account to. */
  private enum Accountless {
    MIRROR("annotations: {kubernetes.io/config.mirror: 0123456789abcdef0123456789abcdef}", ""),
    MIRROR_WITH_AN_ACCOUNT(
        "annotations: {kubernetes.io/config.mirror: 0123456789abcdef0123456789abcdef}",
        "serviceAccountName: default"),
    NO_ACCOUNT("annotations: {}", "");

    private final String annotations;
    private final String account;

    Accountless(String annotations, String account) {
      this.annotations = annotations;
      this.account = account;
    }

    String pod() {
      return """
      apiVersion: v1
      kind: Pod
      metadata:
        name: planted
        namespace: bank
        uid: 3f6c1a52-5ad0-4f5c-9a4e-000000000001
        labels: {sluice.io/mesh: enabled}
        %s
      spec:
        nodeName: edge1
        %s
      """
          .formatted(annotations, account);
    }
  }

  @BeforeEach
  void start() throws Exception {
    cluster = new FakeCluster(history);
    open.push(cluster);
  }

  @AfterEach
  void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private ControlSite site(String... staticPodNamespaces) throws Exception {
    Path own = Files.createDirectories(home.resolve("controller"));
    ControlSite site =
        ControlSite.with(
            home,
            new KubernetesRegistry(
                cluster.access(own, "reader"),
                new CompilerSettings(
                    null, PodRangeRule.AUTO, Set.of(staticPodNamespaces), null, true),
                status -> told = status));
    open.push(site);
    return site;
  }

  private NodeClient joined(ControlSite site) throws Exception {
    NodeClient edge1 = site.joined("edge1");
    open.push(edge1);
    return edge1;
  }

  @ParameterizedTest
  @EnumSource
  void aPodWithoutAnAccountGetsNobodyACertificate(Accountless kind) throws Exception {
    history.apply(kind.pod());
    ControlSite site = site();
    NodeClient edge1 = joined(site);

    assertRefused(RefusalReason.POD_WITHOUT_ACCOUNT, () -> edge1.issue(VICTIM));

    String counted =
        "sluice_control_refusals_total{call=\"issue\",reason=\"pod_without_account\",} 1.0";
    assertThat(site.controller().metrics()).contains(counted);
    assertRefused(
        RefusalReason.POD_WITHOUT_ACCOUNT,
        () -> edge1.issue(SpiffeId.nobody(TrustDomain.CLUSTER_LOCAL, "bank").toString()));
    assertThat(told.objects().toString()).contains("bank/planted").contains("no service account");
    Attack.tried("certificate for the default account of a namespace by a planted pod, " + kind)
        .refusedBy("controller: pod_without_account")
        .countedAs(counted);
  }

  @Test
  void anOrdinaryPodOfTheNamespaceHasItsAccount() throws Exception {
    history.apply(
        Accountless.NO_ACCOUNT.pod().replace("edge1\n", "edge1\n  serviceAccountName: default\n"));

    assertThat(joined(site()).issue(VICTIM)).isNotEmpty();
    assertThat(told.objects()).isEmpty();
  }

  @Test
  void staticPodsOfANamespaceThatTheOperatorNamesHaveTheDefaultAccount() throws Exception {
    history.apply(Accountless.MIRROR.pod());
    history.apply(Accountless.MIRROR.pod().replace("bank", "other"));
    NodeClient edge1 = joined(site("bank"));

    assertThat(edge1.issue(VICTIM)).isNotEmpty();
    assertRefused(
        RefusalReason.POD_WITHOUT_ACCOUNT, () -> edge1.issue(VICTIM.replace("bank", "other")));
  }
}
