package io.sluice.control.folder;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One look at the folder.
 *
 * @param found manifest files by name, within the limits
 * @param refused manifest files that are beyond a limit or not regular, with the problem
 * @param problems why the folder cannot be read; then the other two are empty and mean nothing
 */
record FolderScan(
    Map<String, BasicFileAttributes> found, Map<String, Problem> refused, List<Problem> problems) {
  /** Most manifest files in the folder. */
  static final int MAX_FILES = 10_000;

  /** Most bytes of all manifest files together: bounds the memory of the registry. */
  static final long MAX_TOTAL_BYTES = 64L << 20;

  static FolderScan of(Path directory) {
    return of(directory, MAX_FILES, MAX_TOTAL_BYTES);
  }

  static FolderScan of(Path directory, int maxFiles, long maxTotalBytes) {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (isManifest(name)) {
          names.add(name);
        }
      }
    } catch (IOException e) {
      return unreadable(directory, e);
    } catch (DirectoryIteratorException e) {
      return unreadable(directory, new IOException(e)); // thrown while going through the entries
    }
    names.sort(null); // which files are beyond a limit must not depend on the directory's order
    var scan = new FolderScan(new TreeMap<>(), new TreeMap<>(), List.of());
    long total = 0;
    for (String name : names) {
      total += scan.add(directory, name, maxFiles, maxTotalBytes - total);
    }
    return scan;
  }

  private long add(Path directory, String name, int maxFiles, long bytesLeft) {
    BasicFileAttributes attributes;
    try {
      // Follows symbolic links: Kubernetes mounts the files of a ConfigMap as such.
      attributes = Files.readAttributes(directory.resolve(name), BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      if (Files.isSymbolicLink(directory.resolve(name))) {
        refuse(name, "the symbolic link leads nowhere", "mend or remove the link");
      }
      return 0; // otherwise removed since it was listed
    } catch (IOException e) {
      refuse(name, "the file cannot be read: " + e.getMessage(), "make it readable");
      return 0;
    }
    if (!attributes.isRegularFile()) {
      refuse(name, "this is not a regular file", "put a file in its place, or rename it");
    } else if (attributes.size() > YamlDocuments.MAX_BYTES) {
      refuse(
          name,
          "the file is larger than " + YamlDocuments.MAX_BYTES + " bytes",
          "split it into several files");
    } else if (found.size() >= maxFiles) {
      refuse(
          name,
          "the folder has more than " + maxFiles + " manifests",
          "put several objects into one file, with --- between them");
    } else if (attributes.size() > bytesLeft) {
      refuse(
          name,
          "the manifests of the folder are too large together",
          "remove objects that the mesh does not read");
    } else {
      found.put(name, attributes);
      return attributes.size();
    }
    return 0;
  }

  private void refuse(String name, String reason, String mend) {
    refused.put(name, new Problem(name, 0, "", reason, mend));
  }

  /** Hidden files and backups of editors are never manifests. */
  static boolean isManifest(String name) {
    return !name.startsWith(".")
        && (name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json"));
  }

  private static FolderScan unreadable(Path directory, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException missing -> "the folder does not exist";
          case NotDirectoryException file -> "this is not a folder";
          default -> "the folder cannot be read: " + e.getMessage();
        };
    return new FolderScan(
        Map.of(),
        Map.of(),
        List.of(new Problem(directory.toString(), 0, "", reason, "make it a readable folder")));
  }
}
