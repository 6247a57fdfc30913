package io.sluice.lab.site;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The {@code sluice} program as this build made it, in a JVM with the launcher's small limits. With
 * {@code -Dsluice.dist=DIR} it is the packaged one, which starts in a third of the time; without,
 * the classes that were compiled last.
 */
public final class JavaCommand {
  private static final Path DIST = Path.of(System.getProperty("sluice.dist", ""));

  private JavaCommand() {}

  /** The command with its arguments. */
  public static List<String> sluice(String... words) {
    String program = "io.sluice.cli.SluiceCommand";
    List<String> command = new ArrayList<>();
    if (isPackaged()) {
      Path own = DIST.resolve("node.aot");
      Path cache =
          List.of(words).indexOf("run") == 1 && words[0].equals("node") && Files.exists(own)
              ? own
              : DIST.resolve("sluice.aot");
      List<String> cached =
          Files.exists(cache) ? List.of("-XX:AOTCache=" + cache) : List.<String>of();
      command.addAll(command(cached, packaged(), program));
    } else {
      command.addAll(program(program));
    }
    command.addAll(List.of(words));
    return List.copyOf(command);
  }

  /** What {@code sluice WORDS} prints; fails with its output when it fails. */
  public static String run(String... words) {
    return Commands.run(sluice(words).toArray(String[]::new));
  }

  /** Whether it is the packaged program. */
  public static boolean isPackaged() {
    return !DIST.toString().isEmpty();
  }

  /** Another program in a JVM of the same kind. */
  public static List<String> program(String mainClass) {
    // Surefire starts the test JVM with a jar whose manifest holds the class path.
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return command(List.of(), classPath, mainClass);
  }

  /** In the launcher's order, with which the cache was trained. */
  private static String packaged() {
    try (Stream<Path> jars = Files.list(DIST.resolve("lib"))) {
      return jars.map(Path::toString).sorted().collect(Collectors.joining(":"));
    } catch (IOException e) {
      throw new UncheckedIOException(DIST + " holds no packaged program", e);
    }
  }

  private static List<String> command(List<String> flags, String classPath, String mainClass) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xss256k",
            "-Xmx64m",
            "-Xms8m",
            "-Xmn2m",
            "-XX:MinHeapFreeRatio=10",
            "-XX:MaxHeapFreeRatio=20",
            "-XX:MaxDirectMemorySize=32m",
            "-XX:ReservedCodeCacheSize=24m",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:-UsePerfData",
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:ArchiveRelocationMode=0",
            "-cp",
            classPath,
            mainClass));
    return List.copyOf(command);
  }
}
