package io.sluice.control.kubernetes;

import static io.sluice.control.kubernetes.SiteManifests.config;
import static io.sluice.control.kubernetes.SiteManifests.namespace;
import static io.sluice.control.kubernetes.SiteManifests.pod;
import static io.sluice.control.kubernetes.SiteManifests.route;
import static io.sluice.control.kubernetes.SiteManifests.service;
import static io.sluice.control.kubernetes.SiteManifests.slice;
import static io.sluice.control.kubernetes.SiteManifests.target;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.folder.Deliveries;
import io.sluice.control.registry.OriginStatus;
import io.sluice.control.registry.Registry;
import io.sluice.control.registry.RegistryStatus;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every registry promises, whether its objects are in a folder or in a cluster. */
class RegistryContractTest {
  private static final NamespacedName DB = new NamespacedName("shop", "db");

  @TempDir private Path home;

  private final Deliveries<MeshSnapshot> snapshots = new Deliveries<>();
  private final Deliveries<RegistryStatus> statuses = new Deliveries<>();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  private RegistrySite site(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = kind.open(home);
    open.push(site);
    return site;
  }

  private Registry registry(RegistrySite site) throws Exception {
    Registry registry = site.registry(statuses::add);
    open.push(registry);
    return registry;
  }

  @AfterEach
  void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void deliversAllThatThereIsBeforeStartReturns(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = site(kind);
    Registry registry = registry(site);
    site.apply(namespace("shop", "enabled"));
    site.apply(pod("web", "10.0.0.1"));
    site.apply(pod("db", "10.0.0.2"));
    site.apply(service("db"));
    site.apply(slice("db", "10.0.0.2"));
    site.apply(route("[8080]"));
    site.apply(target("web", "db"));
    site.apply(config(false));

    registry.start(snapshots::add);

    assertThat(snapshots.isEmpty()).isFalse();
    MeshSnapshot first = snapshots.next();
    assertThat(first.revision()).isEqualTo(1);
    assertThat(first.workloads()).hasSize(2).allMatch(workload -> workload.enrolled());
    assertThat(first.services()).hasSize(1);
    assertThat(first.permissionsFor(DB)).hasSize(1);
    assertThat(registry.status().complete()).isTrue();
    assertThat(registry.status().isHealthy()).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void followsWhatIsAddedChangedAndRemoved(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = site(kind);
    Registry registry = registry(site);
    site.apply(pod("web", "10.0.0.1"));
    registry.start(snapshots::add);
    snapshots.next();

    site.apply(pod("db", "10.0.0.2"));
    snapshots.next(snapshot -> Deliveries.hasWorkload(snapshot, "shop/db"));
    site.apply(pod("db", "10.0.0.3"));
    snapshots.next(snapshot ->
        snapshot.workloads().stream()
            .anyMatch(pod -> pod.addresses().toString().contains("10.0.0.3")));
    site.delete(pod("web", "10.0.0.1"));
    MeshSnapshot last = snapshots.next(snapshot -> !Deliveries.hasWorkload(snapshot, "shop/web"));

    assertThat(Deliveries.hasWorkload(last, "shop/db")).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void keepsTheLastGoodContentOfAnObjectThatBreaks(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = site(kind);
    Registry registry = registry(site);
    site.apply(pod("web", "10.0.0.1"));
    registry.start(snapshots::add);
    MeshSnapshot first = snapshots.next();

    site.apply(pod("web", "10.0.0.300"));
    RegistryStatus broken = statuses.next(status -> !status.problems().isEmpty());

    assertThat(broken.problems())
        .singleElement()
        .satisfies(problem -> {
          assertThat(problem.field()).isEqualTo("status.podIPs[0].ip");
          assertThat(problem.reason()).isEqualTo("'10.0.0.300' is not an IP address");
          assertThat(problem.mend()).startsWith("write a unicast IPv4 or IPv6 address");
          assertThat(problem.file()).contains("Pod").contains("shop").contains("web");
        });
    assertThat(broken.origins())
        .filteredOn(origin -> !origin.isOk())
        .singleElement()
        .matches(OriginStatus::keepsLastGood);
    while (!snapshots.isEmpty()) { // it may say that it is not complete any more
      assertThat(snapshots.next().since(first).isEmpty()).isTrue();
    }

    site.apply(pod("web", "10.0.0.4"));
    assertThat(snapshots.next().revision()).isEqualTo(2);
    statuses.next(RegistryStatus::isHealthy);
  }

  @ParameterizedTest
  @EnumSource
  void leavesOutAnObjectThatWasNeverGoodAndHurtsNoOther(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = site(kind);
    Registry registry = registry(site);
    site.apply(pod("bad", "somewhere"));
    site.apply(pod("web", "10.0.0.1"));

    registry.start(snapshots::add);

    MeshSnapshot first = snapshots.next();
    assertThat(Deliveries.hasWorkload(first, "shop/web")).isTrue();
    assertThat(Deliveries.hasWorkload(first, "shop/bad")).isFalse();
    assertThat(registry.status().problems()).hasSize(1);

    site.apply(pod("bad", "10.0.0.2"));
    snapshots.next(snapshot -> Deliveries.hasWorkload(snapshot, "shop/bad"));
  }

  @ParameterizedTest
  @EnumSource
  void saysWhatTheCompilerCannotUse(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = site(kind);
    Registry registry = registry(site);
    site.apply(target("web", "db").replace("rules:", "roles:"));

    registry.start(snapshots::add);

    List<ObjectStatus> found = registry.status().objects();
    assertThat(found).isNotEmpty();
    assertThat(found.getFirst().object().toString()).isEqualTo("TrafficTarget shop/web-to-db");
    assertThat(found.getFirst().mend()).isNotEmpty();
    assertThat(snapshots.next().permissionsFor(DB)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void deliversNothingWhenTheMeaningStaysTheSame(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = site(kind);
    Registry registry = registry(site);
    site.apply(pod("web", "10.0.0.1"));
    registry.start(snapshots::add);
    snapshots.next();

    site.apply(pod("web", "10.0.0.1").replace("image: main", "image: other"));
    site.apply(pod("db", "10.0.0.2"));
    MeshSnapshot next = snapshots.next();

    assertThat(next.revision()).isEqualTo(2);
    assertThat(Deliveries.hasWorkload(next, "shop/db")).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void survivesAConsumerThatThrowsAndTriesAgain(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = site(kind);
    Registry registry = registry(site);
    var fails = new AtomicBoolean();
    registry.start(snapshot -> {
      if (fails.getAndSet(false)) {
        throw new IllegalStateException("a mistake of the consumer");
      }
      snapshots.add(snapshot);
    });
    snapshots.next();

    fails.set(true);
    site.apply(pod("web", "10.0.0.1"));

    MeshSnapshot again = snapshots.next();
    assertThat(again.revision()).isEqualTo(2);
    assertThat(Deliveries.hasWorkload(again, "shop/web")).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void deliversNothingAfterClose(RegistrySite.Kind kind) throws Exception {
    RegistrySite site = site(kind);
    Registry registry = registry(site);
    registry.start(snapshots::add);
    snapshots.next();

    registry.close();
    site.apply(pod("web", "10.0.0.1"));

    assertThat(snapshots.isEmpty()).isTrue();
  }
}
