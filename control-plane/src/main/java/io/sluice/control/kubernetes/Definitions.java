package io.sluice.control.kubernetes;

import io.sluice.control.kubernetes.JsonTree.WatchEvents.WatchEvent;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.ReadableKind;
import io.sluice.process.Backoff;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which of the kinds that a cluster need not have are defined in it, by the names of their
 * definitions: so that a kind that nobody has installed costs no requests until somebody does. On a
 * virtual thread of its own. Where definitions cannot be followed, as without the right to, nothing
 * is known, and a kind that is not there has to be looked for.
 */
final class Definitions {
  private static final Logger LOG = System.getLogger(Definitions.class.getName());
  private static final String PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

  /** Names alone: the schemas of a large cluster are tens of megabytes (API concepts). */
  private static final String METADATA =
      "application/json;as=PartialObjectMetadata%s;g=meta.k8s.io;v=v1";

  private static final String LIST = METADATA.formatted("List") + ",application/json";
  private static final String WATCH = METADATA.formatted("") + ",application/json";

  private final KubernetesApi api;
  private final WatchSettings settings;
  private final Map<String, ReadableKind> kinds;
  private final Consumer<ReadableKind> changed;
  private final Backoff backoff;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;
  private volatile @Nullable Set<ReadableKind> defined;
  private String version = "";

  /**
   * Connects to nothing yet.
   *
   * @param changed told that a kind has to be looked for again, on the thread of this
   */
  Definitions(
      KubernetesApi api,
      WatchSettings settings,
      Set<ReadableKind> kinds,
      Consumer<ReadableKind> changed) {
    this.api = api;
    this.settings = settings;
    this.kinds =
        kinds.stream()
            .filter(kind -> !kind.isBuiltIn())
            .collect(
                Collectors.toMap(
                    kind -> kind.resource() + "." + kind.group(), Function.identity()));
    this.changed = changed;
    this.backoff = new Backoff(settings.shortestPause(), settings.longestPause());
    this.thread = Thread.ofVirtual().name("sluice-watch-definitions").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Whether it is certain that the cluster has no such kind. */
  boolean isAbsent(ReadableKind kind) {
    Set<ReadableKind> known = defined;
    return known != null && !known.contains(kind);
  }

  /** Whether it is certain that the kind is defined, and so about to be served. */
  boolean isDefined(ReadableKind kind) {
    Set<ReadableKind> known = defined;
    return known != null && known.contains(kind);
  }

  private void run() {
    try {
      while (closing.getCount() > 0) {
        if (closing.await(step().toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // only close() interrupts
    }
  }

  /** Returns the pause before the next step. */
  private Duration step() {
    try {
      if (version.isEmpty()) {
        list();
      } else {
        watch();
      }
      backoff.reset();
      return Duration.ZERO;
    } catch (KubernetesApiException e) {
      version = "";
      if (!e.failure().isRetryable()) {
        forget();
      }
      return e.pauseOf(backoff);
    } catch (RuntimeException e) {
      // Top frame: without this thread a kind that is installed later would not be noticed.
      LOG.log(Level.ERROR, "kubernetes_definitions_failed", e);
      version = "";
      return backoff.failed();
    }
  }

  /** A missing right, or a server without definitions: kinds are looked for as they come. */
  private void forget() {
    if (defined != null) {
      defined = null;
      kinds.values().forEach(changed);
    }
  }

  private void list() {
    Set<ReadableKind> found = EnumSet.noneOf(ReadableKind.class);
    String next = "";
    JsonTree.ListPage page;
    do {
      try (AnswerStream in = api.open(PATH + settings.listQuery(next), LIST, settings.silence())) {
        page = JsonTree.ListPage.read(in, object -> kind(object).ifPresent(found::add));
      } catch (IOException e) {
        throw broken(e);
      }
      next = page.next();
    } while (!next.isEmpty());
    defined = found;
    found.forEach(changed);
    version = page.version();
  }

  private void watch() {
    long began = System.nanoTime();
    try (AnswerStream in =
        api.open(PATH + settings.watchQuery(version), WATCH, settings.silenceOfWatch())) {
      JsonTree.WatchEvents events = new JsonTree.WatchEvents(in);
      for (var event = events.next(); event.isPresent(); event = events.next()) {
        take(event.get());
      }
    } catch (IOException e) {
      throw broken(e);
    }
    if (System.nanoTime() - began < settings.shortestPause().toNanos()) {
      throw broken(new IOException("the server ended the watch at once"));
    }
  }

  private void take(WatchEvent event) {
    if (event.type().equals("ERROR") || event.version().isEmpty()) {
      throw new KubernetesApiException(Failure.BUSY, "watch " + PATH, "it ended by an error", null);
    }
    version = event.version();
    Optional<ReadableKind> kind = kind(event.object());
    Set<ReadableKind> known = defined;
    if (kind.isPresent() && known != null) {
      Set<ReadableKind> now = EnumSet.noneOf(ReadableKind.class);
      now.addAll(known);
      if (event.type().equals("DELETED")) {
        now.remove(kind.get());
      } else {
        now.add(kind.get());
      }
      defined = now;
      changed.accept(kind.get());
    }
  }

  private Optional<ReadableKind> kind(YamlValue.Mapping object) {
    return Optional.ofNullable(kinds.get(JsonTree.text(object, "metadata", "name")));
  }

  private static KubernetesApiException broken(IOException e) {
    return new KubernetesApiException(
        Failure.UNREACHABLE, "GET " + PATH, String.valueOf(e.getMessage()), e);
  }

  /** Ends the watch; its thread may take a moment more. */
  void close() {
    closing.countDown();
    thread.interrupt();
  }
}
