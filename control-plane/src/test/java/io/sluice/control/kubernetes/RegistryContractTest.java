package io.sluice.control.kubernetes;

import static io.sluice.control.kubernetes.SiteManifests.config;
import static io.sluice.control.kubernetes.SiteManifests.namespace;
import static io.sluice.control.kubernetes.SiteManifests.pod;
import static io.sluice.control.kubernetes.SiteManifests.route;
import static io.sluice.control.kubernetes.SiteManifests.service;
import static io.sluice.control.kubernetes.SiteManifests.slice;
import static io.sluice.control.kubernetes.SiteManifests.target;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.attack.Attack;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.folder.Deliveries;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.control.registry.CompiledRegistry;
import io.sluice.control.registry.RegistryStatus;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What every registry promises, whether its objects are in a folder or in a cluster. */
@ParameterizedClass
@EnumSource
class RegistryContractTest {
  private static final NamespacedName DB = new NamespacedName("shop", "db");

  @TempDir private Path home;

  private final Deliveries<MeshSnapshot> snapshots = new Deliveries<>();
  private final Deliveries<RegistryStatus> statuses = new Deliveries<>();
  @Parameter private RegistrySite.Kind kind = RegistrySite.Kind.FOLDER;
  private RegistrySite site;
  private CompiledRegistry registry;

  @BeforeEach
  void open() throws Exception {
    site = kind.open(home);
    registry = site.registry(statuses::add);
  }

  @AfterEach
  void close() throws Exception {
    registry.close();
    site.close();
  }

  @Test
  void deliversAllThatThereIsBeforeStartReturns() throws Exception {
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
    assertThat(registry.status().problems()).isEmpty();
    assertThat(registry.status().objects()).isEmpty();
  }

