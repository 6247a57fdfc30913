package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A Pod of the folder names a network namespace that is not its own, or none at all. */
@Tag("kernel")
@Tag("attack")
class NamespaceClaimTest {
  /** Before every other pod of the shop, by name. */
  private static final String CLAIMANT = "a-claimant";

  private static final String FIRST = "a-rival";
  private static final String SECOND = "b-rival";

  /** A file of both, so that neither is known before the other. */
  private static final String RIVALS = "pod-rivals";

  @AutoClose private static ShopsByMechanism shops;

  @BeforeAll
  static void openShops() {
    shops = ShopsByMechanism.lent();
  }

  /** Files that are no namespace of a pod, and what is told of the Pod that names one. */
  private enum NoNamespace {
    FIFO("is no network namespace") {
      @Override
      Path make(Shop shop) {
        Path fifo = shop.site.directory().resolve("fifo");
        String ignored = Commands.run("mkfifo", fifo.toString());
        return fifo;
      }

      @Override
      void end(Path fifo) throws IOException {
        new RandomAccessFile(fifo.toFile(), "rw").close(); // lets go of whoever waits for a writer
      }
    },
    REGULAR_FILE("is no network namespace") {
      @Override
      Path make(Shop shop) throws IOException {
        return Files.writeString(shop.site.directory().resolve("regular"), "");
      }
    },
    LINK_TO_ITSELF("symbolic links") {
      @Override
      Path make(Shop shop) throws IOException {
        Path loop = shop.site.directory().resolve("loop");
        return Files.createSymbolicLink(loop, loop);
      }
    },
    MOUNT_NAMESPACE("is no network namespace") {
      @Override
      Path make(Shop shop) {
        return Path.of("/proc", Long.toString(shop.daemon().pid()), "ns/mnt");
      }
    },
    NETWORK_OF_THE_NODE("shares the node's network namespace") {
      @Override
      Path make(Shop shop) {
        return Path.of("/proc", Long.toString(shop.daemon().pid()), "ns/net");
      }
    };

    private final String told;

    NoNamespace(String told) {
      this.told = told;
    }

    abstract Path make(Shop shop) throws IOException;

    void end(Path path) throws IOException {}
  }

  @ParameterizedTest
  @EnumSource(NoNamespace.class)
  void whatIsNoNamespaceOfAPodIsRefusedAndHoldsNobodyUp(NoNamespace trick) {
    shops.inEach((mechanism, shop) -> {
      Path path = made(trick, shop);
      try {
        shop.change(() -> claim(shop, path));

        assertThat(entry(shop, CLAIMANT).path("state").asText()).isEqualTo("pending");
        assertThat(entry(shop, CLAIMANT).path("problem").asText()).contains(trick.told);
      } finally {
        ended(trick, path);
        shop.change(() -> unclaim(shop));
      }
      Attack.tried("sluice.io/netns names: " + trick + ", " + mechanism)
          .refusedBy("enrolment: " + trick.told)
          .countedAs("node pods: pending, with the problem; sluice_node_pods{state=\"pending\"}");
    });
  }

  @EachMechanism
  void theNamespaceOfAnotherPodStaysWithItOverARestart(Mechanism mechanism) {
    Shop shop = shops.of(mechanism);
    long store = shop.view().pod(shop.store).path("netnsCookie").asLong();
    Process inside = shop.store.start("sleep", "600");
    try {
      shop.change(() -> claim(shop, Path.of("/proc", Long.toString(inside.pid()), "ns/net")));
      assertRefused(shop, store);

      shop.daemon().kill();
      shop.daemon().start();

      assertRefused(shop, store);
      for (Family family : Family.values()) {
        try (TcpServer ignored = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
          Attempt granted = Attempt.from(shop.buyer, shop.service(family), "hi");
          assertThat(granted.answer()).as("granted %s", granted).isEqualTo("hi");
        }
      }
      assertThat(shop.view().events())
          .filteredOn(event -> event.path("reason").asText().equals("namespace_conflict"))
          .extracting(event -> event.path("pod").asText())
          .contains(Manifests.NAMESPACE + "/" + CLAIMANT);
      assertThat(shop.view().metric("sluice_enrolment_namespace_conflicts_total")).isEqualTo(1);
    } finally {
      inside.destroyForcibly();
      shop.change(() -> unclaim(shop));
    }
    Attack.tried("sluice.io/netns names another pod's namespace, over a restart, " + mechanism)
        .refusedBy("enrolment: who holds a namespace keeps it")
        .countedAs("sluice_enrolment_namespace_conflicts_total, event namespace_conflict");
  }

