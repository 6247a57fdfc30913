package io.sluice.cni.install;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.await.Await;
import io.sluice.cni.install.ConfigurationWatch.WatchSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigurationWatchTest {
  private static final Duration NEVER = Duration.ofHours(1);
  private static final WatchSettings EVENTS_ONLY = new WatchSettings(NEVER, NEVER);
  private static final int REWRITES = 50;

  @TempDir Path directory;
  private Node node;
  private final List<Convergence> heard = new CopyOnWriteArrayList<>();
  private @Nullable ConfigurationWatch watch;

  @BeforeEach
  void makeNode() throws IOException {
    node = new Node(directory);
  }

  @AfterEach
  void close() {
    if (watch != null) {
      watch.close();
    }
  }

  @Test
  void chainsAtTheStart() throws IOException {
    node.primary("10-a.conflist", Node.list("n", "a"));
    start(EVENTS_ONLY);

    node.awaitChain("a", "sluice-cni");
    Await.until("the listener heard of it", () -> !heard.isEmpty());
    assertThat(heard.getFirst().state()).isEqualTo(ChainState.CHAINED);
  }

  @Test
  void followsEveryRewriteOfThePrimary() throws Exception {
    var random = new Random(20_261_120);
    node.primary("10-a.conflist", Node.list("n", "first"));
    start(EVENTS_ONLY);
    node.awaitChain("first", "sluice-cni");
    try (var observer = new Observer()) {
      for (int i = 0; i < REWRITES; i++) {
        String[] types = types(random, i);
        rewrite(random.nextInt(3), Node.list("n", types));
        String[] expected = Arrays.copyOf(types, types.length + 1);
        expected[types.length] = "sluice-cni";
        node.awaitChain(expected);
      }
      assertThat(observer.violations).isEmpty();
      assertThat(observer.looks).hasValueGreaterThan(REWRITES);
    }
    assertThat(node.confDir.toFile().list())
        .containsExactlyInAnyOrder("00-00-sluice.conflist", "10-a.conflist");
  }

  /** As a runtime at any moment: the first configuration has to be whole and to pass through us. */
  private final class Observer implements AutoCloseable {
    private final List<String> violations = new CopyOnWriteArrayList<>();
    private final AtomicInteger looks = new AtomicInteger();
    private final AtomicBoolean done = new AtomicBoolean();
    private final ObjectMapper json = new ObjectMapper();
    private final Thread thread;

    Observer() {
      thread = Thread.ofPlatform().start(this::observe);
    }

    private void observe() {
      while (!done.get()) {
        try {
          String first = node.configurations().getFirst();
          JsonNode plugins = json.readTree(node.confDir.resolve(first).toFile()).path("plugins");
          int ours = 0;
          for (JsonNode plugin : plugins) {
            ours += plugin.path("type").asText().equals("sluice-cni") ? 1 : 0;
          }
          boolean last =
              plugins.path(plugins.size() - 1).path("type").asText().equals("sluice-cni");
          if (!first.equals("00-00-sluice.conflist") || ours != 1 || !last) {
            violations.add(first + " " + plugins);
          }
        } catch (IOException | RuntimeException e) {
          violations.add(e.toString());
        }
        looks.incrementAndGet();
      }
    }

    @Override
    public void close() throws InterruptedException {
      done.set(true);
      thread.join();
    }
  }

  private static String[] types(Random random, int round) {
    var types = new ArrayList<String>();
    for (int i = 0; i <= random.nextInt(4); i++) {
      types.add("t" + round + "-" + i);
    }
    return types.toArray(String[]::new);
  }

  private void rewrite(int way, String content) throws IOException {
    Path file = node.confDir.resolve("10-a.conflist");
    switch (way) {
      case 0 -> Files.writeString(file, content); // in place: readers may see a part
      case 1 -> {
        Path temporary = Files.writeString(node.confDir.resolve("10-a.conflist.new"), content);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      }
      default -> {
        Files.delete(file);
        Files.writeString(file, content);
      }
    }
  }

  @Test
  void putsOursBackWhenItIsRemovedRenamedOrAltered() throws IOException {
    node.primary("10-a.conflist", Node.list("n", "a"));
    start(EVENTS_ONLY);
    node.awaitChain("a", "sluice-cni");
    byte[] content = Files.readAllBytes(node.ours);

    Files.delete(node.ours);
    awaitOurs(content);
    Files.move(node.ours, node.confDir.resolve("00-00-sluice.conflist.cilium_bak"));
    awaitOurs(content);
    Files.writeString(node.ours, Node.list("n", "a"));
    awaitOurs(content);
    Files.createFile(node.root.resolve("empty"));
    Files.move(node.root.resolve("empty"), node.ours, StandardCopyOption.REPLACE_EXISTING);
    awaitOurs(content);
  }

  private void awaitOurs(byte[] content) {
    Await.until("ours is back", () -> Arrays.equals(content, Files.readAllBytes(node.ours)));
  }

  @Test
  void putsTheBinaryBack() throws IOException {
    start(EVENTS_ONLY);
    Await.until("the binary is there", () -> Files.exists(node.binary));

    Files.delete(node.binary);

    Await.until("the binary is back", () -> Files.exists(node.binary));
  }

  @Test
  void findsByPollingWhatTheKernelDoesNotReport() throws IOException {
    Path other = Files.createDirectories(node.root.resolve("other")).resolve("sluice-cni");
    node.paths =
        new RuntimePaths(
            node.paths.confDir(),
            node.paths.binDirs(),
            List.of(Path.of("/other")), // not watched
            List.of(),
            "",
            "",
            List.of(),
            List.of());
    start(new WatchSettings(Duration.ofMillis(50), NEVER));
    Await.until("the binary is there", () -> Files.exists(other));

    Files.delete(other);

    Await.until("the binary is back", () -> Files.exists(other));
  }

  @Test
  void takesTheNextPrimaryWhenTheFirstVanishes() throws IOException {
    Path first = node.primary("10-a.conflist", Node.list("n", "a"));
    node.primary("20-b.conflist", Node.list("n", "b"));
    start(EVENTS_ONLY);
    node.awaitChain("a", "sluice-cni");

    Files.delete(first);

    node.awaitChain("b", "sluice-cni");
  }

  @Test
  void takesOursAwayOnceThePrimaryHasBeenGoneForTheGracePeriod() throws IOException {
    Path primary = node.primary("10-a.conflist", Node.list("n", "a"));
    Duration grace = Duration.ofMillis(300);
    start(new WatchSettings(NEVER, grace));
    node.awaitChain("a", "sluice-cni");

    long start = System.nanoTime();
    Files.delete(primary);
    Await.until("ours is gone", () -> !Files.exists(node.ours));
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(grace);

    node.primary("10-a.conflist", Node.list("n", "b"));
    node.awaitChain("b", "sluice-cni");
  }

  @Test
  void keepsOursWhileThePrimaryIsOnlyInvalid() throws IOException {
    node.primary("10-a.conflist", Node.list("n", "a"));
    start(new WatchSettings(NEVER, Duration.ZERO));
    node.awaitChain("a", "sluice-cni");

    node.primary("10-a.conflist", "{");

    Await.until(
        "the problem is told", () -> heard.getLast().problems().toString().contains("is no JSON"));
    node.awaitChain("a", "sluice-cni");
    node.primary("10-a.conflist", Node.list("n", "c"));
    node.awaitChain("c", "sluice-cni");
  }

  @Test
  void waitsForADirectoryThatDoesNotExistYet() throws IOException {
    Files.delete(node.confDir);
    Files.delete(node.confDir.getParent());
    start(EVENTS_ONLY);
    Await.until("the first round is over", () -> !heard.isEmpty());
    assertThat(heard.getFirst().state()).isEqualTo(ChainState.NO_DIRECTORY);

    Files.createDirectories(node.confDir);
    node.primary("10-a.conflist", Node.list("n", "a"));

    node.awaitChain("a", "sluice-cni");
  }

  @Test
  void followsADirectoryThatIsRemovedAndMadeAnew() throws IOException {
    Path primary = node.primary("10-a.conflist", Node.list("n", "a"));
    start(EVENTS_ONLY);
    node.awaitChain("a", "sluice-cni");

    Files.move(node.confDir, node.confDir.resolveSibling("old"));
    Files.createDirectories(node.confDir);
    Files.writeString(primary, Node.list("n", "b"));
    node.awaitChain("b", "sluice-cni");
    Files.writeString(primary, Node.list("n", "c"));

    node.awaitChain("c", "sluice-cni");
  }

  @Test
  void followsALinkThatLeadsElsewhereNow() throws IOException {
    for (String data : new String[] {"0ab", "1cd"}) {
      Files.createDirectories(node.root.resolve("data").resolve(data).resolve("bin"));
    }
    Path current = node.root.resolve("data/current");
    Files.createSymbolicLink(current, Path.of("/data/0ab"));
    node.paths = node.paths.withBinDirs(List.of(Path.of("/data/current/bin")));
    start(new WatchSettings(Duration.ofMillis(50), NEVER));
    Await.until("old place", () -> Files.exists(node.root.resolve("data/0ab/bin/sluice-cni")));

    Files.delete(current);
    Files.createSymbolicLink(current, Path.of("/data/1cd"));

    Await.until("new place", () -> Files.exists(node.root.resolve("data/1cd/bin/sluice-cni")));
  }

  @Test
  void leavesTheNodeAloneOnceClosed() throws IOException {
    node.primary("10-a.conflist", Node.list("n", "a"));
    ConfigurationWatch started = start(new WatchSettings(Duration.ofMillis(20), NEVER));
    node.awaitChain("a", "sluice-cni");

    started.close();

    assertThat(started.hasEnded()).isTrue();
    assertThat(node.chain()).as("a stop is no uninstall").containsExactly("a", "sluice-cni");
    node.installer().uninstall();
    assertThat(node.chain()).containsExactly("a");
  }

  @Test
  void tellsNothingWhileNothingHappens() throws IOException {
    node.primary("10-a.conflist", Node.list("n", "a"));
    var rounds = new AtomicInteger();
    var installer =
        new CniInstaller(
            node.root,
            () -> {
              rounds.incrementAndGet();
              return node.paths;
            },
            Node.BINARY,
            Node.ENTRY);
    watch =
        ConfigurationWatch.start(
            installer, new WatchSettings(Duration.ofMillis(5), NEVER), heard::add);

    Await.until("there were many rounds", () -> rounds.get() > 20);

    assertThat(heard).hasSize(1);
    assertThat(watch.latest()).get().extracting(Convergence::done).isEqualTo(List.of());
  }

  private ConfigurationWatch start(WatchSettings settings) {
    watch = ConfigurationWatch.start(node.installer(), settings, heard::add);
    return watch;
  }
}
