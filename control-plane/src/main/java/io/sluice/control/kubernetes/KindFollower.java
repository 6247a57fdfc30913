package io.sluice.control.kubernetes;

import io.sluice.control.kubernetes.KindObjects.Update;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.registry.Rounds;
import io.sluice.process.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the objects of one kind up to date for as long as it runs, whatever the API server does: on
 * a virtual thread of its own. What was read stays while the server cannot be read.
 */
final class KindFollower {
  private static final Logger LOG = System.getLogger(KindFollower.class.getName());

  /** One failure that may pass by itself is no news: connections end now and then. */
  private static final int FAILURES_TO_TELL = 2;

  private final ReadableKind kind;
  private final WatchSettings settings;
  private final KubernetesObjects.Changes changes;
  private final KindObjects objects;
  private final KindStatus status;
  private final WatchCounts counts;
  private final KindWatch watch;
  private final Backoff backoff;
  private final Backoff appearing;
  private final Definitions definitions;
  private final Semaphore look = new Semaphore(0);
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;
  private boolean wasMissing;

  KindFollower(
      KubernetesApi api,
      ReadableKind kind,
      WatchSettings settings,
      KubernetesObjects.Changes changes,
      Definitions definitions) {
    this.kind = kind;
    this.settings = settings;
    this.changes = changes;
    this.objects = new KindObjects(kind, settings.maxObjects());
    this.status = new KindStatus(kind);
    this.counts = new WatchCounts(kind, objects);
    this.watch = new KindWatch(api, kind, settings, objects, counts, this);
    this.backoff = new Backoff(settings.shortestPause(), settings.longestPause());
    this.appearing = new Backoff(settings.shortestPause(), settings.longestPause());
    this.definitions = definitions;
    this.thread = Thread.ofVirtual().name("sluice-watch-" + kind.resource()).unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Ends the present pause, or the next one: the kind may have been installed. */
  void lookAgain() {
    look.release();
  }

  ReadableKind kind() {
    return kind;
  }

  KindObjects objects() {
    return objects;
  }

  WatchCounts counts() {
    return counts;
  }

  KindStatus status() {
    return status;
  }

  private void run() {
    try {
      while (closing.getCount() > 0) {
        Duration pause = step();
        if (!pause.isZero() && look.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS)) {
          look.drainPermits();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // only close() interrupts
    }
  }

  /** Returns the pause before the next step. */
  private Duration step() {
    try {
      watch.step();
      return Duration.ZERO;
    } catch (KubernetesApiException e) {
      return closing.getCount() == 0 ? Duration.ZERO : failed(e);
    } catch (RuntimeException e) {
      // Top frame: without this thread the kind would stand still for ever.
      LOG.log(Level.ERROR, "kubernetes_watch_failed kind=" + kind.kind(), e);
      return failed(new KubernetesApiException(Failure.REJECTED, kind.resource(), e.toString(), e));
    }
  }

  private Duration failed(KubernetesApiException e) {
    if (e.failure() == Failure.NOT_FOUND && !kind.isBuiltIn()) {
      return missing();
    }
    Duration pause = e.pauseOf(backoff);
    if (!e.failure().isRetryable() || backoff.failures() >= FAILURES_TO_TELL) {
      tell(status.failed(e), String.valueOf(e.getMessage()));
    }
    return pause;
  }

  /**
   * Nobody has installed the kind, so it has no objects. Where it had some, a server that is just
   * starting may not know its own kinds yet: then only the second look counts, and none while the
   * kind is defined.
   */
  private Duration missing() {
    if (objects.isEmpty() || (wasMissing && !definitions.isDefined(kind))) {
      List<Update> gone = objects.replace(List.of());
      upToDate(gone);
      wasMissing = true;
    } else {
      wasMissing = true;
      tell(
          status.failed(
              new KubernetesApiException(
                  Failure.CONFLICT, kind.resource(), "the kind is not served any more", null)),
          "the kind is not served any more");
    }
    return pauseWithoutKind();
  }

  /** A definition that was just made is served a moment later; without one there is no hurry. */
  private Duration pauseWithoutKind() {
    if (definitions.isDefined(kind)) {
      return appearing.failed();
    }
    appearing.reset();
    return wasMissing && objects.isEmpty() && definitions.isAbsent(kind)
        ? settings.listAgainAfter()
        : settings.longestPause();
  }

  /** The objects of the kind are as they are on the server, after {@code updates}. */
  void upToDate(List<Update> updates) {
    backoff.reset();
    wasMissing = false;
    changes.add(updates);
    tell(status.succeeded(), "up to date");
  }

  /** Something is known of one object. */
  void changed(Update update) {
    changes.add(List.of(update));
  }

  private void tell(boolean isNews, String how) {
    if (isNews) {
      LOG.log(Level.DEBUG, "kubernetes_kind kind={0} state={1}", kind.kind(), how);
      changes.wake();
    }
  }

  /** Ends the watch and waits for its thread. */
  void close() {
    closing.countDown();
    look.release();
    thread.interrupt();
    Rounds.awaitEnd(thread);
  }

  /** Whether one kind can be read, and what to do where it cannot. Any thread. */
  static final class KindStatus {
    private final ReadableKind kind;
    private boolean tried;
    private boolean known;
    private @Nullable Problem problem;

    KindStatus(ReadableKind kind) {
      this.kind = kind;
    }

    /**
     * Its objects are known, or it is certain that there are none. Returns whether that is news.
     */
    synchronized boolean succeeded() {
      boolean news = !known || problem != null;
      tried = true;
      known = true;
      problem = null;
      return news;
    }

    /** It cannot be read now. Returns whether that is news. */
    synchronized boolean failed(KubernetesApiException e) {
      Problem now = problem(e);
      boolean news = !tried || !now.equals(problem);
      tried = true;
      problem = now;
      return news;
    }

    /** Whether there was an answer to a first list, good or bad. */
    synchronized boolean isTried() {
      return tried;
    }

    /** Whether it was listed, and can be followed. */
    synchronized boolean isComplete() {
      return known && problem == null;
    }

    synchronized Optional<Problem> problem() {
      return Optional.ofNullable(problem);
    }

    private Problem problem(KubernetesApiException e) {
      return new Problem(
          KindObjects.ORIGIN,
          0,
          kind.resource(),
          String.valueOf(e.getMessage()),
          mend(e.failure()));
    }

    private String mend(Failure failure) {
      return switch (failure) {
        case FORBIDDEN ->
            "allow it to the controller's account: {apiGroups: [\""
                + kind.group()
                + "\"], resources: ["
                + kind.resource()
                + "], verbs: [list, watch]}";
        case UNAUTHENTICATED -> "give the controller a credential that the API server knows";
        case UNREACHABLE, BUSY, CONFLICT ->
            "what was read before stays in force; look at the API server if this lasts";
        case NOT_FOUND -> "look whether the API server serves this kind, as every cluster does";
        case REJECTED -> "look at the API server's log";
      };
    }
  }
}