  @EachMechanism
  void ofTwoThatClaimANamespaceOfNobodyNoneIsEnrolled(Mechanism mechanism) {
    Shop shop = shops.of(mechanism);
    SitePod claimed = shop.site.addPods("claimed").getFirst();
    Process inside = claimed.start("sleep", "600");
    double told = shop.view().metric("sluice_enrolment_namespace_conflicts_total");
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort())) {
      String one = pod(FIRST, Path.of("/proc", Long.toString(inside.pid()), "ns/net"));
      String other = pod(SECOND, claimed.path());
      shop.change(() -> shop.site.registry().write(RIVALS, one + "---\n" + other));

      Await.until(
          "both are told of",
          () -> find(shop, FIRST).isPresent() && find(shop, SECOND).isPresent());
      assertThat(entry(shop, FIRST).path("state").asText()).isEqualTo("pending");
      assertThat(entry(shop, FIRST).path("problem").asText()).contains(SECOND, "nobody holds");
      assertThat(entry(shop, SECOND).path("state").asText()).isEqualTo("pending");
      assertThat(entry(shop, SECOND).path("problem").asText()).contains(FIRST, "nobody holds");
      assertThat(shop.view().metric("sluice_enrolment_namespace_conflicts_total"))
          .isEqualTo(told + 2);
      Attempt out = Attempt.from(claimed, shop.stranger.at(Family.IPV4, outside.port()), "hi");
      assertThat(out.answered()).as("%s", out).isFalse();

      shop.change(() -> shop.site.registry().write(RIVALS, other));
      Await.until(
          "the other one holds it",
          () -> entry(shop, SECOND).path("state").asText().equals("enrolled"));
    } finally {
      inside.destroyForcibly();
      shop.change(() -> shop.site.registry().remove(RIVALS));
    }
    Attack.tried("two Pods name one namespace that nobody holds, by two paths, " + mechanism)
        .refusedBy("enrolment: equal claims are both refused")
        .countedAs("sluice_enrolment_namespace_conflicts_total, event namespace_conflict");
  }

  private static void assertRefused(Shop shop, long store) {
    Await.until("the claimant is told of", () -> find(shop, CLAIMANT).isPresent());
    assertThat(shop.view().pod(shop.store).path("netnsCookie").asLong()).isEqualTo(store);
    assertThat(entry(shop, CLAIMANT).path("state").asText()).isEqualTo("pending");
    assertThat(entry(shop, CLAIMANT).path("problem").asText()).contains(shop.store.meshName());
  }

  private static JsonNode entry(Shop shop, String pod) {
    return find(shop, pod).orElseThrow();
  }

  private static Optional<JsonNode> find(Shop shop, String pod) {
    return shop.view().pods().stream()
        .filter(entry -> entry.path("pod").asText().equals(Manifests.NAMESPACE + "/" + pod))
        .findFirst();
  }

  private static void claim(Shop shop, Path netns) {
    shop.site.registry().write("pod-" + CLAIMANT, pod(CLAIMANT, netns));
  }

  private static void unclaim(Shop shop) {
    shop.site.registry().remove("pod-" + CLAIMANT);
  }

  private static String pod(String name, Path netns) {
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %s, namespace: %s, annotations: {sluice.io/netns: "%s"}}
    spec: {serviceAccountName: %1$s}
    """
        .formatted(name, Manifests.NAMESPACE, netns);
  }

  private static Path made(NoNamespace trick, Shop shop) {
    try {
      return trick.make(shop);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void ended(NoNamespace trick, Path path) {
    try {
      trick.end(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
