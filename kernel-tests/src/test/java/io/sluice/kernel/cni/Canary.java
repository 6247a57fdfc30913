package io.sluice.kernel.cni;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A program without a library that sends a word from its very first instruction, over TCP and UDP,
 * IPv4 and IPv6, to one machine.
 */
final class Canary {
  private static final int PATIENCE_SECONDS = 20;

  /** By whom it calls. */
  private static final Map<List<Object>, byte[]> COMPILED = new ConcurrentHashMap<>();

  private final Path program;

  private Canary(Path program) {
    this.program = program;
  }

  /** Compiles it into {@code directory}; it will call {@code listener}. */
  static Canary compile(Path directory, SitePod listener, int port) {
    List<Object> called =
        List.of(listener.address(Family.IPV4), listener.address(Family.IPV6), port);
    Path program = directory.resolve("canary");
    try {
      Files.write(
          program, COMPILED.computeIfAbsent(called, _ -> compiled(program, listener, port)));
      Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Canary(program);
  }

  private static byte[] compiled(Path program, SitePod listener, int port) {
    Path directory = program.resolveSibling("source");
    Path source = directory.resolve("canary.c");
    Path client = SourceTree.around().root().resolve("cni-plugin/src/client");
    try (InputStream in = Canary.class.getResourceAsStream("canary.c")) {
      Files.createDirectory(directory);
      Files.write(source, Objects.requireNonNull(in).readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    StringJoiner address6 = new StringJoiner(",", "{", "}");
    for (byte b : listener.address(Family.IPV6).getAddress()) {
      address6.add(Integer.toString(b & 0xff));
    }
    int address4 = ByteBuffer.wrap(listener.address(Family.IPV4).getAddress()).getInt();
    Commands.run(
        "clang",
        "-O1",
        "-ffreestanding",
        "-nostdlib",
        "-static",
        "-fno-stack-protector",
        "-fuse-ld=lld",
        "-I" + client,
        "-DPORT=" + port,
        "-DADDRESS4=" + Integer.toUnsignedString(address4) + "u",
        "-DADDRESS6=" + address6,
        "-o",
        program.toString(),
        source.toString(),
        client.resolve("start.c").toString());
    try {
      return Files.readAllBytes(program);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path program() {
    return program;
  }

  /** Runs it in a namespace to its end. */
  void sing(SitePod inside, String word) {
    Process process = inside.start("env", "-i", "CANARY=" + word, program.toString());
    try {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new AssertionError("the canary in " + inside.netns() + " died");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
