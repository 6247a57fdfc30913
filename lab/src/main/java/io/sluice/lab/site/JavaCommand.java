package io.sluice.lab.site;

import io.sluice.cli.SluiceCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
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

  /** As the launcher has a daemon. */
  private static final List<String> SMALL =
      List.of(
          "-Xmx64m",
          "-Xms8m",
          "-Xmn2m",
          "-XX:MinHeapFreeRatio=10",
          "-XX:MaxHeapFreeRatio=20",
          "-XX:MaxDirectMemorySize=32m",
          "-XX:ReservedCodeCacheSize=24m",
          "-XX:SweeperThreshold=25");

  /** As it has what ends soon. */
  private static final List<String> SHORT =
      List.of("-XX:CompileThresholdScaling=4", "-XX:-AOTReplayTraining");

  private JavaCommand() {}

  /** The command with its arguments. */
  public static List<String> sluice(String... words) {
    String program = "io.sluice.cli.SluiceCommand";
    boolean runs = List.of(words).indexOf("run") == 1;
    List<String> flags = new ArrayList<>(runs ? SMALL : SHORT);
    List<String> command = new ArrayList<>();
    if (isPackaged()) {
      Path own = DIST.resolve("node.aot");
      Path cache =
          runs && words[0].equals("node") && Files.exists(own) ? own : DIST.resolve("sluice.aot");
      if (Files.exists(cache)) {
        flags.add("-XX:AOTCache=" + cache);
      }
      command.addAll(command(flags, packaged(), program));
    } else {
      command.addAll(command(flags, ownClassPath(), program));
    }
    command.addAll(List.of(words));
    return List.copyOf(command);
  }

  /** How a command ended, and what it printed. */
  public record Ended(int code, String out, String err) {
    /** What it printed, the errors last. */
    public String said() {
      return out + err;
    }
  }

  /**
   * What {@code sluice WORDS} prints by the command line in this JVM: for who asks what it says,
   * not how it starts. Fails with its output when it fails.
   */
  public static String here(String... words) {
    Ended ended = ended(words);
    if (ended.code != 0) {
      throw new IllegalStateException(
          String.join(" ", words) + " ended with " + ended.code + ": " + ended.said());
    }
    return ended.out;
  }

  /** The same however it ends. */
  public static Ended ended(String... words) {
    StringWriter said = new StringWriter();
    StringWriter errors = new StringWriter();
    int code =
        SluiceCommand.commandLine()
            .setOut(new PrintWriter(said))
            .setErr(new PrintWriter(errors))
            .execute(words);
    return new Ended(code, said.toString(), errors.toString());
  }

  /** Whether it is the packaged program. */
  public static boolean isPackaged() {
    return !DIST.toString().isEmpty();
  }

  /** Another program in a JVM of the same kind. */
  public static List<String> program(String mainClass) {
    return command(SMALL, ownClassPath(), mainClass);
  }

  /** Surefire starts the test JVM with a jar whose manifest holds the class path. */
  private static String ownClassPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
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
    command.addAll(
        List.of(
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xss256k",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:-UsePerfData",
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:ArchiveRelocationMode=0",
            "-XX:AsyncDeflationInterval=5000",
            "-XX:ServiceThreadCleanupInterval=30000"));
    command.addAll(flags);
    command.addAll(List.of("-cp", classPath, mainClass));
    return List.copyOf(command);
  }
}
