package io.sluice.architecture;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The files of this repository, for tests about the sources rather than about what they do. */
public final class SourceTree {
  private static final Set<String> NOT_SOURCES = Set.of(".git", ".idea", ".vscode", "target");

  private static final Pattern HAS_TESTS =
      Pattern.compile(
          "@(Test|ParameterizedTest|TestFactory|EachMechanism)\\b|class \\w+ extends \\w+Contract\\b");

  private static final Pattern EXTENDED = Pattern.compile("class \\w+ extends (\\w+Contract)\\b");

  private final Path root;
  private List<Path> known = List.of(); // guarded by this

  private SourceTree(Path root) {
    this.root = root;
  }

  /**
   * The tree around the working directory: the nearest directory upwards that holds the launcher
   * and the root pom.
   *
   * @throws IllegalStateException outside of the repository
   */
  public static SourceTree around() {
    Path start = Path.of("").toAbsolutePath();
    for (Path dir = start; dir != null; dir = dir.getParent()) {
      if (Files.isRegularFile(dir.resolve("sluice"))
          && Files.isRegularFile(dir.resolve("pom.xml"))) {
        return new SourceTree(dir);
      }
    }
    throw new IllegalStateException(start + " is in no source tree of Sluice");
  }

  /** The top directory, absolute. */
  public Path root() {
    return root;
  }

  /** The text of a file, named relative to the root, read as UTF-8. */
  public String read(Path file) {
    try {
      return Files.readString(root.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Whether the file is a script: it begins with {@code #!}. */
  boolean startsWithShebang(Path file) {
    try (InputStream in = Files.newInputStream(root.resolve(file))) {
      return in.read() == '#' && in.read() == '!';
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Every file that is no build output, relative to the root; as when it was first asked. */
  public synchronized List<Path> files() {
    if (known.isEmpty()) {
      known = walk();
    }
    return known;
  }

  private List<Path> walk() {
    List<Path> files = new ArrayList<>();
    try {
      Files.walkFileTree(
          root,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
              return NOT_SOURCES.contains(String.valueOf(dir.getFileName()))
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              // In a linked worktree .git is a file.
              if (attributes.isRegularFile() && !file.endsWith(".git")) {
                files.add(root.relativize(file));
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return List.copyOf(files);
  }

  /** The Java files under {@code <module>/src/main/java}. */
  public Stream<Path> mainSources() {
    return javaUnder("main");
  }

  /** The Java files under {@code <module>/src/test/java}. */
  public Stream<Path> testSources() {
    return javaUnder("test");
  }

  /** Whether there is a test class of this simple name, with tests of its own or inherited. */
  public boolean isTest(String name) {
    return testSources()
        .filter(source -> source.endsWith(name + ".java"))
        .anyMatch(source -> HAS_TESTS.matcher(read(source)).find());
  }

  /** Whether the test class of this simple name, or a contract that it extends, tries an attack. */
  public boolean isAttack(String name) {
    return testSources()
        .filter(source -> source.endsWith(name + ".java"))
        .map(this::read)
        .anyMatch(text ->
            text.contains("@Tag(\"attack\")")
                || EXTENDED
                    .matcher(text)
                    .results()
                    .anyMatch(m -> !m.group(1).equals(name) && isAttack(m.group(1))));
  }

  private Stream<Path> javaUnder(String kind) {
    return files().stream()
        .filter(file ->
            file.getNameCount() > 4
                && file.subpath(1, 4).equals(Path.of("src", kind, "java"))
                && file.toString().endsWith(".java"));
  }

  /**
   * The tracked files, relative to the root, as git lists them. In a tree that came without its
   * history (an unpacked archive), every file counts as tracked.
   */
  List<Path> trackedFiles() {
    if (!Files.exists(root.resolve(".git"))) {
      return files();
    }
    try {
      // safe.directory: root may test a checkout that belongs to somebody else.
      Process git =
          new ProcessBuilder("git", "-c", "safe.directory=" + root, "ls-files", "-z")
              .directory(root.toFile())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      String listing = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int status = git.waitFor();
      if (status != 0) {
        throw new IllegalStateException("git ls-files ended with status " + status);
      }
      return Stream.of(listing.split("\0"))
          .filter(name -> !name.isEmpty())
          .map(Path::of)
          .filter(file -> Files.isRegularFile(root.resolve(file)))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("git ls-files", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while git listed the files", e);
    }
  }
}
