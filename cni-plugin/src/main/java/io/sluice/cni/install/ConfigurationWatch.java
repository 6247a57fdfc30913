package io.sluice.cni.install;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the node as {@link CniInstaller} makes it while others rewrite their files: after every
 * change in the runtime's directories that the kernel reports, and now and then without one. Has
 * one thread of its own, from {@link #start} to {@link #close}.
 *
 * <p>When the primary configuration has gone, ours goes too, after a grace period: it would go on
 * calling plugins that were uninstalled, while the runtime, which sees a configuration, takes the
 * network for ready. Until there is a primary again no pod starts, so nothing starts unprotected.
 * The grace period is for those that rewrite their file by removing it first.
 */
public final class ConfigurationWatch implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(ConfigurationWatch.class.getName());
  private static final Duration PATIENCE_AT_CLOSE = Duration.ofSeconds(5);

  private final CniInstaller installer;
  private final WatchSettings settings;
  private final Consumer<Convergence> listener;
  private final ContestedFile contested = new ContestedFile();
  private final DirectoryWatch directories = new DirectoryWatch();
  private final Thread thread;
  private volatile @Nullable Convergence latest;
  private long orphanedSinceNanos;
  private boolean orphaned;

  private ConfigurationWatch(
      CniInstaller installer, WatchSettings settings, Consumer<Convergence> listener) {
    this.installer = installer;
    this.settings = settings;
    this.listener = listener;
    this.thread = Thread.ofVirtual().name("sluice-cni-watch").unstarted(this::run);
  }

  /**
   * Starts watching; the first round begins at once.
   *
   * @param listener told of each round that changed something or whose state or problems differ
   *     from the one before; called on the watch's thread, so it must not wait for long
   */
  public static ConfigurationWatch start(
      CniInstaller installer, WatchSettings settings, Consumer<Convergence> listener) {
    var watch = new ConfigurationWatch(installer, settings, listener);
    if (!watch.directories.isLive()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "cni_watch_polls_only interval={0} hint=\"raise fs.inotify.max_user_instances\"",
          settings.pollInterval());
    }
    watch.thread.start();
    return watch;
  }

  /** What the last round did; nothing before the first has ended. */
  public Optional<Convergence> latest() {
    return Optional.ofNullable(latest);
  }

  /** Whether the thread has ended. */
  boolean hasEnded() {
    return !thread.isAlive();
  }

  private void run() {
    try {
      Duration wait = Duration.ZERO;
      do {
        wait = round();
      } while (directories.pause(contested.pause())
          && directories.await(wait, ConfigurationWatch::isOurs));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed
    }
  }

  /** Someone changed what is ours: until it is put back, pods start without it. */
  private static boolean isOurs(String name) {
    return name.equals(ChainedConflist.FILE) || name.equals(PluginEntry.TYPE);
  }

  /** Returns how long to wait at most for the next. */
  private Duration round() {
    try {
      RuntimePaths paths = installer.paths();
      directories.watch(resolved(paths));
      Convergence result = contested.judge(installer.converge(paths), System.nanoTime());
      publish(result);
      return untilWithdrawal(result);
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "cni_watch_failed", e);
      return settings.pollInterval();
    }
  }

  private Duration untilWithdrawal(Convergence result) {
    if (result.state() != ChainState.ORPHANED) {
      orphaned = false;
      return settings.pollInterval();
    }
    long now = System.nanoTime();
    if (!orphaned) {
      orphaned = true;
      orphanedSinceNanos = now;
    }
    Duration left = settings.primaryGrace().minusNanos(now - orphanedSinceNanos);
    if (left.isPositive()) {
      // A millisecond more, since waiting counts in whole ones.
      return min(left.plusMillis(1), settings.pollInterval());
    }
    publish(installer.withdraw(result.paths()));
    orphaned = false;
    return settings.pollInterval();
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /** Anew in each round: what a link leads to may change, as data/current of k3s does. */
  private List<Path> resolved(RuntimePaths paths) {
    var wanted = new ArrayList<>(paths.binDirs());
    wanted.addFirst(paths.confDir());
    var local = new ArrayList<Path>();
    for (Path path : wanted) {
      try {
        local.add(installer.tree().resolve(path));
      } catch (IOException e) {
        continue; // a circle of links: the round itself names it as a problem
      }
    }
    return local;
  }

  private void publish(Convergence result) {
    Convergence before = latest;
    latest = result;
    boolean news =
        before == null
            || !result.done().isEmpty()
            || before.state() != result.state()
            || !before.problems().equals(result.problems());
    if (!news) {
      return;
    }
    result.done().forEach(done -> LOG.log(System.Logger.Level.INFO, "cni_changed {0}", done));
    if (before == null || !before.problems().equals(result.problems())) {
      for (Problem problem : result.problems()) {
        LOG.log(
            System.Logger.Level.WARNING,
            "cni_problem path={0} text=\"{1}\"",
            problem.path(),
            problem.text());
      }
    }
    listener.accept(result);
  }

  /** Ends the thread. What is on the node stays. */
  @Override
  public void close() {
    directories.close();
    try {
      if (!thread.join(PATIENCE_AT_CLOSE)) {
        LOG.log(System.Logger.Level.WARNING, "cni_watch_still_busy");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * How patient a {@link ConfigurationWatch} is.
   *
   * @param pollInterval how often it looks though the kernel reported nothing
   * @param primaryGrace how long the primary configuration may be gone before ours is taken away
   */
  public record WatchSettings(Duration pollInterval, Duration primaryGrace) {
    /** Thirty seconds each: longer than an installer takes that removes its file and writes it. */
    public static final WatchSettings DEFAULT =
        new WatchSettings(Duration.ofSeconds(30), Duration.ofSeconds(30));

    /**
     * @throws IllegalArgumentException when there is no time between two looks, or a negative one
     */
    public WatchSettings {
      if (!pollInterval.isPositive() || primaryGrace.isNegative()) {
        throw new IllegalArgumentException(
            "poll interval "
                + pollInterval
                + " has to be positive, grace "
                + primaryGrace
                + " not "
                + "negative");
      }
    }
  }

  /**
   * Notices that something else on the node undoes what the watch does, again and again, and slows
   * the watch down then: two programs that answer each other at once would keep the disk busy for
   * ever. It does not give up, since pods would start outside the mesh. Used by one thread.
   */
  static final class ContestedFile {
    /** More rounds with a change than any installer of a network causes. */
    private static final int MOST_CHANGES = 100;

    private static final Duration WITHIN = Duration.ofMinutes(1);
    private static final Duration PAUSE = Duration.ofMillis(500);

    private final Deque<Long> changesNanos = new ArrayDeque<>();

    /** The result, with the problem when it is one. */
    Convergence judge(Convergence result, long nowNanos) {
      if (!result.done().isEmpty()) {
        changesNanos.addLast(nowNanos);
      }
      while (!changesNanos.isEmpty() && nowNanos - changesNanos.getFirst() > WITHIN.toNanos()) {
        changesNanos.removeFirst();
      }
      if (!isContested()) {
        return result;
      }
      var problems = new ArrayList<>(result.problems());
      problems.add(
          new Problem(
              result.paths().confDir().resolve(ChainedConflist.FILE),
              "had to be put right more than "
                  + MOST_CHANGES
                  + " times in a minute: something else on this node undoes it, such as Cilium with "
                  + "cni.exclusive=true; set that to false"));
      return new Convergence(result.paths(), result.state(), result.done(), problems);
    }

    /** How long to leave the file alone before the next round. */
    Duration pause() {
      return isContested() ? PAUSE : Duration.ZERO;
    }

    private boolean isContested() {
      return changesNanos.size() > MOST_CHANGES;
    }
  }
}
