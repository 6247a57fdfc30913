package io.sluice.cni;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The static executables in this jar. Each call reads the jar anew; any thread may call. */
public final class CniClient {
  /** File name that runtimes look for: the {@code type} of the entry in a network's list. */
  public static final String NAME = "sluice-cni";

  private CniClient() {}

  /**
   * The executable for a machine, as an ELF file.
   *
   * @param osArch as the JDK names it in {@code os.arch}, for example {@code amd64}
   * @throws IllegalArgumentException when there is no client for that architecture
   * @throws IllegalStateException when this build lacks it
   */
  public static byte[] binary(String osArch) {
    String resource = NAME + "-" + architecture(osArch);
    try (InputStream in = CniClient.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(
            "this build holds no CNI client " + resource + "; rebuild cni-plugin");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read CNI client " + resource, e);
    }
  }

  /** {@link #binary} for the machine that this runs on. */
  public static byte[] forThisMachine() {
    return binary(System.getProperty("os.arch"));
  }

  private static String architecture(String osArch) {
    return switch (osArch) {
      case "amd64", "x86_64" -> "amd64";
      case "aarch64", "arm64" -> "arm64";
      default ->
          throw new IllegalArgumentException(
              "no CNI client for architecture "
                  + osArch
                  + ": there is one for amd64 and for arm64; use a node of these, or a CNI"
                  + " configuration without "
                  + NAME);
    };
  }
}
