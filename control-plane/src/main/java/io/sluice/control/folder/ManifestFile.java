package io.sluice.control.folder;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.manifest.Documents;
import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.registry.ObjectSource.ObjectChange;
import io.sluice.control.registry.RegistryStatus.OriginStatus;
import io.sluice.mesh.FileFault;
import io.sluice.mesh.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
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

  /** What is in service as it is written, once a line of it was asked for. */
  private @Nullable Documents served;

  /** Whether the present content, which cannot be used, may have a MeshConfig in it. */
  private boolean namesConfig;

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

  /** Whether it may hold a MeshConfig of which nothing is served. */
  boolean hidesConfig() {
    return !problems.isEmpty()
        && namesConfig
        && lastGood.stream().noneMatch(MeshConfig.class::isInstance);
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
    byte[] digestNow = Sha256.of(bytes);
    if (Arrays.equals(digestNow, digest)) {
      return false;
    }
    digest = digestNow;
    ReadObjects read = ObjectReader.read(name, bytes);
    problems = read.problems();
    if (!problems.isEmpty()) {
      // The bytes of the word are those of every encoding that a file of a folder may have.
      namesConfig = new String(bytes, StandardCharsets.ISO_8859_1).contains("MeshConfig");
      return false;
    }
    lastGood = read.objects();
    served = null;
    return true;
  }

  /**
   * The line of the field that {@code status} names; that of its object where what is in service is
   * not in the file any more.
   */
  int lineOf(Path directory, ObjectStatus status) {
    if (served == null && problems.isEmpty()) {
      try (InputStream in = Files.newInputStream(directory.resolve(name))) {
        byte[] bytes = in.readNBytes(YamlDocuments.MAX_BYTES + 1);
        if (Arrays.equals(Sha256.of(bytes), digest)) {
          served = new Documents(YamlDocuments.read(name, bytes));
        }
      } catch (IOException e) {
        return status.line(); // gone since; the next look tells
      }
    }
    return served == null
        ? status.line()
        : served.lineOf(status.object().toString(), status.field(), status.line());
  }

  /** Keeps the last good objects because the file itself cannot be used. */
  void refuse(Problem problem) {
    problems = List.of(problem);
    namesConfig = true; // nobody knows
    fingerprint = null;
    digest = new byte[0];
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

  /**
   * The objects of all files by their names, and which of them differ from those that were given
   * before. Costs what the changed files hold. One thread.
   */
  static final class GivenObjects {
    private final Map<String, List<KubernetesObject>> byFile = new HashMap<>();

    /** Of each name, by file: the order in which several of the same name count. */
    private final Map<ObjectRef, SortedMap<String, List<KubernetesObject>>> byRef = new HashMap<>();

    private final Map<ObjectRef, List<KubernetesObject>> given = new HashMap<>();
    private final Set<ObjectRef> due = new TreeSet<>();

    /** Takes what a file holds now; nothing when it is gone. */
    void put(String file, List<KubernetesObject> objects) {
      for (KubernetesObject object : byFile.getOrDefault(file, List.of())) {
        due.add(object.ref());
        byRef.computeIfPresent(
            object.ref(),
            (ref, files) -> {
              files.remove(file);
              return files.isEmpty() ? null : files;
            });
      }
      for (KubernetesObject object : objects) {
        due.add(object.ref());
        byRef
            .computeIfAbsent(object.ref(), ref -> new TreeMap<>())
            .computeIfAbsent(file, name -> new ArrayList<>(1))
            .add(object);
      }
      if (objects.isEmpty()) {
        byFile.remove(file);
      } else {
        byFile.put(file, objects);
      }
    }

    /**
     * What differs from the objects that were given before, in order of name; given from now on.
     */
    List<ObjectChange> changes() {
      List<ObjectChange> changes = new ArrayList<>();
      for (ObjectRef ref : due) {
        List<KubernetesObject> before = given.getOrDefault(ref, List.of());
        List<KubernetesObject> now = present(ref);
        if (!now.equals(before)) {
          changes.add(new ObjectChange(ref, now));
        }
        if (now.isEmpty()) {
          given.remove(ref);
        } else {
          given.put(ref, now);
        }
      }
      due.clear();
      return changes;
    }

    private List<KubernetesObject> present(ObjectRef ref) {
      SortedMap<String, List<KubernetesObject>> files = byRef.get(ref);
      return files == null ? List.of() : files.values().stream().flatMap(List::stream).toList();
    }
  }
}
