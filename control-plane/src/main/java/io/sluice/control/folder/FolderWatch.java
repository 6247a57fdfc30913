package io.sluice.control.folder;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells when to look at the folder again: soon after the kernel reported a change, and now and then
 * in case it reported none (network file systems, a folder that was replaced, inotify used up).
 */
final class FolderWatch implements AutoCloseable {
  /** How long the folder must be quiet before it is read: an editor saves in several steps. */
  private static final Duration QUIET = Duration.ofMillis(50);

  /** How long a folder that is never quiet is waited for at most. */
  private static final Duration LONGEST_DELAY = Duration.ofMillis(150);

  private final Path directory;
  private final Duration pollInterval;
  private final @Nullable WatchService watcher;
  private @Nullable WatchKey key;
  private @Nullable Object folderKey;

  FolderWatch(Path directory, Duration pollInterval) {
    this.directory = directory;
    this.pollInterval = pollInterval;
    this.watcher = open(directory);
  }

  private static @Nullable WatchService open(Path directory) {
    try {
      return directory.getFileSystem().newWatchService();
    } catch (IOException | UnsupportedOperationException e) {
      return null; // polling alone still finds every change
    }
  }

  /** Watches the folder that is now at the path; call before each scan. */
  void register() {
    if (watcher == null) {
      return;
    }
    try {
      Object present = Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
      if (key != null && key.isValid() && Objects.equals(present, folderKey)) {
        return;
      }
      if (key != null) {
        key.cancel();
      }
      key =
          directory.register(
              watcher,
              StandardWatchEventKinds.ENTRY_CREATE,
              StandardWatchEventKinds.ENTRY_MODIFY,
              StandardWatchEventKinds.ENTRY_DELETE);
      folderKey = present;
    } catch (IOException e) {
      folderKey = null; // no folder yet, or no watch left: the poll interval has to do
    }
  }

  /** Waits for a reason to look. Returns false when the watch was closed. */
  boolean await() throws InterruptedException {
    if (watcher == null) {
      Thread.sleep(pollInterval);
      return true;
    }
    try {
      WatchKey first = watcher.poll(pollInterval.toMillis(), TimeUnit.MILLISECONDS);
      if (first != null) {
        drain(first);
        long deadline = System.nanoTime() + LONGEST_DELAY.toNanos();
        WatchKey next = watcher.poll(QUIET.toMillis(), TimeUnit.MILLISECONDS);
        while (next != null && System.nanoTime() < deadline) {
          drain(next);
          next = watcher.poll(QUIET.toMillis(), TimeUnit.MILLISECONDS);
        }
        if (next != null) {
          drain(next);
        }
      }
      return true;
    } catch (ClosedWatchServiceException e) {
      return false;
    }
  }

  /** Which file changed does not matter: the scan compares them all. */
  private static void drain(WatchKey key) {
    key.pollEvents();
    key.reset();
  }

  @Override
  public void close() {
    if (watcher != null) {
      try {
        watcher.close();
      } catch (IOException e) {
        throw new UncheckedIOException("closing the watch of " + directory, e);
      }
    }
  }
}
