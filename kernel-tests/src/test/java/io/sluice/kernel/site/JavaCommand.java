package io.sluice.kernel.site;

import java.nio.file.Path;
import java.util.List;

/** The {@code sluice} program as this build made it, in a JVM with the launcher's small limits. */
public final class JavaCommand {
  private JavaCommand() {}

  /** The command without its arguments. */
  public static List<String> sluice() {
    return program("io.sluice.cli.SluiceCommand");
  }

  /** Another program in a JVM of the same kind. */
  public static List<String> program(String mainClass) {
    // Surefire starts the test JVM with a jar whose manifest holds the class path.
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xss256k",
        "-Xmx64m",
        "-Xmn4m",
        "-XX:MaxDirectMemorySize=32m",
        "-XX:ReservedCodeCacheSize=24m",
        "--enable-native-access=ALL-UNNAMED",
        "-XX:-UsePerfData",
        "-cp",
        classPath,
        mainClass);
  }
}
