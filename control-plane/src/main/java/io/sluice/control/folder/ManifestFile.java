package io.sluice.control.folder;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ReadObjects;
import io.sluice.control.registry.OriginStatus;
import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One file of the folder: its last good objects and what is wrong with it now. Confined to the
 * registry's thread.
 */
final class ManifestFile {
  /**
   * How long after its last change a file may change again without any trace in its attributes. The
   * kernel stamps times with the granularity of a timer tick (4 or 10 ms); network file systems may
   * be as coarse as a second.
   */
  private static final Duration SETTLED = Duration.ofSeconds(2);

  private final String name;
  private final InstantSource clock;
  private List<KubernetesObject> lastGood = List.of();
  private List<Problem> problems = List.of();
  private @Nullable Fingerprint fingerprint;
  private byte[] digest = {};

  ManifestFile(String name, InstantSource clock) {
    this.name = name;
    this.clock = clock;
  }

  /** Objects to be served. */
  List<KubernetesObject> objects() {
    return lastGood;
  }

  OriginStatus status() {
    return new OriginStatus(name, lastGood.size(), problems);
  }

  /** Puts the present content into service if it is good. Returns whether the objects changed. */
  boolean refresh(Path directory, BasicFileAttributes attributes) {
    Fingerprint now = Fingerprint.of(attributes);
    if (now.equals(fingerprint) && isSettled(attributes.lastModifiedTime())) {
      return false;
    }
    byte[] bytes;
    try (InputStream in = Files.newInputStream(directory.resolve(name))) {
      bytes = in.readNBytes(YamlDocuments.MAX_BYTES + 1);
    } catch (NoSuchFileException e) {
      return false; // removed or replaced since the scan; the next scan sees it
    } catch (IOException e) {
      refuse(
          new Problem(
              name, 0, "", "the file cannot be read: " + FileFault.reason(e), "make it readable"));
      return false;
    }
    fingerprint = now;
    byte[] digestNow = sha256(bytes);
    if (Arrays.equals(digestNow, digest)) {
      return false;
    }
    digest = digestNow;
    ReadObjects read = ObjectReader.read(name, bytes);
    problems = read.problems();
    if (!problems.isEmpty()) {
      return false;
    }
    lastGood = read.objects();
    return true;
  }

  /** Keeps the last good objects because the file itself cannot be used. */
  void refuse(Problem problem) {
    problems = List.of(problem);
    fingerprint = null;
    digest = new byte[0];
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private boolean isSettled(FileTime modified) {
    Instant settled = modified.toInstant().plus(SETTLED);
    return clock.instant().isAfter(settled);
  }

  /** What of a file's attributes changes with its content. */
  private record Fingerprint(long size, FileTime modified, @Nullable Object fileKey) {
    static Fingerprint of(BasicFileAttributes attributes) {
      return new Fingerprint(
          attributes.size(), attributes.lastModifiedTime(), attributes.fileKey());
    }
  }
}