  @Test
  void followsWhatIsAddedChangedAndRemoved() throws Exception {
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

  @Test
  void keepsTheLastGoodContentOfAnObjectThatBreaks() throws Exception {
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
        .matches(origin -> !origin.isOk() && origin.objects() > 0);
    while (!snapshots.isEmpty()) { // it may say that it is not complete any more
      assertThat(snapshots.next().since(first).isEmpty()).isTrue();
    }

    site.apply(pod("web", "10.0.0.4"));
    assertThat(snapshots.next().revision()).isEqualTo(2);
    statuses.next(status -> status.problems().isEmpty());
  }

  @Test
  @Tag("attack")
  void aMeshConfigThatWasNeverReadDoesNotTakeAwayWhatItDenies() throws Exception {
    site.apply(pod("web", "10.0.0.1"));
    site.apply(config(true).replace("true", "perhaps"));

    registry.start(snapshots::add);

    MeshSnapshot first = snapshots.next();
    assertThat(Deliveries.hasWorkload(first, "shop/web")).isTrue();
    assertThat(first.get(Kind.SETTINGS, MeshSettings.NAME)).isEmpty();
    assertThat(first.isComplete()).isFalse(); // so that no node takes away those that it has
    Attack.tried("a controller that starts anew beside a MeshConfig that cannot be read")
        .refusedBy("controller: settings that are not known are not told")
        .countedAs("registry_problem " + registry.status().sourceProblems().getFirst());

    site.apply(config(true));
    MeshSnapshot mended = snapshots.next(MeshSnapshot::isGoverned);
    assertThat(mended.settings().permissive()).isTrue();
    statuses.next(status -> status.problems().isEmpty() && status.complete());
  }

  @Test
  void settingsGoOnWhereTheirMeshConfigBreaks() throws Exception {
    site.apply(config(true));
    registry.start(snapshots::add);
    assertThat(snapshots.next().settings().permissive()).isTrue();

    site.apply(config(true).replace("true", "perhaps"));
    statuses.next(status -> !status.problems().isEmpty());
    site.apply(pod("web", "10.0.0.1"));

    MeshSnapshot later = snapshots.next(snapshot -> Deliveries.hasWorkload(snapshot, "shop/web"));
    assertThat(later.settings().permissive()).isTrue();
    site.delete(config(true));
    assertThat(snapshots.next(snapshot -> !snapshot.settings().permissive()).isGoverned()).isTrue();
  }

  @Test
  @Tag("attack")
  void settingsEndWithTheMeshConfigThatMightHaveSaidThem() throws Exception {
    String other =
        config(true).replace("sluice-mesh-config", "osm-mesh-config").replace("true", "perhaps");
    site.apply(config(true));
    registry.start(snapshots::add);
    assertThat(snapshots.next().settings().permissive()).isTrue();
    site.apply(other);
    statuses.next(status -> !status.problems().isEmpty());

    site.delete(config(true));
    site.apply(pod("web", "10.0.0.1"));
    MeshSnapshot doubtful =
        snapshots.next(snapshot -> Deliveries.hasWorkload(snapshot, "shop/web"));
    assertThat(doubtful.settings().permissive()).isTrue();
    site.delete(other);

    MeshSnapshot closed = snapshots.next(snapshot -> !snapshot.settings().permissive());
    assertThat(closed.isGoverned()).isTrue();
    Attack.tried("what a removed MeshConfig allowed, by one beside it that cannot be read")
        .refusedBy("controller: settings are compiled anew once every MeshConfig is known")
        .countedAs("snapshot " + closed.revision() + " with the settings of a mesh without one");
  }

  @Test
  void leavesOutAnObjectThatWasNeverGoodAndHurtsNoOther() throws Exception {
    site.apply(pod("bad", "somewhere"));
    site.apply(pod("web", "10.0.0.1"));

    registry.start(snapshots::add);

    MeshSnapshot first = snapshots.next();
    assertThat(Deliveries.hasWorkload(first, "shop/web")).isTrue();
    assertThat(Deliveries.hasWorkload(first, "shop/bad")).isFalse();
    assertThat(first.isGoverned()).isTrue(); // what is bad is no MeshConfig
    assertThat(registry.status().problems()).hasSize(1);

    site.apply(pod("bad", "10.0.0.2"));
    snapshots.next(snapshot -> Deliveries.hasWorkload(snapshot, "shop/bad"));
  }

  @Test
  void saysWhatTheCompilerCannotUse() throws Exception {
    site.apply(target("web", "db").replace("rules:", "roles:"));

    registry.start(snapshots::add);

    List<ObjectStatus> found = registry.status().objects();
    assertThat(found).isNotEmpty();
    assertThat(found.getFirst().object().toString()).isEqualTo("TrafficTarget shop/web-to-db");
    assertThat(found.getFirst().mend()).isNotEmpty();
    assertThat(snapshots.next().permissionsFor(DB)).isEmpty();
  }

  @Test
  void deliversNothingWhenTheMeaningStaysTheSame() throws Exception {
    site.apply(pod("web", "10.0.0.1"));
    registry.start(snapshots::add);
    snapshots.next();

    site.apply(pod("web", "10.0.0.1").replace("image: main", "image: other"));
    site.apply(pod("db", "10.0.0.2"));
    MeshSnapshot next = snapshots.next();

    assertThat(next.revision()).isEqualTo(2);
    assertThat(Deliveries.hasWorkload(next, "shop/db")).isTrue();
  }

  @Test
  void survivesAConsumerThatThrowsAndTriesAgain() throws Exception {
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

  @Test
  void deliversNothingAfterClose() throws Exception {
    registry.start(snapshots::add);
    snapshots.next();

    registry.close();
    site.apply(pod("web", "10.0.0.1"));

    assertThat(snapshots.isEmpty()).isTrue();
  }

  /** A registry and somebody who changes what is in it: one object of a manifest at a time. */
  private interface RegistrySite extends AutoCloseable {
    void apply(String yaml) throws IOException;

    void delete(String yaml) throws IOException;

    CompiledRegistry registry(Consumer<RegistryStatus> statuses) throws IOException;

    @Override
    void close();

    /** Every kind of registry. */
    enum Kind {
      FOLDER {
        @Override
        RegistrySite open(Path home) throws IOException {
          return new Folder(home, Files.createDirectory(home.resolve("manifests")));
        }
      },
      KUBERNETES {
        @Override
        RegistrySite open(Path home) throws Exception {
          return new Cluster(home, new FakeCluster());
        }
      };

      abstract RegistrySite open(Path home) throws Exception;
    }

    private static JsonNode parse(String yaml) {
      return new ObjectMapper()
          .valueToTree(new Load(LoadSettings.builder().build()).loadFromString(yaml));
    }

    /** A folder with one file for each object. */
    record Folder(Path home, Path manifests) implements RegistrySite {
      @Override
      public void apply(String yaml) throws IOException {
        Path written = Files.writeString(home.resolve("written"), yaml);
        Files.move(
            written,
            file(yaml),
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
      }

      @Override
      public void delete(String yaml) throws IOException {
        Files.delete(file(yaml));
      }

      private Path file(String yaml) {
        JsonNode object = parse(yaml);
        JsonNode metadata = object.path("metadata");
        return manifests.resolve(
            object.path("kind").asText()
                + "-"
                + metadata.path("namespace").asText()
                + "-"
                + metadata.path("name").asText()
                + ".yaml");
      }

      @Override
      public CompiledRegistry registry(Consumer<RegistryStatus> statuses) {
        return new FolderRegistry(manifests, statuses);
      }

      @Override
      public void close() {
        // the folder is the test's
      }
    }

    /** A cluster with faults on demand. */
    record Cluster(Path home, FakeCluster server) implements RegistrySite {
      @Override
      public void apply(String yaml) {
        server.history().apply(yaml);
      }

      @Override
      public void delete(String yaml) {
        server.history().delete(yaml);
      }

      @Override
      public CompiledRegistry registry(Consumer<RegistryStatus> statuses) throws IOException {
        return new KubernetesRegistry(server.access(home), CompilerSettings.USUAL, statuses);
      }

      @Override
      public void close() {
        server.close();
      }
    }
  }
}
