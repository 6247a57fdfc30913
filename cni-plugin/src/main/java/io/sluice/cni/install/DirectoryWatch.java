package io.sluice.cni.install;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Tells when something changed in a few directories. One that does not exist is waited for in the
 * nearest directory above it. Used by one thread; {@link #close} by any.
 */
final class DirectoryWatch implements AutoCloseable {
  /** How long others must be quiet before their files are read: they write in several steps. */
  private static final Duration QUIET = Duration.ofMillis(50);

  /** How long files that are never quiet are waited for at most. */
  private static final Duration LONGEST_DELAY = Duration.ofMillis(250);

  private record Watched(WatchKey key, @Nullable Object identity) {}

  private final @Nullable WatchService service;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Map<Path, Watched> watched = new HashMap<>();

  DirectoryWatch() {
    this.service = open();
  }

  private static @Nullable WatchService open() {
    try {
      return FileSystems.getDefault().newWatchService();
    } catch (IOException | UnsupportedOperationException e) {
      return null; // inotify is used up: asking now and then still finds every change
    }
  }

  /** Whether changes are reported; else there is only the time limit of {@link #await}. */
  boolean isLive() {
    return service != null;
  }

  /** Watches these from now on; call before looking at them. */
  void watch(Collection<Path> directories) {
    if (service == null) {
      return;
    }
    Set<Path> wanted = new HashSet<>();
    for (Path directory : directories) {
      wanted.add(register(service, directory));
      // A directory says nothing of being renamed itself; the one it is in does.
      Path above = directory.getParent();
      if (above != null) {
        wanted.add(register(service, above));
      }
    }
    watched
        .entrySet()
        .removeIf(entry -> {
          boolean stale = !wanted.contains(entry.getKey());
          if (stale) {
            entry.getValue().key().cancel();
          }
          return stale;
        });
  }

  /** Returns what is watched: the directory, or the one above it in which it will appear. */
  private Path register(WatchService to, Path directory) {
    Path present = nearest(directory);
    while (true) {
      try {
        Object identity = Files.readAttributes(present, BasicFileAttributes.class).fileKey();
        Watched before = watched.get(present);
        if (before == null
            || !before.key().isValid()
            || !Objects.equals(before.identity(), identity)) {
          if (before != null) {
            before.key().cancel();
          }
          WatchKey key =
              present.register(
                  to,
                  StandardWatchEventKinds.ENTRY_CREATE,
                  StandardWatchEventKinds.ENTRY_MODIFY,
                  StandardWatchEventKinds.ENTRY_DELETE);
          watched.put(present, new Watched(key, identity));
        }
      } catch (IOException e) {
        watched.remove(present); // gone again, or no watch left: the time limit has to do
      }
      Path again = nearest(directory);
      if (again.equals(present)) {
        return present;
      }
      present = again; // it appeared while the one above was registered
    }
  }

  private static Path nearest(Path directory) {
    Path present = directory;
    while (!Files.isDirectory(present)) {
      Path above = present.getParent();
      if (above == null) {
        return present;
      }
      present = above;
    }
    return present;
  }

  /**
   * Waits for a change, at most this long. Changes of other files are given a moment to settle;
   * that of an {@code urgent} name returns at once. Returns false when the watch was closed.
   */
  boolean await(Duration longest, Predicate<String> urgent) throws InterruptedException {
    if (service == null) {
      return !closed.await(longest.toMillis(), TimeUnit.MILLISECONDS);
    }
    try {
      WatchKey key = service.poll(longest.toMillis(), TimeUnit.MILLISECONDS);
      long deadline = System.nanoTime() + LONGEST_DELAY.toNanos();
      boolean atOnce = false;
      while (key != null) {
        atOnce |= drain(key, urgent);
        boolean over = atOnce || System.nanoTime() - deadline > 0;
        key = over ? service.poll() : service.poll(QUIET.toMillis(), TimeUnit.MILLISECONDS);
        if (over && key != null) {
          drain(key, urgent);
          key = null;
        }
      }
      return closed.getCount() > 0;
    } catch (ClosedWatchServiceException e) {
      return false;
    }
  }

  /** Waits whatever happens. Returns false when the watch was closed. */
  boolean pause(Duration time) throws InterruptedException {
    return !closed.await(time.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static boolean drain(WatchKey key, Predicate<String> urgent) {
    boolean any = false;
    for (WatchEvent<?> event : key.pollEvents()) {
      any |= event.context() instanceof Path name && urgent.test(name.toString());
    }
    key.reset();
    return any;
  }

  @Override
  public void close() {
    closed.countDown();
    if (service != null) {
      try {
        service.close();
      } catch (IOException e) {
        throw new UncheckedIOException("closing the watch of configurations", e);
      }
    }
  }
}
